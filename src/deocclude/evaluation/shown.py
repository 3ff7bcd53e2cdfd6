"""Which samples a page shows: a fixed gallery, and the worst."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from deocclude.evaluation.methods import OURS
from deocclude.evaluation.parallel import Outcome
from deocclude.evaluation.run import Measured, evenly_spaced

GALLERY = 40
WORST = 60


def gallery_of(indices: Sequence[int], size: int = GALLERY) -> list[int]:
    """`size` evenly spaced of the samples that are evaluated."""
    return [indices[at] for at in evenly_spaced(len(indices), size)]


class Shown:
    """Keeps the pictures of the gallery and of the worst samples so far, and no others.

    gallery: how many of `gallery_of`, the same ones for every run over a whole set.
    """

    def __init__(self, indices: Sequence[int], gallery: int = GALLERY, worst: int = WORST) -> None:
        self._of_gallery = set(gallery_of(indices, gallery))
        self._most = worst
        self._heap: list[tuple[float, int, Outcome]] = []
        self.gallery: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        if outcome.index in self._of_gallery:
            self.gallery.append(outcome)
        heapq.heappush(self._heap, (-badness_order(outcome.measured), -outcome.index, outcome))
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    @property
    def worst(self) -> list[Outcome]:
        """The worst first; of equals, the one that comes first in the set."""
        return [outcome for _, _, outcome in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]


def badness_order(measured: Measured) -> float:
    """Mean of the cascade's amodal and invisible IoU of one sample, in [0, 1]; the lowest are the worst."""
    fractions = (measured.masks[OURS][name]["iou"] for name in ("amodal", "invisible"))
    return sum(both / either if either else 1.0 for both, either in fractions) / 2
