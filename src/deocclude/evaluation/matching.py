"""Where the initial mask M_i of an evaluated sample comes from: the cascade, the truth, or a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from deocclude.ahp.initial_masks import match
from deocclude.ahp.sample import OcclusionSample
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder

PREDICTED = "predicted"


class InitialMasks(Protocol):
    """Gives each sample its initial mask. `name` goes into the report."""

    name: str

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        """The person to complete, or None where nobody was found: that sample's prediction is empty."""
        ...


def open_initial_masks(choice: str, deoccluder: Deoccluder) -> InitialMasks:
    """choice: `PREDICTED` (whom the cascade finds), "truth", or a folder of ID.png masks."""
    if choice == PREDICTED:
        return PredictedMasks(deoccluder.find)
    return TrueMasks() if choice == "truth" else MasksFromFolder(Path(choice))


class PredictedMasks:
    """Of the people found in the occluded photo, the one that matches the true visible mask best."""

    name = PREDICTED

    def __init__(self, find: Callable[[np.ndarray], list[DetectedPerson]]) -> None:
        """find: `Deoccluder.find`, which sees the occluded photo."""
        self._find = find

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        return match(self._find(sample.occluded), sample.modal)


class TrueMasks:
    """The true visible mask: an upper bound, and what earlier methods assume."""

    name = "truth"

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        return DetectedPerson(sample.modal, score=1.0) if sample.modal.any() else None


class MasksFromFolder:
    """`ID.png` in a folder, non-zero where the person is; an empty mask means that nobody was found."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DeoccludeError(
                f"{folder}: not a folder; give --initial-masks predicted, truth, or a folder of ID.png masks"
            )
        self.name = str(folder)
        self._folder = folder

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        path = self._folder / f"{sample.id}.png"
        if not path.is_file():
            raise DeoccludeError(
                f"{path}: no such mask; add it, entirely black if nobody was found in sample {sample.id}"
            )
        try:
            with Image.open(path) as image:
                values = np.asarray(image)
        except OSError as error:
            raise DeoccludeError(f"{path}: not a readable image; write the mask again as a PNG") from error
        mask = values.any(axis=-1) if values.ndim == 3 else values > 0
        height, width = sample.modal.shape
        if mask.shape != (height, width):
            raise DeoccludeError(
                f"{path}: the mask is {mask.shape[1]}x{mask.shape[0]}, its photo {width}x{height}; "
                "make the mask from the photo in RGBErased"
            )
        return DetectedPerson(mask, score=1.0) if mask.any() else None
