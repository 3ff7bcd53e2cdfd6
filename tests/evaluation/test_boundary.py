import math

import numpy as np
import pytest

from deocclude.crops import SquareWindow
from deocclude.evaluation.boundary import boundary_f, boundary_of, tolerance_in


def brute_boundary(mask, known):
    height, width = mask.shape
    pixels = set()
    for row in range(height):
        for column in range(width):
            for below, right in ((row, column + 1), (row + 1, column), (row + 1, column + 1)):
                inside = below < height and right < width and known[row, column] and known[below, right]
                if inside and mask[row, column] != mask[below, right]:
                    pixels.add((row, column))
    return pixels


def brute_f(prediction, truth, known, tolerance):
    said, true = brute_boundary(prediction, known), brute_boundary(truth, known)
    if not said and not true:
        return 1.0
    if not said or not true:
        return 0.0

    def near(pixels, others):
        hits = sum(any(math.dist(p, q) <= tolerance for q in others) for p in pixels)
        return hits / len(pixels)

    precision, recall = near(said, true), near(true, said)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def blob(shape, seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    mask = np.zeros(shape, bool)
    for _ in range(3):
        centre, radius = rng.uniform(0, 1, 2) * shape, rng.uniform(2, 0.4 * min(shape) + 3)
        mask |= (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    return mask


@pytest.mark.parametrize("shape", [(1, 9), (13, 7), (31, 24), (41, 37)])
@pytest.mark.parametrize("tolerance", [1, 2, 3, 5])
def test_equals_a_brute_force_count(shape, tolerance):
    for seed in range(4):
        prediction, truth = blob(shape, seed), blob(shape, 100 + seed)
        known = np.random.default_rng(seed).random(shape) < (1, 0.9)[seed % 2]
        expected = brute_f(prediction, truth, known, tolerance)
        assert boundary_f(prediction, truth, known, tolerance) == pytest.approx(expected)
        places = set(zip(*(axis.tolist() for axis in np.nonzero(boundary_of(truth, known))), strict=True))
        assert places == brute_boundary(truth, known)


def test_a_shift_within_the_tolerance_costs_nothing():
    truth = np.zeros((60, 60), bool)
    truth[20:40, 20:40] = True
    known = np.ones_like(truth)
    scores = [boundary_f(np.roll(truth, shift, axis=1), truth, known, 3) for shift in range(8)]
    assert scores[:4] == [1, 1, 1, 1]
    assert scores[3] > scores[4] >= scores[6] > 0.4
    assert boundary_f(np.roll(truth, 20, axis=1), truth, known, 3) < 0.4


def test_nothing_and_something():
    nothing, some = np.zeros((9, 11), bool), np.zeros((9, 11), bool)
    some[3:6, 4:8] = True
    known = np.ones_like(some)
    assert boundary_f(nothing, nothing, known, 1) == 1
    assert boundary_f(some, nothing, known, 1) == boundary_f(nothing, some, known, 1) == 0
    assert boundary_f(some, nothing, np.zeros_like(known), 1) == 1


def test_neither_the_photo_s_border_nor_the_unknown_is_a_boundary():
    everything = np.ones((8, 9), bool)
    assert not boundary_of(everything, np.ones_like(everything)).any()
    half = everything.copy()
    half[:, 5:] = False
    known = np.ones_like(half)
    assert boundary_of(half, known)[:, 4].all()
    known[:, 5] = False
    assert not boundary_of(half, known).any()


@pytest.mark.parametrize(("side", "expected"), [(8, 1), (88, 1), (89, 2), (256, 3), (1000, 12)])
def test_the_tolerance_is_a_share_of_the_window_s_diagonal(side, expected):
    assert tolerance_in(SquareWindow(-3, 5, side)) == expected
