"""Nearest visible pixel and Telea: against brute-force distances, and what they leave alone."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from deocclude.baselines.nearest_fill import nearest_visible_fill
from deocclude.baselines.telea import telea_fill


@pytest.fixture
def person():
    """A photo whose pixel colours tell their own position, and two parts of a person."""
    rows, columns = np.mgrid[:61, :83]
    photo = np.stack([rows, columns, (rows * 7 + columns * 3) % 256], axis=2).astype(np.uint8)
    random = np.random.default_rng(0)
    visible = np.zeros((61, 83), bool)
    visible[10:50, 8:30] = True
    visible &= random.random(visible.shape) > 0.1
    invisible = np.zeros_like(visible)
    invisible[5:55, 20:75] = True
    return photo, visible, invisible & ~visible


def test_hidden_pixels_copy_the_nearest_visible_one(person):
    photo, visible, invisible = person
    painted = nearest_visible_fill(photo, visible, invisible)
    nearest = distance_transform_edt(~visible)
    for row, column in np.argwhere(invisible):
        source_row, source_column = (int(value) for value in painted[row, column, :2])
        assert visible[source_row, source_column]
        assert (painted[row, column] == photo[source_row, source_column]).all()
        assert np.hypot(source_row - row, source_column - column) <= 1.03 * nearest[row, column] + 1e-9


def test_another_person_is_never_copied():
    photo = np.zeros((20, 20, 3), np.uint8)
    photo[:, :5] = 200
    photo[:, 11:] = 90  # nearer, but not in the visible mask
    visible, invisible = np.zeros((2, 20, 20), bool)
    visible[:, :5] = True
    invisible[:, 5:11] = True
    assert (nearest_visible_fill(photo, visible, invisible)[invisible] == 200).all()


@pytest.mark.parametrize("fill", [nearest_visible_fill, telea_fill])
def test_fills_change_hidden_pixels_only_and_never_the_argument(fill, person):
    photo, visible, invisible = person
    before = photo.copy()
    painted = fill(photo, visible, invisible)
    assert painted.dtype == np.uint8
    assert (painted[~invisible] == photo[~invisible]).all()
    assert (painted[invisible] != photo[invisible]).any()
    assert (photo == before).all()


@pytest.mark.parametrize("fill", [nearest_visible_fill, telea_fill])
def test_nothing_hidden_leaves_the_photo(fill, person):
    photo, visible, invisible = person
    assert (fill(photo, visible, np.zeros_like(invisible)) == photo).all()


def test_nothing_visible_leaves_the_photo(person):
    photo, visible, invisible = person
    assert (nearest_visible_fill(photo, np.zeros_like(visible), invisible) == photo).all()


def test_telea_continues_flat_surroundings():
    photo = np.full((30, 40, 3), (10, 120, 240), np.uint8)
    photo[10:20, 10:20] = 0
    hidden = np.zeros((30, 40), bool)
    hidden[10:20, 10:20] = True
    painted = telea_fill(photo, ~hidden, hidden)
    assert np.abs(painted.astype(int) - (10, 120, 240)).max() <= 3
