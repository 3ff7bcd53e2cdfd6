"""How blurred a photo is, against blur of known strength, and when it is sharpened."""

import cv2
import numpy as np
import pytest

from deocclude.sharpening import blur_of, sharpened


def photo_of(height, width, seed=0):
    """Rectangles of all sizes and colours, drawn at four times the size."""
    rng = np.random.default_rng(seed)
    canvas = np.full((4 * height, 4 * width, 3), 128, np.uint8)
    for _ in range(60):
        corner = rng.integers(0, (4 * width, 4 * height))
        size = rng.integers(8, max(height, width), 2)
        cv2.rectangle(canvas, corner.tolist(), (corner + size).tolist(), rng.integers(0, 256, 3).tolist(), -1)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(("height", "width"), [(301, 423), (640, 480), (1500, 2100)])
@pytest.mark.parametrize("share", [0.005, 0.01])
def test_the_blur_is_known_within_a_fifth(height, width, share):
    sigma = share * max(height, width)
    assert blur_of(cv2.GaussianBlur(photo_of(height, width), (0, 0), sigma)) == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize(("height", "width"), [(60, 41), (301, 423), (1500, 2100)])
def test_sharp_photos_stay_as_they_are(height, width):
    photo = photo_of(height, width)
    assert sharpened(photo) is photo
    partly = photo.copy()
    partly[:, : width // 2] = cv2.GaussianBlur(photo, (0, 0), 0.02 * width)[:, : width // 2]
    assert sharpened(partly) is partly


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_photo_without_edges_stays_as_it_is(value):
    photo = np.full((50, 70, 3), value, np.uint8)
    assert blur_of(photo) == 0
    assert sharpened(photo) is photo


@pytest.mark.parametrize(("height", "width"), [(301, 423), (1500, 2100)])
def test_blurred_photos_come_closer_to_what_they_were(height, width):
    photo = photo_of(height, width)
    blurred = cv2.GaussianBlur(photo, (0, 0), 0.007 * width)
    before = blurred.copy()
    clear = sharpened(blurred)
    assert clear.dtype == np.uint8
    assert np.abs(clear - photo.astype(float)).mean() < 0.9 * np.abs(blurred - photo.astype(float)).mean()
    np.testing.assert_array_equal(blurred, before)
