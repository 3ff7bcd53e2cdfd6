"""A contact sheet of evaluated samples, to look at what the numbers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from deocclude.ahp.sample import OcclusionSample
from deocclude.evaluation.matching import InitialMasks
from deocclude.evaluation.metrics import iou
from deocclude.evaluation.pictures import NAMES, TILE, tiles_of
from deocclude.evaluation.run import Measured, complete
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder, Person

_LINE = 18


def worst_first(measured: Sequence[Measured]) -> list[int]:
    """Indices of the samples by the cascade's invisible IoU, the lowest first."""

    def invisible_iou(index: int) -> float:
        both, either = measured[index].masks["deocclude"]["invisible"]["iou"]
        return both / either if either else 1.0

    return sorted(range(len(measured)), key=invisible_iou)


def contact_sheet(
    samples: Sequence[OcclusionSample], deoccluder: Deoccluder, initial_masks: InitialMasks
) -> Image.Image:
    """One row a sample with the tiles of `pictures.NAMES`, from the given initial masks."""
    rows = []
    for sample in samples:
        initial = initial_masks(sample)
        rows.append(_row(sample, initial, complete(sample, initial, deoccluder)))
    return Image.fromarray(np.concatenate([_header(), *rows]))


def _header() -> np.ndarray:
    return np.concatenate([_caption(text, TILE) for text in NAMES], axis=1)


def _caption(text: str, width: int) -> np.ndarray:
    image = Image.new("RGB", (width, _LINE), "white")
    ImageDraw.Draw(image).text((4, 3), text, fill="black")
    return np.asarray(image)


def _row(sample: OcclusionSample, initial: DetectedPerson | None, completed: Person | None) -> np.ndarray:
    nothing = np.zeros_like(sample.modal)
    amodal = nothing if completed is None else completed.amodal
    invisible = nothing if completed is None else completed.invisible
    tiles = list(tiles_of(sample, initial, completed).values())
    found = "" if initial is not None else ", nobody found"
    text = (
        f"{sample.id}: {sample.ratio:.2f} hidden by {sample.occluder_category or 'something'}{found}; IoU "
        f"amodal {iou(amodal, sample.amodal, ~sample.unknown):.2f}, "
        f"invisible {iou(invisible, sample.invisible, ~sample.unknown):.2f}"
    )
    return np.concatenate([_caption(text, TILE * len(tiles)), np.concatenate(tiles, axis=1)])
