"""Random people and composites of a data set as tiles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.statistics.contact_sheet import composite_tile, draw_lots, person_tile
from deocclude.ahp.statistics.measure import splits_of


@dataclass(frozen=True)
class Picture:
    """A tile of a contact sheet: uint8 hxwx3 RGB, with what it shows in words."""

    tile: np.ndarray
    caption: str


def random_people(root: Path, count: int, seed: int) -> list[Picture]:
    """At most `count` of all whole people, everybody equally likely, sorted by id; a seed gives the same."""
    entries = sorted(
        (identity, some, index)
        for some in splits_of(root).values()
        for index, identity in enumerate(some.ids)
    )
    chosen = [entries[position] for position in draw_lots(len(entries), count, seed)]
    return [Picture(person_tile(some[index]), identity) for identity, some, index in chosen]


def random_composites(root: Path, split: str, count: int, seed: int) -> list[Picture]:
    """At most `count` composites of the folder `split`, in the order of its list; a seed gives the same."""
    composites = FrozenComposites(root, split)
    pictures = []
    for position in draw_lots(len(composites), count, seed):
        sample = composites[position]
        words = f"{sample.id}: {sample.ratio:.0%} behind {sample.occluder_category or 'something'}"
        pictures.append(Picture(composite_tile(sample), words))
    return pictures
