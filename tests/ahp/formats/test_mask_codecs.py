import numpy as np
import pytest
from pycocotools import mask as api

from deocclude.ahp.formats.masks import box_xywh, decode_rle, encode_rle, fill_polygons, read_mask
from deocclude.ahp.formats.outline import outline
from deocclude.ahp.formats.person import Malformed


def api_fill(polygons, height, width):
    return api.decode(api.merge(api.frPyObjects(polygons, height, width))).astype(bool)


def random_masks(count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        height, width = rng.integers(1, 20, 2)
        yield rng.random((height, width)) < rng.random()


SHAPES = {
    "one pixel": ["1"],
    "one pixel at the corner": ["000", "001"],
    "everything": ["1111", "1111", "1111"],
    "hole": ["11111", "10001", "10101", "11111"],
    "parts": ["11001", "00001", "10000"],
    "corners touch": ["1010", "0101", "1010"],
    "one row": ["1101011"],
    "one column": ["1", "0", "1", "1"],
}


def mask_of(rows):
    return np.array([[cell == "1" for cell in row] for row in rows])


@pytest.mark.parametrize("rows", SHAPES.values(), ids=SHAPES)
def test_the_coco_api_fills_an_outline_back_bit_for_bit(rows):
    mask = mask_of(rows)
    assert np.array_equal(api_fill([outline(mask)], *mask.shape), mask)


def test_the_coco_api_fills_outlines_of_noise_back_bit_for_bit():
    for mask in random_masks(150):
        if mask.any():
            assert np.array_equal(api_fill([outline(mask)], *mask.shape), mask)


def test_an_empty_mask_has_no_outline():
    assert outline(np.zeros((3, 4), bool)) == []


def test_a_rectangle_has_four_corners():
    mask = np.zeros((9, 9), bool)
    mask[2:5, 1:8] = True
    corners = {tuple(point) for point in np.reshape(outline(mask), (-1, 2)).tolist()}
    assert corners == {(1, 2), (8, 2), (8, 5), (1, 5)}


def test_run_lengths_are_read_as_the_coco_api_reads_them():
    for mask in random_masks(150):
        runs = encode_rle(mask)
        assert np.array_equal(api.decode(runs).astype(bool), mask)
        assert np.array_equal(decode_rle(runs, *mask.shape), mask)


def test_uncompressed_run_lengths_are_read():
    # column by column: 2 background, 3 person, 1 background
    expected = np.array([[False, True, True], [False, True, False]])
    assert np.array_equal(decode_rle({"size": [2, 3], "counts": [2, 3, 1]}, 2, 3), expected)


GOOD = encode_rle(np.tri(40, 50, dtype=bool))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"size": [50, 40], "counts": GOOD["counts"]}, "make them one size"),
        ({"size": [40, 50], "counts": GOOD["counts"][:-3]}, "pixels for 2000"),
        ({"size": [40, 50], "counts": GOOD["counts"] + "o"}, "cut off"),
        ({"size": [40, 50], "counts": "é" + GOOD["counts"]}, "run lengths"),
        ({"size": [40, 50], "counts": [2001, -1]}, "no list of counts"),
        ({"size": [40, 50], "counts": [1999]}, "1999 pixels for 2000"),
        ({"size": [40, 50], "counts": None}, "no list of counts"),
        ({"size": [40, 50], "counts": "o" * 100}, "foreign"),
        ({"counts": GOOD["counts"]}, "without size"),
        ({"size": 3, "counts": ""}, "without size"),
    ],
)
def test_malformed_run_lengths_are_refused(record, reason):
    with pytest.raises(Malformed, match=reason):
        decode_rle(record, 40, 50)


def test_polygons_are_united_as_the_coco_api_does():
    polygons = [[1.5, 2.25, 20.75, 3, 11, 17.5], [8, 8, 30, 8, 30, 12, 8, 12], [-3, -3, 4, -3, -3, 4]]
    assert np.array_equal(fill_polygons(polygons, 19, 33), api_fill(polygons, 19, 33))
    assert np.array_equal(read_mask(polygons[0], 19, 33), api_fill(polygons[:1], 19, 33))


@pytest.mark.parametrize(
    ("polygon", "reason"),
    [
        ([1, 1, 5, 5], "2 points"),
        ([1, 1, 5, 5, 3, 8, 2], "3.5 points"),
        ([1, 1, 5, float("nan"), 3, 8], "far outside"),
        ([1, 1, 5, 1e12, 3, 8], "far outside"),
        ([1, 1, "a", 5, 3, 8], "no list of numbers"),
        ([1, 1, None, 5, 3, 8], "no list of numbers"),
    ],
)
def test_malformed_polygons_are_refused(polygon, reason):
    with pytest.raises(Malformed, match=reason):
        read_mask([polygon], 10, 10)


@pytest.mark.parametrize("segmentation", [None, 3, "text"])
def test_what_is_no_mask_is_refused(segmentation):
    with pytest.raises(Malformed, match="neither"):
        read_mask(segmentation, 4, 4)


def test_no_polygon_is_an_empty_mask():
    assert not read_mask([], 3, 5).any()
    assert read_mask([], 3, 5).shape == (3, 5)


def test_boxes_are_left_top_width_height():
    mask = np.zeros((10, 12), bool)
    mask[3:7, 2:11] = True
    assert box_xywh(mask) == [2, 3, 9, 4]
    assert box_xywh(np.zeros((3, 3), bool)) == [0, 0, 0, 0]
