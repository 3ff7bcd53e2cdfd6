import tracemalloc

import numpy as np
import pytest

from deocclude.ahp.acquire.openimages import OpenImages
from deocclude.errors import DeoccludeError

HEIGHT, WIDTH = 60, 80
HEADER = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,"
    "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
)
MAN, WOMAN, FACE = "/m/04yx4", "/m/03bt1vf", "/m/0dzct"


def line(image, label, left, right, top, bottom, group=0, depiction=0):
    return f"{image},xclick,{label},1,{left},{right},{top},{bottom},0,0,{group},{depiction},0"


@pytest.fixture
def boxes(tmp_path, photo):
    def write(*lines, name="validation-annotations-bbox.csv", header=HEADER):
        path = tmp_path / "annotations" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    for image in ("0001eeaf4aed83f9", "000595fe6fee6369"):
        photo(tmp_path / "validation" / f"{image}.jpg", HEIGHT, WIDTH)
    return write


def test_people_only_in_pixels_with_the_other_people(tmp_path, boxes, read):
    boxes(
        line("0001eeaf4aed83f9", MAN, 0.25, 0.5, 0.1, 0.9),
        line("0001eeaf4aed83f9", FACE, 0.3, 0.4, 0.1, 0.3),
        line("0001eeaf4aed83f9", WOMAN, 0.5, 0.81, 0.2, 0.95),
        line("000595fe6fee6369", "/m/01bl7v", 0.1, 0.3, 0.1, 0.5),
    )
    kept, dropped = read(OpenImages(tmp_path))
    assert dropped == []
    first, second, third = sorted(kept.values(), key=lambda one: (one.photo.name, one.box))
    assert first.id.startswith("openimages-0001eeaf4aed83f9-")
    assert (first.box, second.box, third.box) == ((20, 6, 40, 54), (40, 12, 65, 57), (8, 6, 24, 30))
    assert first.others == (second.box,)
    assert third.others == ()


def test_groups_depictions_and_damaged_lines_are_dropped_with_their_line(tmp_path, boxes, read):
    image = "0001eeaf4aed83f9"
    path = boxes(
        line(image, MAN, 0.25, 0.5, 0.1, 0.9, group=1),
        line(image, MAN, 0.25, 0.5, 0.2, 0.9, depiction=1),
        line(image, MAN, 0.5, 0.25, 0.1, 0.9),
        line(image, MAN, -0.5, 0.25, 0.1, 0.9),
        line(image, MAN, "x", 0.25, 0.1, 0.9),
        line(image, MAN, "nan", 0.25, 0.1, 0.9),
        f"{image},xclick,{MAN}",
        line("../../etc/passwd", MAN, 0.25, 0.5, 0.1, 0.9),
        line("00ff00ff00ff00ff", MAN, 0.25, 0.5, 0.1, 0.9),
    )
    kept, dropped = read(OpenImages(tmp_path))
    assert kept == {}
    found = {
        one.where.replace(str(path), "").split(": ")[1]: one.reason
        for one in dropped
        if str(path) in one.where
    }
    assert found == {
        "line 2": "a crowd",
        "line 3": "a depiction",
        "line 4": "box without area",
        "line 5": "box outside the photo",
        "line 6": "malformed box",
        "line 7": "malformed box",
        "line 8": "malformed line",
        "line 9": "path leaves the data set",
    }
    assert [one.reason for one in dropped if str(path) not in one.where] == ["photo missing"]
    assert all("/" not in one.id for one in dropped)


def test_masks_are_used_where_they_are(tmp_path, boxes, indexed, read):
    image = "0001eeaf4aed83f9"
    boxes(
        line(image, MAN, 0.25, 0.5, 0.1, 0.9),
        line(image, WOMAN, 0.5, 0.8, 0.1, 0.9),
        line(image, WOMAN, 0.1, 0.2, 0.1, 0.9),
        line("000595fe6fee6369", MAN, 0.1, 0.3, 0.1, 0.5),
    )
    rows = [
        ("a_man.png", image, MAN, 0.25, 0.5, 0.1, 0.9),
        ("b_man.png", image, MAN, 0.26, 0.51, 0.1, 0.9),
        ("c_woman.png", image, WOMAN, 0.5, 0.8, 0.1, 0.9),
        ("../d.png", image, WOMAN, 0.1, 0.2, 0.1, 0.9),
        ("e_man.png", "000595fe6fee6369", MAN, 0.1, 0.3, 0.1, 0.5),
    ]
    text = "".join(f"{n},{i},{m},box,{a},{b},{c},{d},0.8,\n" for n, i, m, a, b, c, d in rows)
    header = "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks\n"
    (tmp_path / "annotations" / "validation-annotations-object-segmentation.csv").write_text(header + text)
    full = np.zeros((HEIGHT, WIDTH), np.uint8)
    full[10:50, 22:38] = 1
    indexed(tmp_path / "masks" / "a_man.png", full)
    half = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    half[4:26, 21:31] = 255
    indexed(tmp_path / "masks" / "validation" / "c_woman.png", half)
    indexed(tmp_path / "masks" / "e_man.png", np.ones((40, 40), np.uint8))
    kept, dropped = read(OpenImages(tmp_path))
    by_box = {one.box: one for one in kept.values()}
    np.testing.assert_array_equal(by_box[22, 10, 38, 50].mask, full > 0)
    np.testing.assert_array_equal(by_box[42, 8, 62, 52].mask, half.repeat(2, 0).repeat(2, 1) > 0)
    assert by_box[8, 6, 16, 54].mask is None
    assert [one.reason for one in dropped] == ["mask of another size"]


def test_a_large_csv_is_never_held_whole(tmp_path, boxes):
    path = boxes(*(line(f"{n // 4:016x}", MAN, 0.25, 0.5, 0.1, 0.9) for n in range(9_000)))
    source = OpenImages(tmp_path)
    tracemalloc.start()
    photos = sum(1 for _ in source.photos(tmp_path / "scratch"))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert photos == 2_250
    assert most < path.stat().st_size / 2


def test_the_share_read_rises_to_one(tmp_path, boxes):
    boxes(*(line(f"{n:016x}", MAN, 0.25, 0.5, 0.1, 0.9) for n in range(2_000)))
    shares = [entry.share for entry in OpenImages(tmp_path).photos(tmp_path / "scratch")]
    assert shares == sorted(shares)
    assert shares[0] < 0.01
    assert shares[-1] == 1.0


def test_what_cannot_be_opened_is_one_line(tmp_path, boxes):
    with pytest.raises(DeoccludeError, match="annotations-bbox"):
        OpenImages(tmp_path)
    boxes(header="ImageID,LabelName")
    with pytest.raises(DeoccludeError, match="no column XMin"):
        list(OpenImages(tmp_path).photos(tmp_path / "scratch"))
