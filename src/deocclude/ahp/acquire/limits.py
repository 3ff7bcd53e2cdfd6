"""Who is too small or too near the photo's border to be acquired (section 4.1, step 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.crops import Box, box_of

TOO_SMALL = "too small"
IN_THE_GUTTER = "at the photo's border"


@dataclass(frozen=True)
class Limits:
    """The paper's: at least 300 pixels, nothing within 5 pixels of the border."""

    min_pixels: int = 300
    gutter: int = 5

    def __post_init__(self) -> None:
        if self.min_pixels < 0 or self.gutter < 0:
            raise ValueError(f"limits must not be negative, got {self}")

    def fault(self, person: Candidate) -> str | None:
        """Why the person is dropped, or None; by the mask, without one by the joints, else by the box."""
        left, top, right, bottom = box = _seen(person)
        area = (right - left) * (bottom - top) if person.mask is None else int(person.mask.sum())
        if area < self.min_pixels:
            return TOO_SMALL
        room = min(box[0], box[1], person.width - box[2], person.height - box[3])
        return IN_THE_GUTTER if room < self.gutter else None


def _seen(person: Candidate) -> Box:
    if person.mask is not None:
        return box_of(person.mask) or person.box
    if person.joints is not None:
        labelled = person.joints[person.joints[:, 2] > 0, :2]
        if len(labelled) > 1:
            left, top = np.floor(labelled.min(axis=0)).astype(int).tolist()
            right, bottom = np.floor(labelled.max(axis=0)).astype(int).tolist()
            return left, top, right + 1, bottom + 1
    return person.box
