"""The convex hull against SciPy's."""

import numpy as np
import pytest
from scipy.spatial import Delaunay

from deocclude.baselines.convex_hull import convex_hull


def test_equals_scipys_hull():
    random = np.random.default_rng(3)
    modal = np.zeros((41, 57), bool)
    modal[random.integers(3, 38, 25), random.integers(5, 50, 25)] = True
    points = np.argwhere(modal)
    everywhere = np.argwhere(np.ones_like(modal))
    inside = (Delaunay(points).find_simplex(everywhere, tol=1e-9) >= 0).reshape(modal.shape)
    hull = convex_hull(modal)
    assert (hull[modal]).all()
    assert (hull | ~inside).all()
    assert (hull & ~inside).sum() <= 0.06 * inside.sum()  # polygon edges are drawn a pixel wide


def test_a_convex_mask_is_its_own_hull():
    modal = np.zeros((20, 30), bool)
    modal[4:11, 6:25] = True
    assert (convex_hull(modal) == modal).all()


def test_growth_stays_behind_the_occluder():
    modal = np.zeros((20, 30), bool)
    modal[2:5, 5:25] = modal[15:18, 5:25] = True
    occluder = np.zeros_like(modal)
    occluder[5:15, 10:20] = True
    grown = convex_hull(modal, occluder)
    assert (grown == (modal | occluder)).all()
    assert convex_hull(modal).sum() == 16 * 20


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_masks_too_small_for_a_polygon(pixels):
    modal = np.zeros((5, 5), bool)
    modal.flat[[6, 7][:pixels]] = True
    before = modal.copy()
    assert (convex_hull(modal) == before).all()
    assert (modal == before).all()
