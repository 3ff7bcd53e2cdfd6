"""Round trips of every JSON format, judged by the COCO API, and files as they are published."""

import json
import shutil

import numpy as np
import pytest
from awkward_people import (
    JSON_FORMATS,
    api_decode,
    api_encode,
    api_fill,
    awkward_masks,
    load,
    masks_of_coco,
    write_photo,
)
from pycocotools.coco import COCO

from deocclude.ahp.formats.conversion import Choice, convert
from deocclude.errors import DeoccludeError


@pytest.mark.parametrize("name", JSON_FORMATS)
def test_there_and_back_loses_nothing(name, coco_folder, tmp_path, same_masks):
    convert(coco_folder, tmp_path / "there", "coco", name)
    convert(tmp_path / "there", tmp_path / "back", name, "coco")
    same_masks(masks_of_coco(coco_folder), masks_of_coco(tmp_path / "back"))
    before, after = load(coco_folder), load(tmp_path / "back")
    assert after["images"] == before["images"]
    for old, new in zip(before["annotations"], after["annotations"], strict=True):
        for key in ("id", "image_id", "category_id", "score"):
            assert new[key] == old[key], key
    assert after["categories"] == before["categories"]
    for photo in awkward_masks():
        copied = (tmp_path / "back" / "photos" / photo).read_bytes()
        assert copied == (coco_folder / "photos" / photo).read_bytes()


def written(coco_folder, tmp_path, name):
    """Annotations that a format got, with the modal and amodal mask each must hold."""
    convert(coco_folder, tmp_path / name, "coco", name)
    expected = [people for _, people in (entry for entry in awkward_masks().values())]
    truth = [(modal, amodal) for people in expected for _, modal, amodal in people]
    return load(tmp_path / name)["annotations"], truth


def test_coco_as_written_is_what_the_api_reads(coco_folder, tmp_path):
    for one, (modal, amodal) in zip(*written(coco_folder, tmp_path, "coco"), strict=True):
        assert np.array_equal(api_decode(one["segmentation"]), modal)
        assert np.array_equal(api_decode(one["amodal_segmentation"]), amodal)
        assert (one["area"], one["amodal_area"]) == (modal.sum(), amodal.sum())


@pytest.mark.parametrize("name", ["cocoa-cls", "d2sa"])
def test_cocoa_cls_as_written_is_what_the_api_reads(name, coco_folder, tmp_path):
    for one, (modal, amodal) in zip(*written(coco_folder, tmp_path, name), strict=True):
        stored = one["segmentation"]
        assert isinstance(stored, list) == (name == "cocoa-cls")
        whole = api_fill(stored, *amodal.shape) if isinstance(stored, list) else api_decode(stored)
        assert np.array_equal(whole, amodal)
        assert np.array_equal(api_decode(one["visible_mask"]), modal)
        assert one["occlude_rate"] == pytest.approx(1 - modal.sum() / amodal.sum())
        if modal.sum() < amodal.sum():
            assert np.array_equal(api_decode(one["invisible_mask"]), amodal & ~modal)
        else:
            assert "invisible_mask" not in one


@pytest.mark.parametrize(("name", "part"), [("coco", 0), ("cocoa-cls", 1), ("d2sa", 1), ("kins", 1)])
def test_the_coco_api_loads_what_is_written(name, part, coco_folder, tmp_path):
    _, truth = written(coco_folder, tmp_path, name)
    loaded = COCO(str(tmp_path / name / "annotations.json"))
    annotations = loaded.loadAnns(loaded.getAnnIds())
    for one, masks in zip(annotations, truth, strict=True):
        assert np.array_equal(loaded.annToMask(one) > 0, masks[part])
    assert len(loaded.getAnnIds(catIds=loaded.getCatIds(catNms=["cyclist"]))) == 1


def test_kins_as_written_is_what_the_api_reads(coco_folder, tmp_path):
    for one, (modal, amodal) in zip(*written(coco_folder, tmp_path, "kins"), strict=True):
        assert np.array_equal(api_fill(one["segmentation"], *amodal.shape), amodal)
        assert np.array_equal(api_decode(one["inmodal_seg"]), modal)
        rows, columns = np.nonzero(amodal)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert one["bbox"] == box


def test_kins_2020_as_written_is_what_the_api_reads(coco_folder, tmp_path):
    for one, (modal, amodal) in zip(*written(coco_folder, tmp_path, "kins2020"), strict=True):
        assert np.array_equal(api_fill(one["a_segm"], *amodal.shape), amodal)
        assert np.array_equal(api_fill(one["i_segm"], *modal.shape), modal)
        assert (one["i_area"], one["a_area"]) == (modal.sum(), amodal.sum())


def test_cocoa_as_written_is_what_the_api_reads(coco_folder, tmp_path):
    annotations, truth = written(coco_folder, tmp_path, "cocoa")
    assert [one["size"] for one in annotations] == [4, 1, 1]
    regions = [region for one in annotations for region in one["regions"]]
    assert [region["order"] for region in regions] == [1, 2, 3, 4, 1, 1]
    for region, (modal, amodal) in zip(regions, truth, strict=True):
        assert np.array_equal(api_fill([region["segmentation"]], *amodal.shape), amodal)
        hidden = amodal & ~modal
        assert ("visible_mask" in region) == hidden.any()
        if hidden.any():
            assert np.array_equal(api_decode(region["visible_mask"]), modal)
            assert np.array_equal(api_decode(region["invisible_mask"]), hidden)
    assert regions[2]["name"] == "cyclist"


def published(folder, annotations, categories=None, size=(30, 40)):
    """A data set as its authors publish it: photos in a folder of their own."""
    write_photo(folder / "image_2" / "000001.png", *size)
    image = {"id": 5, "file_name": "000001.png", "height": size[0], "width": size[1]}
    content = {"images": [image], "annotations": annotations}
    if categories:
        content["categories"] = categories
    file = folder / "published.json"
    file.write_text(json.dumps(content))
    return file


def to_coco(folder, file, name, **options):
    convert(file, folder / "out", name, "coco", photos=folder / "image_2", **options)
    return load(folder / "out")["annotations"]


TRIANGLE = [3.25, 4.5, 30.75, 6.0, 12.5, 25.25]
TRUE_TRIANGLE = api_fill([TRIANGLE], 30, 40)


def test_cocoa_as_published(tmp_path):
    seen = TRUE_TRIANGLE.copy()
    seen[:, 15:] = False
    hidden = TRUE_TRIANGLE & ~seen
    regions = [
        {"segmentation": [15, 0, 40, 0, 40, 30, 15, 30], "name": "sofa ", "area": 750, "isStuff": 0,
         "occlude_rate": 0, "order": 1},
        {"segmentation": TRIANGLE, "name": "person", "area": 300, "isStuff": 0, "occlude_rate": 0.4,
         "order": 2, "visible_mask": api_encode(seen), "invisible_mask": api_encode(hidden)},
        {"segmentation": [0, 0, 40, 0, 40, 30, 0, 30], "name": "wall", "area": 1200, "isStuff": 1,
         "occlude_rate": 0, "order": 3},
    ]  # fmt: skip
    annotation = {
        "author": "ash2", "url": "https://example.org/1.png", "id": 377, "image_id": 5, "size": 3,
        "depth_constraint": "1-2,1-3,2-3", "regions": regions,
    }  # fmt: skip
    file = published(tmp_path, [annotation])
    sofa, person, wall = to_coco(tmp_path, file, "cocoa")
    assert [one["deocclude"]["id"] for one in (sofa, person, wall)] == [
        f"cocoa-5-377-{number}" for number in (1, 2, 3)
    ]
    assert np.array_equal(api_decode(sofa["segmentation"]), api_fill([regions[0]["segmentation"]], 30, 40))
    assert sofa["segmentation"] == sofa["amodal_segmentation"]
    assert np.array_equal(api_decode(person["segmentation"]), seen)
    assert np.array_equal(api_decode(person["amodal_segmentation"]), TRUE_TRIANGLE)
    convert(tmp_path / "out", tmp_path / "AHP", "coco", "ahp-test")
    convert(tmp_path / "AHP", tmp_path / "again", "ahp-test", "cocoa")
    again = load(tmp_path / "again")["annotations"][0]
    for key in ("author", "url", "id", "depth_constraint", "size"):
        assert again[key] == annotation[key], key
    for old, new in zip(regions, again["regions"], strict=True):
        assert (new["name"], new["isStuff"], new["order"]) == (old["name"], old["isStuff"], old["order"])
    chosen = Choice(categories=("person", "wall"))
    convert(tmp_path / "again", tmp_path / "people", "cocoa", "cocoa", choice=chosen)
    fewer = load(tmp_path / "people")["annotations"][0]
    assert [region["name"] for region in fewer["regions"]] == ["person", "wall"]
    assert fewer["depth_constraint"] == "1-2"


def test_of_a_region_with_both_masks_the_whole_is_their_union(tmp_path):
    seen = TRUE_TRIANGLE.copy()
    seen[:, 15:] = False
    rounded = np.roll(TRUE_TRIANGLE, 1, axis=0) & ~seen
    region = {
        "segmentation": TRIANGLE, "name": "person", "order": 1,
        "visible_mask": api_encode(seen), "invisible_mask": api_encode(rounded),
    }  # fmt: skip
    file = published(tmp_path, [{"id": 1, "image_id": 5, "regions": [region]}])
    (one,) = to_coco(tmp_path, file, "cocoa")
    assert np.array_equal(api_decode(one["segmentation"]), seen)
    assert np.array_equal(api_decode(one["amodal_segmentation"]), seen | rounded)


def test_bsds_keeps_annotators_apart(tmp_path):
    region = {"segmentation": TRIANGLE, "name": "bear", "isStuff": 0, "order": 1}
    annotations = [
        {"id": number, "author": author, "image_id": 5, "regions": [dict(region), dict(region)]}
        for number, author in ((1, "dromero"), (2, "jdayal"))
    ]
    file = published(tmp_path, annotations)
    convert(file, tmp_path / "same", "cocoa", "cocoa", photos=tmp_path / "image_2")
    same = load(tmp_path / "same")
    assert [(one["author"], len(one["regions"])) for one in same["annotations"]] == [
        ("dromero", 2),
        ("jdayal", 2),
    ]
    assert len(same["images"]) == 1


def test_kins_2019_as_published(tmp_path):
    seen = TRUE_TRIANGLE.copy()
    seen[:, 15:] = False
    annotation = {
        "segmentation": [TRIANGLE], "area": 300, "bbox": [3, 4, 28, 21], "iscrowd": 0, "image_id": 5,
        "inmodal_seg": api_encode(seen), "inmodal_bbox": [3, 4, 12, 21], "category_id": 2, "id": 9,
    }  # fmt: skip
    file = published(tmp_path, [annotation], [{"id": 2, "name": "pedestrian"}])
    (one,) = to_coco(tmp_path, file, "kins")
    assert np.array_equal(api_decode(one["segmentation"]), seen)
    assert np.array_equal(api_decode(one["amodal_segmentation"]), TRUE_TRIANGLE)
    assert load(tmp_path / "out")["categories"][0]["name"] == "pedestrian"


def test_kins_2020_as_published(tmp_path):
    front = [3.25, 4.5, 14.0, 5.0, 12.5, 25.25]
    beyond = [20, 9, 24, 9, 24, 13, 20, 13]
    annotation = {
        "a_segm": [TRIANGLE], "i_segm": [front, beyond], "a_bbox": [3, 4, 28, 21], "i_bbox": [3, 4, 22, 21],
        "a_area": 300, "i_area": 140, "oco_id": 3, "ico_id": 1, "image_id": 5, "category_id": 1, "id": 77,
    }  # fmt: skip
    file = published(tmp_path, [annotation], [{"id": 1, "name": "cyclist", "supercategory": "Living Thing"}])
    (one,) = to_coco(tmp_path, file, "kins2020")
    seen = api_fill([front, beyond], 30, 40)
    assert np.array_equal(api_decode(one["segmentation"]), seen)
    assert np.array_equal(api_decode(one["amodal_segmentation"]), TRUE_TRIANGLE | seen)
    convert(tmp_path / "out", tmp_path / "again", "coco", "kins2020")
    (again,) = load(tmp_path / "again")["annotations"]
    assert (again["oco_id"], again["ico_id"], again["id"], again["category_id"]) == (3, 1, 77, 1)


@pytest.mark.parametrize("name", ["cocoa-cls", "d2sa"])
@pytest.mark.parametrize("whole", [[TRIANGLE], api_encode(TRUE_TRIANGLE)], ids=["polygons", "runs"])
def test_cocoa_cls_and_d2sa_as_published(name, whole, tmp_path):
    seen = TRUE_TRIANGLE.copy()
    seen[:, 15:] = False
    occluded = {
        "id": 1, "image_id": 5, "category_id": 1, "iscrowd": 0, "segmentation": whole, "area": 300,
        "bbox": [3, 4, 28, 21], "visible_mask": api_encode(seen), "occlude_rate": 0.4,
    }  # fmt: skip
    clear = {"id": 2, "image_id": 5, "category_id": 1, "segmentation": whole, "occlude_rate": 0.0}
    file = published(tmp_path, [occluded, clear], [{"id": 1, "name": "person"}])
    first, second = to_coco(tmp_path, file, name)
    assert np.array_equal(api_decode(first["segmentation"]), seen)
    assert np.array_equal(api_decode(first["amodal_segmentation"]), TRUE_TRIANGLE)
    assert second["segmentation"] == second["amodal_segmentation"] == api_encode(TRUE_TRIANGLE)


def test_plain_coco_without_whole_bodies_is_refused(tmp_path):
    annotation = {"id": 4, "image_id": 5, "category_id": 1, "segmentation": [TRIANGLE]}
    file = published(tmp_path, [annotation], [{"id": 1, "name": "person"}])
    with pytest.raises(DeoccludeError, match=r"published\.json: annotation 4: no 'amodal_segmentation'"):
        to_coco(tmp_path, file, "coco")


def test_photos_turned_by_exif_are_measured_upright(tmp_path):
    from PIL import Image

    folder = tmp_path / "image_2"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 40)).save(folder / "000001.jpg", exif=exif)
    annotation = {"id": 1, "image_id": 5, "a_segm": [TRIANGLE], "i_segm": [TRIANGLE]}
    for size, fits in (((30, 40), True), ((40, 30), False)):
        image = {"id": 5, "file_name": "000001.jpg", "height": size[0], "width": size[1]}
        file = tmp_path / "turned.json"
        file.write_text(json.dumps({"images": [image], "annotations": [annotation]}))
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        if fits:
            assert len(to_coco(tmp_path, file, "kins2020")) == 1
        else:
            with pytest.raises(DeoccludeError, match=r"annotation 1: image 5: .*40x30 \(upright\)"):
                to_coco(tmp_path, file, "kins2020")
