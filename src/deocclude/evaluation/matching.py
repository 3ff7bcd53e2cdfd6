"""Where the initial mask M_i of an evaluated sample comes from: N_i, the truth, or a folder of masks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from deocclude.ahp.initial_masks import match
from deocclude.ahp.sample import OcclusionSample
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson, PersonSource
from deocclude.sharpening import sharpened


class InitialMasks(Protocol):
    """Gives each sample its initial mask. `name` goes into the report."""

    name: str

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        """The person to complete, or None where nobody was found: that sample's prediction is empty."""
        ...


def open_initial_masks(choice: str) -> InitialMasks:
    """choice: "predicted" (by BlazePose), "truth", or a folder of ID.png masks."""
    if choice == "predicted":
        from deocclude.people import load_source

        return PredictedMasks(load_source("blazepose", num_threads=1))
    return TrueMasks() if choice == "truth" else MasksFromFolder(Path(choice))


class PredictedMasks:
    """N_i on the photo as the cascade sees it; the person that matches the true visible mask best."""

    def __init__(self, source: PersonSource) -> None:
        self.name = f"predicted ({source.name})"
        self._source = source

    def __call__(self, sample: OcclusionSample) -> DetectedPerson | None:
        return match(self._source(sharpened(sample.occluded)), sample.modal)


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
