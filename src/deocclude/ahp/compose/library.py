"""The whole people and the cut-outs that editors put together, and which cut-outs suit which person."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

from deocclude.ahp.compose.arrangement import LEAST_SCALE, MOST_SCALE
from deocclude.ahp.compose.sizes import natural_scale
from deocclude.ahp.formats.person import Malformed, check_id
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.ahp.synthesis import person_as_occluder
from deocclude.crops import Box, box_of
from deocclude.errors import DeoccludeError

_Ranked = tuple[tuple[float, int, int], dict[str, Any]]
_PALETTE = 240
_UNKNOWN_SHARE = 0.5
_FOOT = 0.03
_SIDE = 0.1


@dataclass(frozen=True)
class Figure:
    """A whole person's number in the list, photo size and amodal box."""

    index: int
    width: int
    height: int
    box: Box

    @property
    def body(self) -> int:
        """Long side of the box in pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True)
class Cutout:
    """A cut-out's number in its list (of things, or of people), category, and size in its own pixels."""

    index: int
    of_person: str | None
    category: str
    width: int
    height: int


class Library:
    """One split of a folder in AHP's layout; photos are decoded when asked for.

    progress: told how many people or cut-outs were just looked at. damaged: one line each for those left
    out. Raises DeoccludeError if there is nobody, or nothing to put in front of anybody.
    """

    def __init__(self, root: Path, split: str, progress: Callable[[int], None] = lambda count: None) -> None:
        self.split = split
        self.damaged: list[str] = []
        self._people = People(root, split)
        self._things = _things(self._people.root, split)
        with ThreadPoolExecutor() as pool:
            figures = pool.map(self._figure, range(len(self._people)))
            self.people = self._kept(self._people.ids, figures, progress)
            things = pool.map(self._thing, range(len(self._things)))
            found = self._kept([str(index) for index in range(len(self._things))], things, progress)
        self.cutouts = {identity: cutout for identity, cutout in found.values()}
        for identity, figure in self.people.items():
            left, top, right, bottom = figure.box
            name = f"person-{identity}"
            self.cutouts[name] = Cutout(figure.index, identity, "person", right - left, bottom - top)
        if not self.people or len(self.cutouts) < 2:
            raise DeoccludeError(
                f"{self._people.root}: {len(self.people)} people and {len(self.cutouts)} cut-outs of {split} "
                "can be used; prepare more"
            )
        self.person = lru_cache(maxsize=16)(self._load_person)
        self.occluder = lru_cache(maxsize=48)(self._load_occluder)

    def _kept(self, names: list[str], results: Any, progress: Callable[[int], None]) -> dict[str, Any]:
        kept = {}
        for name, result in zip(names, results, strict=True):
            progress(1)
            if isinstance(result, str):
                self.damaged.append(result)
            else:
                kept[name] = result
        return kept

    def _figure(self, index: int) -> Figure | str:
        try:
            check_id(self._people.ids[index])
            person = self._people[index]
        except (DeoccludeError, Malformed) as error:
            return str(error)
        box = box_of(person.amodal)
        assert box is not None
        height, width = person.amodal.shape
        return Figure(index, width, height, box)

    def _thing(self, index: int) -> tuple[str, Cutout] | str:
        try:
            thing = self._things[index]
            check_id(thing.id)
        except (DeoccludeError, Malformed) as error:
            return str(error)
        height, width = thing.mask.shape
        return thing.id, Cutout(index, None, thing.category, width, height)

    def _load_person(self, identity: str) -> WholePerson:
        return self._people[self.people[identity].index]

    def _load_occluder(self, identity: str) -> Occluder:
        cutout = self.cutouts[identity]
        if cutout.of_person is not None:
            return person_as_occluder(self._people[cutout.index])
        return self._things[cutout.index]

    def palette(self, person: str, uses: Mapping[str, int]) -> list[dict[str, Any]]:
        """At most 240 cut-outs as {"id", "category", "width", "height", "scale"}, those that suit first.

        `scale` puts the cut-out as far away as the person. The less a cut-out has to be resized for that,
        the earlier it comes, in steps of a factor of two; then those that are in fewer composites
        (`uses`); then in an order of each person's own. Things and people take turns, and among things
        equally far from their size the categories.
        """
        body = self.people[person].body
        things: list[_Ranked] = []
        people: list[_Ranked] = []
        for identity, cutout in self.cutouts.items():
            if cutout.of_person == person:
                continue
            longest = max(cutout.width, cutout.height)
            natural = natural_scale(cutout.category, longest, body)
            scale = _UNKNOWN_SHARE * body / longest if natural is None else natural
            resized = math.inf if natural is None else round(abs(math.log2(natural)))
            entry = {
                "id": identity,
                "category": cutout.category,
                "width": cutout.width,
                "height": cutout.height,
                "scale": round(min(MOST_SCALE, max(LEAST_SCALE, scale)), 4),
            }
            rank = resized, uses.get(identity, 0), _shuffled(person, identity)
            (people if cutout.category == "person" else things).append((rank, entry))
        in_order = _by_category(things), [entry for _, entry in sorted(people, key=itemgetter(0))]
        turns = chain.from_iterable(zip_longest(*in_order))
        return list(islice((entry for entry in turns if entry is not None), _PALETTE))

    def foot(self, person: str) -> tuple[float, float]:
        """Where the middle of a cut-out's lower edge begins: a little below and beside the person's feet."""
        left, _, right, bottom = self.people[person].box
        share = _SIDE if _shuffled(person, "side") % 2 else 1 - _SIDE
        return left + share * (right - left), bottom + _FOOT * self.people[person].body


def _things(root: Path, split: str) -> Occluders | list[Occluder]:
    folder = root / "occluders" / split
    return Occluders(root, split) if any(folder.glob("*.png")) else []


def _by_category(things: list[_Ranked]) -> list[dict[str, Any]]:
    """Sorted by rank; within a step of size the first of each category before the second of any."""
    seen: Counter[tuple[float, str]] = Counter()
    placed = []
    for rank, entry in sorted(things, key=itemgetter(0)):
        place = rank[0], seen[rank[0], entry["category"]], *rank[1:]
        seen[rank[0], entry["category"]] += 1
        placed.append((place, entry))
    return [entry for _, entry in sorted(placed, key=itemgetter(0))]


def _shuffled(person: str, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{person}\n{name}".encode()).digest()[:8], "big")
