"""A contact sheet of evaluated samples, to look at what the numbers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw

from deocclude.ahp.sample import OcclusionSample
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of
from deocclude.evaluation.matching import InitialMasks
from deocclude.evaluation.metrics import iou
from deocclude.evaluation.run import Measured, complete
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder, Person

TILE = 224
COLUMNS = ("occluded", "initial mask", "amodal: hit, missed, wrong", "recovered", "original")
_LINE = 18
_MARGIN = 1.2
_HIT, _MISSED, _WRONG, _INITIAL = (90, 190, 90), (230, 60, 60), (70, 110, 240), (240, 180, 40)


def worst_first(measured: Sequence[Measured]) -> list[int]:
    """Indices of the samples by the cascade's invisible IoU, the lowest first."""

    def invisible_iou(index: int) -> float:
        both, either = measured[index].masks["deocclude"]["invisible"]["iou"]
        return both / either if either else 1.0

    return sorted(range(len(measured)), key=invisible_iou)


def contact_sheet(
    samples: Sequence[OcclusionSample], deoccluder: Deoccluder, initial_masks: InitialMasks
) -> Image.Image:
    """One row a sample with the tiles of `COLUMNS`, from the given initial masks."""
    rows = []
    for sample in samples:
        initial = initial_masks(sample)
        rows.append(_row(sample, initial, complete(sample, initial, deoccluder)))
    return Image.fromarray(np.concatenate([_header(), *rows]))


def _header() -> np.ndarray:
    return np.concatenate([_caption(text, TILE) for text in COLUMNS], axis=1)


def _caption(text: str, width: int) -> np.ndarray:
    image = Image.new("RGB", (width, _LINE), "white")
    ImageDraw.Draw(image).text((4, 3), text, fill="black")
    return np.asarray(image)


def _row(sample: OcclusionSample, initial: DetectedPerson | None, completed: Person | None) -> np.ndarray:
    nothing = np.zeros_like(sample.modal)
    mask = nothing if initial is None else initial.mask
    amodal = nothing if completed is None else completed.amodal
    invisible = nothing if completed is None else completed.invisible
    recovered = sample.occluded if completed is None else completed.recovered
    height, width = nothing.shape
    window = _close_window(box_of(sample.amodal | amodal) or (0, 0, width, height))
    pictures = (
        sample.occluded,
        _tint(sample.occluded, (mask, _INITIAL)),
        _tint(
            sample.occluded,
            (amodal & sample.amodal, _HIT),
            (sample.amodal & ~amodal, _MISSED),
            (amodal & ~sample.amodal, _WRONG),
            outlined=sample.modal,
        ),
        recovered,
        sample.original,
    )
    tiles = [window.cut(picture, TILE, outside=OUTSIDE_PHOTO) for picture in pictures]
    found = "" if initial is not None else ", nobody found"
    text = (
        f"{sample.id}: {sample.ratio:.2f} hidden by {sample.occluder_category or 'something'}{found}; IoU "
        f"amodal {iou(amodal, sample.amodal, ~sample.unknown):.2f}, "
        f"invisible {iou(invisible, sample.invisible, ~sample.unknown):.2f}"
    )
    return np.concatenate([_caption(text, TILE * len(tiles)), np.concatenate(tiles, axis=1)])


def _close_window(box: Box) -> SquareWindow:
    side = round(_MARGIN * max(box[2] - box[0], box[3] - box[1]))
    return SquareWindow((box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2, side)


def _tint(
    photo: np.ndarray, *areas: tuple[np.ndarray, tuple[int, int, int]], outlined: np.ndarray | None = None
) -> np.ndarray:
    """The photo with each (mask, colour) laid over it, and a white contour around `outlined`."""
    tinted = photo.copy()
    for mask, colour in areas:
        tinted[mask] = (0.45 * photo[mask] + 0.55 * np.array(colour)).astype(np.uint8)
    if outlined is not None:
        contours, _ = cv2.findContours(outlined.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tinted, contours, -1, (255, 255, 255), max(1, round(max(photo.shape) / 300)))
    return tinted
