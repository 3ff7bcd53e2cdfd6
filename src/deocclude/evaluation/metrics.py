"""IoU of masks, l1 of masks and of pixels (section 5.1, "Evaluation metrics"), and their sums over a set.

Each measurement of one sample is a `Fraction`: intersection over union, summed error over counted pixels, or
a score over 1. `Tally` keeps the fractions of a set: they give the micro value (summed numerators over summed
denominators), the mean over samples, and a bootstrap interval. docs/evaluation.md defines every number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from deocclude.crops import SquareWindow, rows_and_columns

CROP_SIZE = 256
"""Side of the person crop over which the l1 of masks is measured (section 5.1: 256 x 256)."""


class Fraction(NamedTuple):
    """One measurement of one sample. `denominator` is 0 where there is nothing to measure."""

    numerator: float
    denominator: float


def intersection_over_union(
    prediction: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None
) -> Fraction:
    """Pixels in both masks, and pixels in either; bool HxW. Only pixels of `known` count (None: all)."""
    for name, mask in (("prediction", prediction), ("known", known)):
        if mask is not None and mask.shape != truth.shape:
            raise ValueError(f"{name} is {mask.shape}, truth is {truth.shape}")
    both, either = prediction & truth, prediction | truth
    if known is not None:
        both, either = both & known, either & known
    return Fraction(int(both.sum()), int(either.sum()))


def iou(prediction: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> float:
    """IoU of two bool HxW masks over the known pixels, in [0, 1]; 1 where both are empty."""
    both, either = intersection_over_union(prediction, truth, known)
    return both / either if either else 1.0


def mask_l1(prediction: np.ndarray, truth: np.ndarray, known: np.ndarray, window: SquareWindow) -> Fraction:
    """Summed absolute difference of two bool HxW masks over `window` at 256 x 256, and its known pixels."""

    def crop(mask: np.ndarray) -> np.ndarray:
        return window.cut(mask.astype(np.float32), CROP_SIZE)

    counted = np.abs(crop(prediction) - crop(truth))[crop(known) > 0.5]
    return Fraction(float(counted.sum(dtype=np.float64)), counted.size)


def pixels_inside(window: SquareWindow, height: int, width: int) -> np.ndarray:
    """bool HxW: the photo's pixels inside the window."""
    inside = np.zeros((height, width), bool)
    inside[rows_and_columns(window.within(height, width))] = True
    return inside


def content_l1(result: np.ndarray, original: np.ndarray, where: np.ndarray) -> Fraction:
    """Summed absolute difference over the pixels of `where` (bool HxW), and their number.

    result, original: uint8 HxWx3; the three channels are averaged and scaled to [0, 1].
    """
    difference = result[where].astype(np.int64) - original[where]
    return Fraction(float(np.abs(difference).sum()) / (3 * 255), len(difference))


def content_squared_error(result: np.ndarray, original: np.ndarray, where: np.ndarray) -> Fraction:
    """As `content_l1`, with squared differences (for `psnr`)."""
    difference = result[where].astype(np.int64) - original[where]
    return Fraction(float(np.square(difference).sum()) / (3 * 255**2), len(difference))


def psnr(mean_squared_error: float) -> float:
    """Peak signal-to-noise ratio in dB of values in [0, 1]; infinite without error."""
    return float("inf") if mean_squared_error == 0 else float(-10 * np.log10(mean_squared_error))


@lru_cache(maxsize=4)
def drawn_people(count: int, resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """float64, resamples x count: how often a bootstrap sample of `count` people holds each of them."""
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    draws = draws.astype(np.float64)
    draws.setflags(write=False)
    return draws


@dataclass
class Tally:
    """The fractions of one metric over a set.

    empty: what a sample with denominator 0 counts in the mean over samples; None leaves it out. (It adds
    nothing to the micro value either way.) For an IoU this is 1: an empty mask predicted where the truth is
    empty is right.
    """

    empty: float | None = None
    fractions: list[Fraction] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def add(self, fraction: Fraction, group: str | None = None) -> None:
        """group: the person the sample shows; samples of one person are resampled together."""
        self.fractions.append(fraction)
        self.groups.append(f"#{len(self.groups)}" if group is None else group)

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        table = np.array(self.fractions, dtype=np.float64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @property
    def micro(self) -> float:
        """Summed numerators over summed denominators; nan where nothing was counted."""
        numerators, denominators = self._arrays()
        total = denominators.sum()
        return float(numerators.sum() / total) if total else float("nan")

    @property
    def mean(self) -> float:
        """Mean of the samples' own values; nan without samples."""
        numerators, denominators = self._arrays()
        counted = denominators > 0
        values = list(numerators[counted] / denominators[counted])
        if self.empty is not None:
            values += [self.empty] * int((~counted).sum())
        return float(np.mean(values)) if values else float("nan")

    def interval(self, resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
        """95% percentile bootstrap interval of `micro`; groups are drawn with replacement.

        (nan, nan) where nothing was counted.
        """
        numerators, denominators = self._arrays()
        _, group_of = np.unique(self.groups, return_inverse=True)
        if denominators.sum() == 0:
            return float("nan"), float("nan")
        per_group = np.stack([np.bincount(group_of, weights) for weights in (numerators, denominators)])
        count = per_group.shape[1]
        draws = drawn_people(count, resamples, seed)
        top, bottom = draws @ per_group[0], draws @ per_group[1]
        low, high = np.percentile(top[bottom > 0] / bottom[bottom > 0], [2.5, 97.5])
        return float(low), float(high)
