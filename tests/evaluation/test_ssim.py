import numpy as np
import pytest

from deocclude.evaluation.ssim import ssim_map, ssim_over


def pictures(shape, seed):
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    noise = rng.integers(-60, 60, original.shape)
    return np.clip(original + noise, 0, 255).astype(np.uint8), original


def direct(result, original, row, column):
    """SSIM of one pixel by its definition, with NumPy's own mirroring."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights = np.outer(weights, weights) / weights.sum() ** 2
    values = []
    for channel in range(3):
        x, y = (
            np.pad(p[..., channel].astype(float), 5, mode="symmetric")[row : row + 11, column : column + 11]
            for p in (result, original)
        )
        mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
        var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
        cov = (weights * (x - mean_x) * (y - mean_y)).sum()
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        top = (2 * mean_x * mean_y + c1) * (2 * cov + c2)
        values.append(top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)))
    return np.mean(values)


@pytest.mark.parametrize("shape", [(11, 13), (23, 17), (40, 31)])
def test_equals_the_definition_pixel_by_pixel(shape):
    result, original = pictures(shape, sum(shape))
    similarity = ssim_map(result, original)
    corners = [(0, 0), (shape[0] - 1, 0), (shape[0] // 2, shape[1] - 1), (shape[0] // 2, shape[1] // 2)]
    for row, column in corners:
        assert similarity[row, column] == pytest.approx(direct(result, original, row, column), abs=1e-6)


def test_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    result, original = pictures((45, 37), 1)
    _, full = metrics.structural_similarity(
        result,
        original,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    np.testing.assert_allclose(ssim_map(result, original), full.mean(axis=-1), atol=1e-6)


def test_only_the_given_pixels_count_and_the_rest_of_the_photo_needs_no_work():
    result, original = pictures((64, 80), 2)
    where = np.zeros((64, 80), bool)
    where[0:9, 70:80] = True
    where[20:31, 33:50] = True
    where[25, 40] = False
    total, count = ssim_over(result, original, where)
    assert count == where.sum()
    assert total == pytest.approx(ssim_map(result, original)[where].sum(), abs=1e-6)
    assert ssim_over(result, original, np.zeros_like(where)) == (0, 0)


def test_the_same_picture_is_1_and_black_against_white_is_nearly_0():
    _, original = pictures((20, 21), 3)
    everywhere = np.ones((20, 21), bool)
    assert ssim_over(original, original, everywhere).numerator == pytest.approx(420)
    black, white = np.zeros((20, 21, 3), np.uint8), np.full((20, 21, 3), 255, np.uint8)
    assert 0 <= ssim_over(black, white, everywhere).numerator / 420 < 0.001
