"""Tiles of one evaluated sample: what the cascade saw, said and painted, beside the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deocclude.ahp.sample import OcclusionSample
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Person

TILE = 224
"""Side of a tile in pixels."""
NAMES = ("photo", "initial", "modal", "amodal", "truth", "recovered")

_MARGIN = 1.2
_QUALITY = 80
_HIT, _MISSED, _WRONG, _INITIAL = (90, 190, 90), (230, 60, 60), (70, 110, 240), (240, 180, 40)


def tiles_of(
    sample: OcclusionSample, initial: DetectedPerson | None, completed: Person | None
) -> dict[str, np.ndarray]:
    """uint8 224x224x3 by the names of `NAMES`, all of the same square around the whole person.

    "modal" and "amodal": green is hit, red missed, blue wrong. "truth": the unoccluded photo, with a white
    line around what is hidden in "photo".
    """
    nothing = np.zeros_like(sample.modal)
    modal = nothing if completed is None else completed.modal
    amodal = nothing if completed is None else completed.amodal
    height, width = nothing.shape
    window = _close_window(box_of(sample.amodal | amodal) or (0, 0, width, height))
    pictures = {
        "photo": sample.occluded,
        "initial": _tinted(sample.occluded, (nothing if initial is None else initial.mask, _INITIAL)),
        "modal": _judged(sample.occluded, modal, sample.modal),
        "amodal": _outlined(_judged(sample.occluded, amodal, sample.amodal), sample.modal),
        "truth": _outlined(sample.original, sample.invisible),
        "recovered": sample.occluded if completed is None else completed.recovered,
    }
    return {name: window.cut(pictures[name], TILE, outside=OUTSIDE_PHOTO) for name in NAMES}


def as_jpegs(tiles: dict[str, np.ndarray]) -> dict[str, bytes]:
    """JPEG files of uint8 HxWx3 tiles."""
    encoded = {}
    for name, tile in tiles.items():
        _, data = cv2.imencode(
            ".jpg", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )
        encoded[name] = data.tobytes()
    return encoded


def _close_window(box: Box) -> SquareWindow:
    side = max(1, round(_MARGIN * max(box[2] - box[0], box[3] - box[1])))
    return SquareWindow((box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2, side)


def _judged(photo: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _tinted(photo, (said & true, _HIT), (true & ~said, _MISSED), (said & ~true, _WRONG))


def _tinted(photo: np.ndarray, *areas: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    """The photo with each (mask, colour) laid over it."""
    tinted = photo.copy()
    for mask, colour in areas:
        tinted[mask] = (0.45 * photo[mask] + 0.55 * np.array(colour)).astype(np.uint8)
    return tinted


def _outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture with a white contour around `mask`."""
    outlined = picture.copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outlined, contours, -1, (255, 255, 255), max(1, round(max(picture.shape) / 300)))
    return outlined
