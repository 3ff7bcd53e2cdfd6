import cv2
import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.ndimage import distance_transform_edt

from deocclude.crops import SquareWindow
from deocclude.parsing import UNLABELLED
from deocclude.resampling import SHARP, SMOOTH, enlarge, enlarge_parsing


def test_a_constant_stays_constant_up_to_the_border():
    window = SquareWindow(-3, 5, 41)
    for kernel in (SMOOTH, SHARP):
        for size in (16, 41, 90):
            out = enlarge(np.full((size, size), 0.7, np.float32), window, (-3, 5, 38, 46), kernel)
            np.testing.assert_allclose(out, 0.7, rtol=1e-5)


def test_smooth_is_the_cubic_b_spline():
    crop = np.random.default_rng(0).random((12, 12)).astype(np.float32)
    window = SquareWindow(0, 0, 60)
    out = enlarge(crop, window, (15, 15, 45, 45))
    basis = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)
    centres = (np.arange(15, 45) + 0.5) / 5 - 0.5
    weights = np.nan_to_num(basis(centres[:, None] - np.arange(12)))
    np.testing.assert_allclose(out, weights @ crop @ weights.T, atol=1e-5)


def test_sharp_at_the_same_size_changes_nothing():
    crop = np.random.default_rng(1).random((30, 30)).astype(np.float32)
    out = enlarge(crop, SquareWindow(10, -4, 30), (12, 0, 35, 20), SHARP)
    np.testing.assert_allclose(out, crop[4:24, 2:25], atol=1e-6)


@pytest.mark.parametrize("side", [70, 128, 333])
def test_sharp_is_close_to_bicubic_resizing(side):
    crop = cv2.GaussianBlur(np.random.default_rng(2).random((64, 64)).astype(np.float32), (0, 0), 2)
    out = enlarge(crop, SquareWindow(0, 0, side), (0, 0, side, side), SHARP)
    inner = slice(8, -8)
    expected = cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(out[inner, inner], expected[inner, inner], atol=0.01)


def test_a_box_is_a_part_of_the_whole():
    crop = np.random.default_rng(3).random((24, 24)).astype(np.float32)
    window = SquareWindow(5, 9, 77)
    whole = enlarge(crop, window, (5, 9, 82, 86))
    np.testing.assert_allclose(enlarge(crop, window, (20, 30, 61, 44)), whole[21:35, 15:56], atol=1e-6)


def test_parts_fill_the_mask():
    parsing = np.zeros((32, 32), np.uint8)
    parsing[4:10, 8:20], parsing[12:30, 8:20] = 13, 9
    window, box = SquareWindow(0, 0, 96), (0, 0, 96, 96)
    mask = np.random.default_rng(4).random((96, 96)) > 0.3
    out = enlarge_parsing(parsing, mask, window, box)
    assert not out[~mask].any()
    assert set(np.unique(out[mask])) == {9, 13}
    core = np.zeros((96, 96), bool)
    core[15:27, 27:57] = True
    assert (out[core & mask] == 13).all()
    _, nearest = distance_transform_edt(parsing == 0, return_indices=True)
    filled = parsing[tuple(nearest)].repeat(3, 0).repeat(3, 1)
    assert (out == filled)[mask].mean() > 0.95


def test_no_parts_are_unlabelled():
    mask = np.eye(20, dtype=bool)
    out = enlarge_parsing(np.zeros((8, 8), np.uint8), mask, SquareWindow(0, 0, 20), (0, 0, 20, 20))
    np.testing.assert_array_equal(out, mask * np.uint8(UNLABELLED))
