import cv2
import numpy as np
import pytest

from deocclude.people.region import Pyramid, Region


def disc(height, width, x, y, radius):
    rows, columns = np.mgrid[:height, :width] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, np.pi, -2.0])
@pytest.mark.parametrize("size", [64, 65])
def test_affine_keeps_centre_and_lengths(angle, size):
    region = Region(30.5, 40.25, 50.0, angle)
    matrix = region.to_photo(size)
    np.testing.assert_allclose(matrix @ (size / 2, size / 2, 1), (30.5, 40.25))
    top_left, top_right = matrix @ (0, 0, 1), matrix @ (size, 0, 1)
    assert np.linalg.norm(top_right - top_left) == pytest.approx(50.0)
    up = (matrix @ (size / 2, 0, 1)) - (30.5, 40.25)
    np.testing.assert_allclose(up, 25 * np.array([np.sin(angle), -np.cos(angle)]), atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2, 3.0])
@pytest.mark.parametrize("side", [90.0, 400.0, 1500.0])
def test_cut_then_paste_returns_the_shape(angle, side):
    height, width = 701, 903
    centre = np.array([437.0, 350.0])
    shape = disc(height, width, *(centre + 0.1 * side), 0.23 * side)
    photo = np.repeat(shape[..., None] * np.uint8(255), 3, axis=2)
    region = Region(*centre, side, angle)
    crop = region.cut(Pyramid(photo), 256)
    soft, (left, top, right, bottom) = region.paste(crop[..., 0] / np.float32(255), height, width)
    back = np.zeros((height, width), dtype=bool)
    back[top:bottom, left:right] = soft > 0.5
    assert (back & shape).sum() / (back | shape).sum() > 0.965


def test_whole_photo_cut_equals_area_resize():
    rng = np.random.default_rng(0)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (512, 512, 3), dtype=np.uint8), (0, 0), 4)
    crop = Region(256, 256, 512).cut(Pyramid(photo), 256)
    expected = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(crop.astype(int) - expected).max() <= 2


def test_cut_is_black_outside_the_photo():
    photo = np.full((40, 60, 3), 200, dtype=np.uint8)
    crop = Region(30, 20, 60).cut(Pyramid(photo), 60)
    assert (crop[11:49] == 200).all()
    assert (crop[:9] == 0).all()
    assert (crop[51:] == 0).all()


def test_paste_outside_the_photo_is_empty():
    soft, box = Region(-500, -500, 40).paste(np.ones((32, 32), dtype=np.float32), 50, 70)
    assert soft.size == 0
    assert box[0] == box[2] or box[1] == box[3]


def test_paste_has_smooth_edges_when_enlarging():
    crop = np.zeros((32, 32), dtype=np.float32)
    crop[:, 16:] = 1
    soft, (left, top, right, bottom) = Region(160, 160, 320).paste(crop, 320, 320)
    assert (left, top, right, bottom) == (0, 0, 320, 320)
    edge = soft[160, 140:180]
    assert (np.diff(edge) >= 0).all()
    assert np.unique(edge.round(2)).size > 8
    assert abs(np.flatnonzero(soft[160] > 0.5)[0] - 160) <= 1


def test_large_photos_are_resampled_from_a_small_level():
    photo = np.zeros((4000, 6000, 3), dtype=np.uint8)
    level, factor_x, factor_y = Pyramid(photo).level_for(6000 / 224)
    assert max(level.shape) <= 512
    assert factor_x == pytest.approx(level.shape[1] / 6000)
    assert factor_y == pytest.approx(level.shape[0] / 4000)
    assert Pyramid(photo).level_for(0.5)[0].shape == photo.shape
