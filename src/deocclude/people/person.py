"""What every source of people returns, and the protocol they share (the paper's N_i)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deocclude.crops import Box, box_of

SURE = 0.5
"""People scoring less are doubtful: the cascade drops them unless stage 1 sees them too."""
LEAST_MATCH = 0.1
"""IoU with a visible body below which a mask is another person's."""


@dataclass(frozen=True)
class DetectedPerson:
    """One person with an initial, possibly wrong, modal mask M_i (section 3.2).

    mask: bool HxW, not empty. score: confidence in [0, 1] (1 for masks the user made).
    landmarks: float32 33x3 of BlazePose (x and y in photo pixels, visibility in [0, 1]), hidden joints
    included, or None.
    """

    mask: np.ndarray
    score: float
    landmarks: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 2:
            raise ValueError(f"mask must be bool HxW, got {self.mask.dtype} {self.mask.shape}")
        if not self.mask.any():
            raise ValueError("mask is empty")
        if self.landmarks is not None and self.landmarks.shape != (33, 3):
            raise ValueError(f"landmarks must be 33x3, got {self.landmarks.shape}")

    @property
    def box(self) -> Box:
        """Tight box of the mask: left, top, right, bottom (exclusive)."""
        box = box_of(self.mask)
        assert box is not None
        return box


class PersonSource(Protocol):
    """Finds the people of a photo. `name` goes into report.json."""

    name: str

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        """photo: uint8 HxWx3 RGB. Returns the people from the largest mask to the smallest, [] if none."""
        ...
