import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as run_lengths

from deocclude.errors import DeoccludeError
from deocclude.people import SuppliedMasks

HEIGHT, WIDTH = 41, 57
PHOTO = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def large():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[5:36, 4:25] = True
    return mask


@pytest.fixture
def small():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:20, 30:50] = True
    return mask


def save(array, path, palette=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    if palette:
        image = Image.fromarray(array, mode="P")
        image.putpalette(list(range(256)) * 3)
    image.save(path)
    return path


def masks_of(path, photo="photo.jpg", photos=1):
    return [person.mask for person in SuppliedMasks(path, photos).for_photo(photo)(PHOTO)]


def assert_same(found, *expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [1, 7, 255])
def test_one_value_is_one_person(tmp_path, large, value):
    assert_same(masks_of(save(large * np.uint8(value), tmp_path / "m.png")), large)


def test_score_and_name(tmp_path, large):
    source = SuppliedMasks(save(large * np.uint8(255), tmp_path / "m.png")).for_photo()
    assert source.name == "supplied"
    (person,) = source(PHOTO)
    assert person.score == 1
    assert person.landmarks is None


@pytest.mark.parametrize("palette", [False, True])
def test_values_are_people_from_the_largest(tmp_path, large, small, palette):
    labels = (large * 9 + small * 3).astype(np.uint8)
    assert_same(masks_of(save(labels, tmp_path / "m.png", palette)), large, small)


def test_palette_index_255_beside_others_is_nobody(tmp_path, large, small):
    labels = (large * 1 + small * 255).astype(np.uint8)
    assert_same(masks_of(save(labels, tmp_path / "m.png", palette=True)), large)


def test_16_bit_labels(tmp_path, large, small):
    assert_same(
        masks_of(save((large * 1000 + small * 2000).astype(np.uint16), tmp_path / "m.png")), large, small
    )


def test_one_bit_image(tmp_path, large):
    Image.fromarray(large).save(tmp_path / "m.png")
    assert_same(masks_of(tmp_path / "m.png"), large)


def test_colours_are_people_and_transparency_is_background(tmp_path, large, small):
    colours = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
    colours[large] = (200, 0, 0, 255)
    colours[small] = (0, 0, 90, 255)
    colours[40, :] = (9, 9, 9, 0)
    assert_same(masks_of(save(colours, tmp_path / "m.png")), large, small)


def test_soft_mask_is_refused(tmp_path):
    ramp = np.resize(np.arange(256, dtype=np.uint8), (HEIGHT, WIDTH))
    with pytest.raises(DeoccludeError, match="soft mask"):
        masks_of(save(ramp, tmp_path / "m.png"))


def test_folder_for_a_single_photo(tmp_path, large, small):
    save(small * np.uint8(255), tmp_path / "a.png")
    save(large * np.uint8(255), tmp_path / "b.png")
    assert_same(masks_of(tmp_path), large, small)


def test_file_of_the_photos_name_goes_first(tmp_path, large, small):
    save(small * np.uint8(255), tmp_path / "photo.png")
    save(large * np.uint8(255), tmp_path / "other.png")
    assert_same(masks_of(tmp_path), small)


def test_folder_of_the_photos_name(tmp_path, large, small):
    save(small * np.uint8(255), tmp_path / "photo" / "0.png")
    save(large * np.uint8(255), tmp_path / "photo" / "1.png")
    (tmp_path / "photo" / "notes.txt").write_text("not a mask")
    assert_same(masks_of(tmp_path, photos=5), large, small)


def test_several_photos_never_share_other_names(tmp_path, large):
    save(large * np.uint8(255), tmp_path / "a.png")
    with pytest.raises(DeoccludeError, match=r"no mask of a person for photo\.jpg"):
        masks_of(tmp_path, photos=2)
    with pytest.raises(DeoccludeError, match="one mask for 2 photos"):
        masks_of(tmp_path / "a.png", photos=2)


def test_other_size_names_both(tmp_path):
    path = save(np.full((20, 30), 255, dtype=np.uint8), tmp_path / "m.png")
    with pytest.raises(DeoccludeError, match=r"m\.png is 30x20 but photo\.jpg is 57x41"):
        masks_of(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.png", b"", "not a readable mask"),
        ("m.png", b"\x89PNG\r\n\x1a\nbroken", "not a readable mask"),
        ("m.txt", b"hello", "no kind of mask"),
        ("m.json", b"{", "not COCO JSON"),
        ("m.json", b"[]", "not COCO JSON"),
        ("m.json", b'{"images": [], "annotations": [3]}', "not COCO JSON"),
    ],
)
def test_unreadable_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeoccludeError, match=message) as error:
        masks_of(tmp_path / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_truncated_png(tmp_path, large):
    path = save(np.random.default_rng(0).integers(0, 2, (HEIGHT, WIDTH), dtype=np.uint8), tmp_path / "m.png")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DeoccludeError, match="not a readable mask"):
        masks_of(path)


def test_missing_and_empty(tmp_path):
    with pytest.raises(DeoccludeError, match="no such file"):
        SuppliedMasks(tmp_path / "absent.png")
    with pytest.raises(DeoccludeError, match="no mask of a person"):
        masks_of(tmp_path)
    with pytest.raises(DeoccludeError, match="no mask of a person"):
        masks_of(save(np.zeros((HEIGHT, WIDTH), dtype=np.uint8), tmp_path / "m.png"))


def compressed(mask):
    encoded = run_lengths.encode(np.asfortranarray(mask))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def uncompressed(mask):
    flat = mask.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": counts if not flat[0] else [0, *counts]}


def polygon(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return [[float(v) for v in (left, top, right, top, right, bottom, left, bottom)]]


def coco(tmp_path, annotations, categories=(), images=None):
    content = {
        "images": images or [{"id": 3, "file_name": "photo.jpg", "height": HEIGHT, "width": WIDTH}],
        "annotations": [{"image_id": 3, "category_id": 1, **one} for one in annotations],
        "categories": list(categories),
    }
    path = tmp_path / "people.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("encode", [compressed, uncompressed, polygon])
def test_coco_shapes(tmp_path, large, small, encode):
    path = coco(tmp_path, [{"segmentation": encode(small)}, {"segmentation": encode(large)}])
    assert_same(masks_of(path), large, small)
    assert_same(masks_of(path, photo=None), large, small)


def test_coco_of_several_pieces_is_one_person(tmp_path, large, small):
    path = coco(tmp_path, [{"segmentation": polygon(small) + polygon(large)}])
    assert_same(masks_of(path), large | small)


def test_coco_leaves_out_crowds_other_categories_and_other_images(tmp_path, large, small):
    annotations = [
        {"segmentation": polygon(small)},
        {"segmentation": polygon(large), "category_id": 2},
        {"segmentation": uncompressed(large), "iscrowd": 1},
        {"segmentation": polygon(large), "image_id": 8},
    ]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    assert_same(masks_of(coco(tmp_path, annotations, categories)), small)


def test_coco_without_person_category_takes_all(tmp_path, large, small):
    annotations = [{"segmentation": polygon(small)}, {"segmentation": polygon(large), "category_id": 2}]
    categories = [{"id": 1, "name": "dancer"}, {"id": 2, "name": "singer"}]
    assert_same(masks_of(coco(tmp_path, annotations, categories)), large, small)


def test_coco_of_same_names_in_two_folders(tmp_path, large, small):
    images = [{"id": 3, "file_name": "a/photo.jpg"}, {"id": 4, "file_name": "b/photo.jpg"}]
    annotations = [{"segmentation": polygon(small)}, {"segmentation": polygon(large), "image_id": 4}]
    path = coco(tmp_path, annotations, images=images)
    assert_same(masks_of(path, "somewhere/b/photo.jpg"), large)
    with pytest.raises(DeoccludeError, match="2 images match"):
        masks_of(path, "photo.jpg")


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "annotation 5 is damaged"),
        ([[1, 2]], "annotation 5 is damaged"),
        ([[1, 2, 3, "x", 5, 6]], "annotation 5 is damaged"),
        ({"counts": [3]}, "annotation 5 is damaged"),
        ({"size": [HEIGHT, WIDTH], "counts": [9999999]}, "annotation 5 is damaged"),
        ({"size": [9, 9], "counts": [81]}, "is for 9x9 but photo.jpg is 57x41"),
        ([], "no mask of a person"),
    ],
)
def test_coco_bad_shapes(tmp_path, segmentation, message):
    with pytest.raises(DeoccludeError, match=message):
        masks_of(coco(tmp_path, [{"id": 5, "segmentation": segmentation}]))


def test_coco_of_another_photo_or_size(tmp_path, large):
    path = coco(tmp_path, [{"segmentation": polygon(large)}])
    with pytest.raises(DeoccludeError, match=r"0 images match file_name other\.jpg"):
        masks_of(path, "other.jpg")
    wrong = [{"id": 3, "file_name": "photo.jpg", "height": 10, "width": 20}]
    with pytest.raises(DeoccludeError, match=r"people\.json is for 20x10 but photo\.jpg is 57x41"):
        masks_of(coco(tmp_path, [{"segmentation": polygon(large)}], images=wrong))
