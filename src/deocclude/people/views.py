"""The parts of a photo that the detector is shown: it sees 224 x 224 pixels and expects upright people."""

from __future__ import annotations

from math import pi

from deocclude.people.region import Pyramid, Region

_TILE = 0.6


def whole(photo: Pyramid) -> Region:
    """The smallest upright square around the photo."""
    return Region(photo.width / 2, photo.height / 2, max(photo.width, photo.height))


def turned(photo: Pyramid) -> list[Region]:
    """The whole photo by quarter turns, for people who lie or stand on their heads."""
    upright = whole(photo)
    return [Region(upright.x, upright.y, upright.side, turn * pi / 2) for turn in (1, 2, 3)]


def tiles(photo: Pyramid) -> list[Region]:
    """Four overlapping squares, for people who are small in the photo."""
    side = _TILE * max(photo.width, photo.height)
    ends = (_TILE / 2, 1 - _TILE / 2)
    return [Region(photo.width * x, photo.height * y, side) for y in ends for x in ends]
