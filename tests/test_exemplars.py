"""Texture from the visible body: against brute force, and what it may and may not copy."""

import numpy as np
import pytest

from deocclude.crops import SquareWindow, rows_and_columns
from deocclude.exemplars import _HELD, _OTHER_PART, _Level, find_exemplars
from deocclude.fine_detail import fine_detail
from deocclude.parsing import UNLABELLED
from deocclude.resampling import enlarge_colours
from deocclude.result import Patch

SIZE = 64
OCCLUDER = (0, 255, 0)


@pytest.fixture
def body():
    """Modal and amodal mask: a block of which the middle is hidden."""
    amodal = np.zeros((SIZE, SIZE), bool)
    amodal[4:60, 8:56] = True
    modal = amodal.copy()
    modal[20:44, 20:40] = False
    return modal, amodal


def no_parts():
    return np.full((SIZE, SIZE), UNLABELLED, np.uint8)


def occluded(original, modal, amodal):
    photo = original.copy()
    photo[~amodal] = (250, 0, 250)
    photo[amodal & ~modal] = OCCLUDER
    return photo


def found(photo, painted, modal, amodal, parsing=None):
    parsing = no_parts() if parsing is None else parsing
    return find_exemplars(painted.astype(np.float32), photo, modal, amodal, parsing, parsing)


def test_faint_stripes_become_as_strong_as_visible_ones(body):
    modal, amodal = body
    stripes = np.where(np.arange(SIZE) // 8 % 2, 200, 40)[:, None, None].repeat(SIZE, 1).repeat(3, 2)
    original = stripes.astype(np.uint8)
    truth = original / 255
    painted = 0.3 * truth + 0.7 * truth[modal].mean()
    hidden = amodal & ~modal
    colours = found(occluded(original, modal, amodal), painted, modal, amodal).colours
    assert colours.dtype == np.float32
    assert np.abs(colours - truth)[hidden].mean() < 0.35 * np.abs(painted - truth)[hidden].mean()


def test_the_network_decides_between_visible_colours(body):
    modal, amodal = body
    original = np.zeros((SIZE, SIZE, 3), np.uint8)
    original[:, :32], original[:, 32:] = (200, 30, 40), (30, 40, 200)
    painted = np.zeros((SIZE, SIZE, 3))
    painted[:32], painted[32:] = (0.6, 0.3, 0.3), (0.3, 0.3, 0.6)
    colours = found(occluded(original, modal, amodal), painted, modal, amodal).colours * 255
    assert np.abs(colours[21:28, 21:31] - (200, 30, 40)).max() < 20
    assert np.abs(colours[36:43, 33:39] - (30, 40, 200)).max() < 20
    assert (colours[21:28, 33:39, 0] > colours[21:28, 33:39, 2]).mean() > 0.7


def test_nothing_but_the_visible_body_is_copied(body):
    modal, amodal = body
    original = np.random.default_rng(0).integers(60, 120, (SIZE, SIZE, 3), dtype=np.uint8)
    exemplars = found(occluded(original, modal, amodal), np.full((SIZE, SIZE, 3), 0.9), modal, amodal)
    assert 60 / 255 <= exemplars.colours.min() <= exemplars.colours.max() < 120 / 255
    rows, columns = np.moveaxis(exemplars.source, -1, 0)
    assert modal[rows, columns].all()


@pytest.mark.parametrize(("here", "there", "hidden"), [(9, 5, 9), (16, 18, 17), (9, 5, 5)])
def test_a_body_part_is_made_of_itself(body, here, there, hidden):
    modal, amodal = body
    original = np.zeros((SIZE, SIZE, 3), np.uint8)
    original[:, :32], original[:, 32:] = 90, 110
    parsing = np.full((SIZE, SIZE), there, np.uint8)
    parsing[:, 32:] = here
    parsing[20:44, 20:40] = hidden
    painted = np.full((SIZE, SIZE, 3), 100 / 255)
    colours = found(occluded(original, modal, amodal), painted, modal, amodal, parsing).colours * 255
    assert ((colours[24:40, 24:36] > 100) == (hidden != there)).mean() > 0.9


def test_too_little_to_copy_from(body):
    modal, amodal = body
    photo = np.zeros((SIZE, SIZE, 3), np.uint8)
    painted = np.zeros((SIZE, SIZE, 3))
    assert found(photo, painted, amodal, amodal) is None
    assert found(photo, painted, np.zeros_like(modal), amodal) is None
    speck = np.zeros_like(modal)
    speck[10:16, 10:16] = True
    assert found(photo, painted, speck, amodal) is None
    speck[10:17, 10:17] = True
    photo[speck] = (50, 100, 150)
    everything = np.ones_like(amodal)
    colours = found(photo, painted, speck, everything).colours
    np.testing.assert_allclose(
        colours[~speck] * 255, np.broadcast_to((50, 100, 150), (SIZE**2 - 49, 3)), atol=1e-3
    )


@pytest.mark.parametrize(("scale", "side"), [(1, 5), (2, 3)])
def test_matches_equal_brute_force(body, scale, side):
    modal, amodal = body
    rng = np.random.default_rng(1)
    photo, painted, current = rng.random((3, SIZE, SIZE, 3), dtype=np.float32)
    parts = rng.integers(1, 4, (SIZE, SIZE), dtype=np.uint8)
    hidden = amodal & ~modal
    level = _Level(scale, photo, painted, parts, modal, hidden)

    def shrunk(values):
        cells = values.reshape(SIZE // scale, scale, SIZE // scale, scale, -1)
        return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64))

    def square(values, row, column):
        return values[row - side // 2 : row + side // 2 + 1, column - side // 2 : column + side // 2 + 1]

    photo, painted, current = shrunk(photo), shrunk(painted), shrunk(current)
    kinds = parts[scale // 2 :: scale, scale // 2 :: scale]
    known = (shrunk(modal) + shrunk(hidden))[..., 0] > 0.99

    def distance(cell, source):
        weight = square(known, *cell)[..., None]
        squares = (weight * (square(current, *cell) - square(photo, *source)) ** 2).sum() / weight.sum()
        held = ((painted[cell] - square(photo, *source).mean(axis=(0, 1))) ** 2).sum()
        return squares + _HELD * held + _OTHER_PART * (kinds[cell] != kinds[source])

    width = SIZE // scale
    cells = np.argwhere(shrunk(hidden)[..., 0] > 0)
    candidates = level.every()
    chosen = level._matches(current.astype(np.float32), level._offer(candidates))
    some = rng.permuted(np.repeat(candidates, len(cells), axis=0), axis=1)[:, :9]
    of_some = level._matches(current.astype(np.float32), level._offer(some))
    for at in rng.choice(len(cells), 12, replace=False):
        for choice, among in ((chosen[at], candidates[0]), (of_some[at], some[at])):
            distances = [distance(tuple(cells[at]), divmod(int(one), width)) for one in among]
            mine = distance(tuple(cells[at]), divmod(int(choice), width))
            assert mine == pytest.approx(min(distances), abs=1e-5)


@pytest.mark.parametrize(("side", "left", "top"), [(160, -10, 15), (97, 40, 60)])
def test_fine_detail_equals_a_loop(side, left, top):
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (190, 171, 3), dtype=np.uint8)
    window = SquareWindow(left, top, side)
    crop = window.cut(photo, SIZE)
    place = max(left, 0) + 3, top + 5, min(left + side, 171) - 6, min(top + side, 190) - 2
    visible = Patch(place, rng.random((place[3] - place[1], place[2] - place[0])) < 0.8)
    source = rng.integers(0, SIZE, (SIZE, SIZE, 2))
    box = max(left, 0) + 9, top + 15, max(left, 0) + 41, top + 60
    source[10:40, 10:40] = np.stack(np.indices((30, 30)) + np.reshape((3, 12), (2, 1, 1)), axis=-1)
    added = fine_detail(photo, crop, window, visible, source, box)
    missed = photo[rows_and_columns(place)] / 255 - enlarge_colours(crop / np.float32(255), window, place)
    weights = set()
    for row, column in rng.integers(0, (45, 32), (200, 2)):
        cell = (
            int((row + box[1] + 0.5 - top) * SIZE / side),
            int((column + box[0] + 0.5 - left) * SIZE / side),
        )
        away = np.rint((source[cell] - cell) * (side / SIZE)).astype(int)
        y, x = row + box[1] + away[0] - place[1], column + box[0] + away[1] - place[0]
        height, width = visible.values.shape
        there = 0 <= y < height and 0 <= x < width and visible.values[y, x]
        around = [
            tuple(np.clip(np.add(cell, (down, right)), 0, SIZE - 1))
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if down or right
        ]
        apart = [(source[at] - at == source[cell] - cell).all() for at in around]
        expected = missed[y, x] * np.mean(apart) if there else 0
        np.testing.assert_allclose(added[row, column], expected, atol=1e-5)
        weights.add(float(np.mean(apart)))
    assert {0, 1} <= weights
