"""What is measured on each person and each composite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from deocclude.ahp import layout
from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.crops import Box, box_of
from deocclude.errors import DeoccludeError
from deocclude.parsing import NUM_CLASSES, UNLABELLED

_SPLITS = ("train", "val")
_AT_ONCE = 64
UNRECORDED = "not recorded"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class PersonNumbers:
    """One whole person. height, width: of the photo. box, area: of the amodal mask, in its pixels.

    parts: 20 pixel counts inside the mask, one a LIP class (the first, background, is what the map calls
    background inside the body). unlabelled: pixels inside the mask whose part is not known. unknown: pixels
    of the photo nobody can judge.
    """

    id: str
    source: str
    split: str
    height: int
    width: int
    box: Box
    area: int
    parts: tuple[int, ...]
    unlabelled: int
    unknown: int

    @classmethod
    def of(cls, person: WholePerson, split: str) -> PersonNumbers:
        box = box_of(person.amodal)
        assert box is not None
        labels = np.bincount(person.parsing[person.amodal], minlength=256)
        return cls(
            id=person.id,
            source=person.source,
            split=split,
            height=person.amodal.shape[0],
            width=person.amodal.shape[1],
            box=box,
            area=int(person.amodal.sum()),
            parts=tuple(int(n) for n in labels[:NUM_CLASSES]),
            unlabelled=int(labels[UNLABELLED]),
            unknown=int(person.unknown.sum()),
        )

    @property
    def aspect_ratio(self) -> float:
        """Height over width of the box (figure 5a)."""
        left, top, right, bottom = self.box
        return (bottom - top) / (right - left)

    @property
    def share_of_photo(self) -> float:
        """Mask area over photo area."""
        return self.area / (self.height * self.width)

    @property
    def share_of_height(self) -> float:
        """Height of the box over that of the photo."""
        return (self.box[3] - self.box[1]) / self.height

    @property
    def touches_border(self) -> bool:
        """Whether the mask reaches the photo's outermost pixels, so that a part may be out of view."""
        left, top, right, bottom = self.box
        return left == 0 or top == 0 or right == self.width or bottom == self.height


@dataclass(frozen=True)
class CompositeNumbers:
    """One frozen composite. ratio: |invisible| / |amodal| of its masks, not of its list."""

    id: str
    person: str
    source: str
    ratio: float
    category: str
    framing: str


def splits_of(root: Path) -> dict[str, People]:
    """The lists in `train/ImageSets` that name anybody; DeoccludeError if none does."""
    folder = layout.root_of(root) / "train" / "ImageSets"
    present = [split for split in _SPLITS if (folder / f"{split}.txt").exists()]
    people = {split: People(root, split) for split in present if layout.read_ids(root, split)}
    if not people:
        raise DeoccludeError(f"{folder}: lists nobody; finish `deocclude ahp build` first")
    return people


def composite_folders(root: Path) -> list[str]:
    """Names of the folders of the data set that hold frozen composites."""
    top = layout.root_of(root)
    return sorted(folder.name for folder in top.iterdir() if (folder / "RGBErased").is_dir())


def measure_people(people: dict[str, People], workers: int) -> list[PersonNumbers]:
    """Everybody, in the order of the lists, whatever the number of threads."""
    entries = [(split, index) for split, some in people.items() for index in range(len(some))]

    def measure(entry: tuple[str, int]) -> PersonNumbers:
        split, index = entry
        return PersonNumbers.of(people[split][index], split)

    return _measure(measure, entries, "people", workers)


def measure_composites(composites: FrozenComposites, workers: int) -> list[CompositeNumbers]:
    """Every composite of a folder, in the order of its list."""

    def measure(index: int) -> CompositeNumbers:
        return composite_numbers(composites[index], composites.records[index])

    return _measure(measure, range(len(composites)), f"composites of {composites.folder.name}", workers)


def composite_numbers(sample: OcclusionSample, record: dict[str, object]) -> CompositeNumbers:
    """Of a sample and its entry in `samples.json`."""
    return CompositeNumbers(
        id=sample.id,
        person=str(record.get("person", sample.id)),
        source=sample.source,
        ratio=sample.ratio,
        category=sample.occluder_category or UNRECORDED,
        framing=str(record.get("framing", UNRECORDED)),
    )


def occluder_categories(root: Path, split: str, workers: int) -> list[str]:
    """Category of each cut-out of a split, empty if it has none."""
    folder = layout.root_of(root) / "occluders" / split
    if not any(folder.glob("*.png")):
        return []
    occluders = Occluders(root, split)
    return _measure(
        lambda index: occluders[index].category, range(len(occluders)), f"occluders of {split}", workers
    )


def _measure(
    function: Callable[[Item], Result], items: Sequence[Item], what: str, workers: int
) -> list[Result]:
    def results() -> Iterator[Result]:
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(items), _AT_ONCE):
                yield from pool.map(function, items[start : start + _AT_ONCE])

    return list(track(results(), what, total=len(items), console=Console(stderr=True)))
