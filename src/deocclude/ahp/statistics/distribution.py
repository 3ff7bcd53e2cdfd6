"""How many values lie in which bin, source by source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Of `count` values: the least, the 5th percentile, median, mean, 95th percentile and the greatest."""

    count: int
    least: float
    low: float
    median: float
    mean: float
    high: float
    most: float

    @classmethod
    def of(cls, values: np.ndarray) -> Summary:
        """values: float64 N, N > 0; percentiles interpolate linearly."""
        low, median, high = np.percentile(values, (5, 50, 95))
        return cls(
            values.size,
            float(values.min()),
            float(low),
            float(median),
            float(values.mean()),
            float(high),
            float(values.max()),
        )


@dataclass(frozen=True)
class Distribution:
    """Counts over bins that all groups share.

    edges: N + 1 rising numbers; bin k holds the values in (edges[k], edges[k + 1]], the first one also
    edges[0]. The last edge may be infinite. counts: N counts a group. groups, overall: their summaries.
    """

    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]
    groups: dict[str, Summary]
    overall: Summary

    def __post_init__(self) -> None:
        if len(self.edges) < 2 or any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError(f"edges must rise, got {self.edges}")
        if any(len(counts) != len(self.edges) - 1 for counts in self.counts.values()):
            raise ValueError("every group needs one count a bin")

    @classmethod
    def of(cls, values: Mapping[str, Sequence[float]], edges: Sequence[float]) -> Distribution:
        """From each group's values; raises ValueError if there are none or one lies outside the edges."""
        grouped = {name: np.asarray(some, dtype=np.float64) for name, some in sorted(values.items()) if some}
        if not grouped:
            raise ValueError("a distribution needs at least one value")
        everything = np.concatenate(list(grouped.values()))
        if not (everything.min() >= edges[0] and everything.max() <= edges[-1]):
            raise ValueError(f"a value lies outside {edges[0]}..{edges[-1]}")
        bounds = np.asarray(edges, dtype=np.float64)

        def count(some: np.ndarray) -> tuple[int, ...]:
            places = np.maximum(np.searchsorted(bounds, some, side="left") - 1, 0)
            return tuple(int(n) for n in np.bincount(places, minlength=len(edges) - 1))

        return cls(
            edges=tuple(float(edge) for edge in edges),
            counts={name: count(some) for name, some in grouped.items()},
            groups={name: Summary.of(some) for name, some in grouped.items()},
            overall=Summary.of(everything),
        )

    @property
    def total(self) -> tuple[int, ...]:
        """Counts of all groups together."""
        return tuple(sum(column) for column in zip(*self.counts.values(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """An infinite last edge becomes None."""
        return {
            "edges": [edge if math.isfinite(edge) else None for edge in self.edges],
            "total": list(self.total),
            "counts": {name: list(counts) for name, counts in self.counts.items()},
            "summary": {
                "all": asdict(self.overall),
                "by source": {n: asdict(s) for n, s in self.groups.items()},
            },
        }


def even_edges(step: float, last: float) -> tuple[float, ...]:
    """0, step, 2 step, ..., last; free of the error that adding up floats gathers."""
    return tuple(round(step * k, 10) for k in range(round(last / step) + 1))
