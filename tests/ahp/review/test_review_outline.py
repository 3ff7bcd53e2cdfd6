from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from pycocotools import mask as run_lengths

from deocclude.ahp.review.outline import polygons_of, rings_of, svg_path


def shape_of(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    noise = cv2.GaussianBlur(rng.normal(size=(83, 121)), (0, 0), 5)
    return noise > np.quantile(noise, 0.6)


def rasterised(polygons: list[list[float]], shape: tuple[int, int]) -> np.ndarray:
    return run_lengths.decode(run_lengths.merge(run_lengths.frPyObjects(polygons, *shape))).astype(bool)


@pytest.mark.parametrize("number", range(4))
def test_rings_hold_exactly_the_masks_pixels(number: int) -> None:
    mask = shape_of(number)
    area = 0.0
    for ring, hole in rings_of(mask):
        x, y = ring.T.astype(float)
        inside = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
        area += -inside if hole else inside
    assert area == mask.sum()


def test_a_square_has_its_four_corners() -> None:
    mask = np.zeros((9, 11), bool)
    mask[2:5, 3:8] = True
    points = re.findall(r"(\d+) (\d+)", svg_path(mask, 1, 2))
    assert {(int(x), int(y)) for x, y in points} == {(2, 0), (7, 0), (2, 3), (7, 3)}


@pytest.mark.parametrize("number", range(4))
def test_polygons_cover_the_mask_to_within_two_pixels(number: int) -> None:
    mask = shape_of(number)
    again = rasterised(polygons_of(mask), mask.shape)
    different = (again != mask).astype(np.uint8)
    edge = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) - cv2.erode(
        mask.astype(np.uint8), np.ones((5, 5))
    )
    assert not (different & (edge == 0)).any()
    assert (again & mask).sum() / (again | mask).sum() > 0.97


def test_a_hole_survives_as_a_cut() -> None:
    mask = np.zeros((41, 43), bool)
    mask[3:37, 5:40] = True
    mask[12:24, 15:30] = False
    mask[30, 30] = False
    again = rasterised(polygons_of(mask), mask.shape)
    assert not again[14:22, 17:28].any()
    assert again[30, 30]
    assert len(polygons_of(mask)) >= 2


def test_nobody_has_no_outline() -> None:
    assert svg_path(np.zeros((5, 5), bool), 0, 0) == ""
    assert polygons_of(np.zeros((5, 5), bool)) == []
