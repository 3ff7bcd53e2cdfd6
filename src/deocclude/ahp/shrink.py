"""Photos, people and cut-outs made small enough to keep thousands of them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.crops import box_of
from deocclude.parsing import inside

MAX_SIDE = 384
"""Long side of what is kept, unless said otherwise."""

_CONTEXT = 1.0


def shrink_photo(photo: np.ndarray, max_side: int) -> np.ndarray:
    """uint8 HxWx3, area-averaged so that its long side is at most `max_side`."""
    size = _size_within(photo.shape[0], photo.shape[1], max_side)
    return cv2.resize(np.ascontiguousarray(photo), size, interpolation=cv2.INTER_AREA)


def shrink_person(person: WholePerson, max_side: int) -> WholePerson:
    """The person with at most one body length of surroundings a side, long side at most `max_side`.

    The photo is area-averaged, masks are averaged and cut at one half, parsing is nearest.
    """
    box = box_of(person.amodal)
    assert box is not None
    margin = round(_CONTEXT * max(box[2] - box[0], box[3] - box[1]))
    rows = slice(max(0, box[1] - margin), box[3] + margin)
    columns = slice(max(0, box[0] - margin), box[2] + margin)
    photo = person.photo[rows, columns]
    size = _size_within(photo.shape[0], photo.shape[1], max_side)
    amodal = _shrink_mask(person.amodal[rows, columns], size)
    parsing = cv2.resize(
        np.ascontiguousarray(person.parsing[rows, columns]), size, interpolation=cv2.INTER_NEAREST_EXACT
    )
    parsing = inside(amodal, parsing)
    return replace(
        person,
        photo=shrink_photo(photo, max_side),
        amodal=amodal,
        parsing=parsing,
        unknown=_shrink_mask(person.unknown[rows, columns], size),
    )


def shrink_occluder(occluder: Occluder, max_side: int) -> Occluder:
    """The cut-out with a long side of at most `max_side`."""
    size = _size_within(occluder.mask.shape[0], occluder.mask.shape[1], max_side)
    image = cv2.resize(occluder.image, size, interpolation=cv2.INTER_AREA)
    return Occluder(occluder.id, occluder.category, image, _shrink_mask(occluder.mask, size))


def _size_within(height: int, width: int, max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrink_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
