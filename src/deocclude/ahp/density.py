"""Densities of the occlusion ratio |invisible| / |amodal| (section 5.1, 'Data splits')."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Bin = tuple[float, float]
"""Ratios above the first number, up to and including the second."""


def in_bin(ratio: float, ratio_bin: Bin) -> bool:
    """Whether the ratio lies in the bin (low, high]."""
    return ratio_bin[0] < ratio <= ratio_bin[1]


@dataclass(frozen=True)
class RatioDensity:
    """Every bin is equally likely; inside a bin every ratio is."""

    name: str
    bins: tuple[Bin, ...]

    def __post_init__(self) -> None:
        if not self.bins:
            raise ValueError("a density needs at least one bin")
        for low, high in self.bins:
            if not 0 <= low < high <= 1:
                raise ValueError(f"bin ({low}, {high}] is not inside [0, 1]")

    def draw(self, rng: np.random.Generator) -> Bin:
        """One bin."""
        return self.bins[int(rng.integers(len(self.bins)))]

    def bin_of(self, ratio: float) -> Bin | None:
        """The bin that holds the ratio, None if no bin does."""
        return next((ratio_bin for ratio_bin in self.bins if in_bin(ratio, ratio_bin)), None)


TRAINING = RatioDensity("training", ((0.0, 0.1), (0.1, 0.2), (0.3, 0.4)))
VALIDATION = RatioDensity("validation", ((0.0, 0.1), (0.1, 0.2), (0.3, 0.4), (0.4, 0.5)))
WIDE = RatioDensity("wide", ((0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5)))
"""Without gaps and up to one half: what the shipped weights are trained on."""

DENSITIES = {density.name: density for density in (TRAINING, VALIDATION, WIDE)}
