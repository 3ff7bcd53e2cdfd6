import numpy as np
import pytest

from deocclude.overlap import iou, share_of_smaller


def _pixels(mask):
    return {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_what_sets_of_pixels_say(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, 13, 7)) < rng.random((2, 1, 1))
    mine, theirs = _pixels(first), _pixels(second)
    assert iou(first, second) == pytest.approx(len(mine & theirs) / len(mine | theirs))
    assert share_of_smaller(first, second) == pytest.approx(len(mine & theirs) / min(len(mine), len(theirs)))


def test_nothing_has_nothing_in_common():
    empty, full = np.zeros((3, 5), bool), np.ones((3, 5), bool)
    for first, second in ((empty, empty), (empty, full), (full, empty)):
        assert iou(first, second) == share_of_smaller(first, second) == 0.0
