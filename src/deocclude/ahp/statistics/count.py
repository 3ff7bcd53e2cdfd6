"""The numbers of section 4.2 over a whole data set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deocclude import __version__
from deocclude.ahp import layout
from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.statistics.distribution import Distribution, even_edges
from deocclude.ahp.statistics.measure import (
    CompositeNumbers,
    PersonNumbers,
    composite_folders,
    measure_composites,
    measure_people,
    occluder_categories,
    splits_of,
)
from deocclude.ahp.statistics.provenance import Provenance, SourceCount, provenance_of
from deocclude.ahp.statistics.scenes import LEFT_OUT, SceneClassifier, count_scenes
from deocclude.parsing import LIP_CLASSES

ASPECT_EDGES = (*even_edges(0.25, 5.0), math.inf)
AREA_EDGES = (0.0, *(float(2**power) for power in range(8, 21)), math.inf)
SHARE_EDGES = even_edges(0.05, 1.0)
RATIO_EDGES = even_edges(0.1, 1.0)
FINE_RATIO_EDGES = even_edges(0.02, 1.0)
UPRIGHT = (1.5, 3.5)
"""Aspect ratios of which the paper says that nearly half of its people have them."""


@dataclass(frozen=True)
class PartCount:
    """A LIP class: its pixels, and the people who show at least one."""

    name: str
    pixels: int
    people: int


@dataclass(frozen=True)
class PeopleStatistics:
    """Of all whole people. upright: share with an aspect ratio in `UPRIGHT`. parts: the 20 LIP classes over
    the `labelled` people (those with a pixel of any class but background); unlabelled: everybody's pixels
    without a label.
    """

    splits: dict[str, dict[str, int]]
    aspect_ratio: Distribution
    upright: float
    area: Distribution
    share_of_photo: Distribution
    share_of_height: Distribution
    touching_border: int
    with_unknown: int
    labelled: int
    parts: tuple[PartCount, ...]
    unlabelled: int

    @classmethod
    def of(cls, people: Sequence[PersonNumbers]) -> PeopleStatistics:
        """people: at least one."""
        upright = sum(UPRIGHT[0] <= person.aspect_ratio <= UPRIGHT[1] for person in people)
        return cls(
            splits=_nested((person.split, person.source) for person in people),
            aspect_ratio=_distribution(people, lambda person: person.aspect_ratio, ASPECT_EDGES),
            upright=upright / len(people),
            area=_distribution(people, lambda person: person.area, AREA_EDGES),
            share_of_photo=_distribution(people, lambda person: person.share_of_photo, SHARE_EDGES),
            share_of_height=_distribution(people, lambda person: person.share_of_height, SHARE_EDGES),
            touching_border=sum(person.touches_border for person in people),
            with_unknown=sum(person.unknown > 0 for person in people),
            labelled=sum(any(person.parts[1:]) for person in people),
            parts=tuple(
                PartCount(
                    name,
                    sum(person.parts[index] for person in people),
                    sum(person.parts[index] > 0 for person in people),
                )
                for index, name in enumerate(LIP_CLASSES)
            ),
            unlabelled=sum(person.unlabelled for person in people),
        )

    def as_json(self) -> dict[str, Any]:
        """Of plain dicts, lists and numbers."""
        return {
            "splits": self.splits,
            "aspect ratio": self.aspect_ratio.as_json() | {"share in 1.5..3.5": self.upright},
            "mask area": self.area.as_json(),
            "share of the photo": self.share_of_photo.as_json(),
            "share of the photo's height": self.share_of_height.as_json(),
            "touching the border": self.touching_border,
            "with unknown regions": self.with_unknown,
            "parsing": {
                "labelled people": self.labelled,
                "unlabelled pixels": self.unlabelled,
                "classes": {part.name: {"pixels": part.pixels, "people": part.people} for part in self.parts},
            },
        }


@dataclass(frozen=True)
class CompositeStatistics:
    """Of one folder of frozen composites. ratio: by bins of a tenth; fine: by bins of a fiftieth.

    framing, occluders: composites by framing and by category of the occluder, the most frequent first.
    """

    samples: int
    people: int
    ratio: Distribution
    fine: Distribution
    framing: dict[str, int]
    occluders: dict[str, int]

    @classmethod
    def of(cls, composites: Sequence[CompositeNumbers]) -> CompositeStatistics:
        """composites: at least one."""
        return cls(
            samples=len(composites),
            people=len({composite.person for composite in composites}),
            ratio=_distribution(composites, lambda composite: composite.ratio, RATIO_EDGES),
            fine=_distribution(composites, lambda composite: composite.ratio, FINE_RATIO_EDGES),
            framing=frequent(Counter(composite.framing for composite in composites)),
            occluders=frequent(Counter(composite.category for composite in composites)),
        )

    def as_json(self) -> dict[str, Any]:
        """Of plain dicts, lists and numbers."""
        return {
            "samples": self.samples,
            "people": self.people,
            "occlusion ratio": self.ratio.as_json(),
            "occlusion ratio, fine": self.fine.as_json(),
            "framing": self.framing,
            "occluders": self.occluders,
        }


@dataclass(frozen=True)
class Statistics:
    """Everything `deocclude ahp statistics` reports. cutouts: occluders by split and category."""

    name: str
    provenance: Provenance
    people: PeopleStatistics
    composites: dict[str, CompositeStatistics]
    cutouts: dict[str, dict[str, int]]
    scenes: dict[str, int] | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing and why."""
        missing = () if self.scenes is not None else (LEFT_OUT,)
        if not self.composites:
            missing = (*missing, "no frozen composites; make them with `deocclude ahp synthesize`")
        return (*self.provenance.notes, *missing)

    def as_json(self) -> dict[str, Any]:
        """Of plain dicts, lists and numbers; the same data set gives the same."""
        rows = (*self.provenance.sources, self.provenance.total)
        return {
            "version": __version__,
            "data set": self.name,
            "sources": {row.source: _source_json(row) for row in rows},
            "review": {"judged by people": self.provenance.judged, "mean seconds": self.provenance.seconds},
            "people": self.people.as_json(),
            "composites": {split: some.as_json() for split, some in self.composites.items()},
            "cut-outs": self.cutouts,
            "scenes": self.scenes,
            "notes": list(self.notes),
        }


def count(
    root: Path, work: Path | None = None, scenes: SceneClassifier | None = None, workers: int = 1
) -> Statistics:
    """Reads the whole data set at `root`; `work` is its workspace, if any (see `provenance_of`).

    The numbers do not depend on `workers`, the number of threads. Raises DeoccludeError if a file is
    missing or unreadable, or the classifier fails.
    """
    people = splits_of(root)
    measured = measure_people(people, workers)
    cutouts = {
        split: frequent(Counter(occluder_categories(root, split, workers))) for split in ("train", "val")
    }
    return Statistics(
        name=layout.root_of(root).resolve().name,
        provenance=provenance_of(root, [person.id for person in measured], work),
        people=PeopleStatistics.of(measured),
        composites={
            split: CompositeStatistics.of(measure_composites(FrozenComposites(root, split), workers))
            for split in composite_folders(root)
        },
        cutouts={split: categories for split, categories in cutouts.items() if categories},
        scenes=None
        if scenes is None
        else count_scenes((p for some in people.values() for p in some), scenes),
    )


def frequent(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first, equals by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _distribution(
    items: Sequence[Any], value: Callable[[Any], float], edges: tuple[float, ...]
) -> Distribution:
    grouped: dict[str, list[float]] = {}
    for item in items:
        grouped.setdefault(item.source, []).append(value(item))
    return Distribution.of(grouped, edges)


def _nested(pairs: Any) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for outer, inner in pairs:
        counts.setdefault(outer, Counter())[inner] += 1
    return {outer: dict(sorted(inner.items())) for outer, inner in counts.items()}


def _source_json(row: SourceCount) -> dict[str, Any]:
    record = asdict(row)
    del record["source"]
    return record | {"ratio": row.ratio}
