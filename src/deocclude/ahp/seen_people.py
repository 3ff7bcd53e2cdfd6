"""People of whom the photo shows a part, the rest of whom nobody knows: COCO's annotations.

Hardly anyone in COCO is whole, so section 4 drops them. Their masks still teach stage 1 what is visible of
people of all kinds behind real occluders; where their bodies go on, no loss asks.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from deocclude.ahp import layout
from deocclude.ahp.coco import CocoReader, coco_reader
from deocclude.ahp.collect import collect
from deocclude.ahp.engine import Engine
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.shrink import MAX_SIDE, shrink_person
from deocclude.ahp.split import split_of
from deocclude.errors import DeoccludeError

_FOLDER = "seen"


def write_seen_people(
    root: Path, coco: Path, engine: Engine, max_side: int = MAX_SIDE
) -> tuple[dict[str, int], list[str]]:
    """Writes `ROOT/seen/SPLIT/{JPEGImages/ID.jpg,Annotations/ID.png}`, in place of what was there.

    `UnknownRegions/ID.png` beside them where there is a crowd. Returns how many people each split has, and a
    message for each photo of COCO that cannot be used. The files do not depend on the engine.
    """
    root, coco = root.absolute(), coco.absolute()
    shutil.rmtree(root / _FOLDER, ignore_errors=True)
    jobs = [(name, split_of(CocoReader.name, name), name) for name in coco_reader(coco).jobs()]
    return collect("seen people", engine, partial(_write, root / _FOLDER, coco, max_side), jobs)


def _write(folder: Path, coco: Path, max_side: int, split: str, name: str) -> int:
    """How many people of a photo were written."""
    people = [shrink_person(person, max_side) for person in coco_reader(coco).seen_people(name)]
    for person in people:
        layout.write_outline(folder / split, person)
    return len(people)


class SeenPeople(Sequence[WholePerson]):
    """`WholePerson`s that are not complete: `amodal` is what the photo shows. Body parts are unlabelled."""

    def __init__(self, root: Path, split: str) -> None:
        folder = layout.root_of(root) / _FOLDER / split
        self._ids = sorted(path.stem for path in (folder / "JPEGImages").glob("*.jpg"))
        if not self._ids:
            raise DeoccludeError(f"{folder}: nobody; run `deocclude ahp seen-people {root}`")
        self._files = [layout.read_person_files(folder, identity) for identity in self._ids]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> WholePerson:  # type: ignore[override]
        return replace(layout.decode_person(self._ids[index], self._files[index]), complete=False)
