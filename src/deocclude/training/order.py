"""Which samples an update sees. The order is the index itself, so there is no loader state to save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch.utils.data import Sampler


@dataclass(frozen=True)
class StepIndices(Sampler[list[int]]):
    """Update k takes the samples k * batch .. (k + 1) * batch - 1; each process takes an equal run of them.

    batch: samples of an update over all processes; a multiple of `processes`.
    """

    first_step: int
    steps: int
    batch: int
    process: int = 0
    processes: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // self.processes
        for step in range(self.first_step, self.steps):
            start = step * self.batch + self.process * share
            yield list(range(start, start + share))

    def __len__(self) -> int:
        return max(0, self.steps - self.first_step)
