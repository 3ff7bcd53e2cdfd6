import numpy as np
import pytest

from deocclude.guided_filter import GuidedFilter


def slow_guided_filter(guide, mask, radius, smoothing):
    """A ridge regression in every square, then the mean of all squares' predictions of a pixel."""
    height, width = mask.shape
    pad = ((2 * radius, 2 * radius),) * 2
    guide = np.pad(guide.astype(np.float64), (*pad, (0, 0)), mode="symmetric")
    mask = np.pad(mask.astype(np.float64), pad, mode="symmetric")
    total, count = np.zeros(mask.shape), np.zeros(mask.shape)
    for row in range(height + 2 * radius):
        for column in range(width + 2 * radius):
            square = slice(row, row + 2 * radius + 1), slice(column, column + 2 * radius + 1)
            colours, values = guide[square].reshape(-1, 3), mask[square].ravel()
            centred = colours - colours.mean(axis=0)
            covariance = centred.T @ centred / len(colours) + smoothing * np.eye(3)
            slope = np.linalg.solve(covariance, centred.T @ (values - values.mean()) / len(colours))
            total[square] += values.mean() + (guide[square] - colours.mean(axis=0)) @ slope
            count[square] += 1
    inner = slice(2 * radius, 2 * radius + height), slice(2 * radius, 2 * radius + width)
    return (total / count)[inner]


@pytest.mark.parametrize(("height", "width", "radius"), [(17, 23, 2), (12, 9, 1), (31, 30, 3)])
def test_equals_a_ridge_regression_in_every_square(height, width, radius):
    rng = np.random.default_rng(3)
    guide = rng.random((height, width, 3), np.float32)
    mask = (rng.random((height, width)) > 0.5).astype(np.float32)
    expected = slow_guided_filter(guide, mask, radius, 1e-2)
    away = slice(radius, -radius), slice(radius, -radius)
    assert np.allclose(GuidedFilter(guide, radius, 1e-2)(mask)[away], expected[away], atol=1e-4)


@pytest.mark.parametrize("start", [19, 20, 21])
def test_an_outline_moves_onto_the_edge_of_the_photo(start):
    guide = np.full((40, 41, 3), (0.2, 0.5, 0.3), np.float32)
    guide[:, 20:] = (0.7, 0.4, 0.6)
    guide += np.random.default_rng(0).normal(0, 0.002, guide.shape).astype(np.float32)
    mask = np.zeros((40, 41), np.float32)
    mask[:, start:] = 1
    found = GuidedFilter(guide, 4, 1e-4)(mask) > 0.5
    assert np.array_equal(found, np.tile(np.arange(41) >= 20, (40, 1)))


def test_an_outline_stays_where_the_photo_is_plain():
    guide = np.full((40, 41, 3), 0.5, np.float32)
    mask = np.zeros((40, 41), np.float32)
    mask[:, 18:] = 1
    assert np.array_equal(GuidedFilter(guide, 4, 1e-4)(mask) > 0.5, mask > 0)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_mask_without_outline_stays(value):
    guide = np.random.default_rng(1).random((20, 25, 3), np.float32)
    mask = np.full((20, 25), value, np.float32)
    assert np.allclose(GuidedFilter(guide, 4, 1e-4)(mask), value, atol=1e-3)
