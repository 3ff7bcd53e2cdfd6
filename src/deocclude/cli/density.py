"""The occlusion ratios that a user may choose from."""

from __future__ import annotations

from enum import Enum


class Density(str, Enum):
    """Occlusion ratios of the composites; see `ahp.density`."""

    training = "training"
    validation = "validation"
    wide = "wide"
