"""People of whom the photo shows a part, the rest of whom nobody knows: COCO's annotations.

Hardly anyone in COCO is whole, so section 4 drops them. Their masks still teach stage 1 what is visible of
people of all kinds behind real occluders; where their bodies go on, no loss asks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.coco import CocoReader, coco_reader
from deocclude.ahp.engine import Engine
from deocclude.ahp.progress import progress_of
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.shrink import MAX_SIDE, shrink_person
from deocclude.ahp.split import split_of
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED

_FOLDER = "seen"
_CROWDS = "UnknownRegions"


def write_seen_people(
    root: Path, coco: Path, engine: Engine, max_side: int = MAX_SIDE
) -> tuple[dict[str, int], list[str]]:
    """Writes `ROOT/seen/SPLIT/{JPEGImages/ID.jpg,Annotations/ID.png}`, in place of what was there.

    `UnknownRegions/ID.png` beside them where there is a crowd. Returns how many people each split has, and a
    message for each photo of COCO that cannot be used. The files do not depend on the engine.
    """
    root, coco, faults = root.absolute(), coco.absolute(), list[str]()
    shutil.rmtree(root / _FOLDER, ignore_errors=True)
    names = coco_reader(coco).jobs()
    written = {"train": 0, "val": 0}
    counts = engine.spread(partial(_write, root / _FOLDER, coco, max_side), names)
    with progress_of("seen people", len(names)) as advance, closing(counts):
        for name, count in zip(names, counts, strict=True):
            if isinstance(count, str):
                faults.append(count)
            else:
                written[split_of(CocoReader.name, name)] += count
            advance(1)
    return written, faults


def _write(folder: Path, coco: Path, max_side: int, name: str) -> int | str:
    """How many people of a photo were written, or why it cannot be used."""
    reader = coco_reader(coco)
    folder = folder / split_of(reader.name, name)
    try:
        people = [shrink_person(person, max_side) for person in reader.seen_people(name)]
    except (Unfit, DeoccludeError, ValueError, TypeError, LookupError) as error:
        return " ".join(f"{name}: {type(error).__name__}: {error}".split())[:300]
    for person in people:
        write_atomically(folder / "Annotations" / f"{person.id}.png", layout.encode_png(person.amodal))
        if person.unknown.any():
            write_atomically(folder / _CROWDS / f"{person.id}.png", layout.encode_png(person.unknown))
        write_atomically(folder / "JPEGImages" / f"{person.id}.jpg", layout.encode_jpeg(person.photo))
    return len(people)


class SeenPeople(Sequence[WholePerson]):
    """`WholePerson`s that are not complete: `amodal` is what the photo shows. Body parts are unlabelled."""

    def __init__(self, root: Path, split: str) -> None:
        self._folder = layout.root_of(root) / _FOLDER / split
        self._photos = sorted((self._folder / "JPEGImages").glob("*.jpg"))
        if not self._photos:
            raise DeoccludeError(f"{self._folder}: nobody; run `deocclude ahp seen-people {root}`")
        self._bytes = {path: path.read_bytes() for photo in self._photos for path in self._files(photo)}

    def _files(self, photo: Path) -> Iterator[Path]:
        yield photo
        maps = (self._map(photo, kind) for kind in ("Annotations", _CROWDS))
        yield from (path for path in maps if path.exists())

    def _map(self, photo: Path, kind: str) -> Path:
        return self._folder / kind / f"{photo.stem}.png"

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> WholePerson:  # type: ignore[override]
        path = self._photos[index]
        photo = layout.decode_rgb(self._bytes[path], path)
        masks = []
        for kind in ("Annotations", _CROWDS):
            file = self._map(path, kind)
            content = self._bytes.get(file)
            if content is None:
                masks.append(np.zeros(photo.shape[:2], dtype=bool))
            else:
                masks.append(layout.decode_map_of_size(content, file, photo.shape[:2]) > 0)
        seen, crowds = masks
        if not seen.any():
            raise DeoccludeError(f"{self._map(path, 'Annotations')}: shows nobody; remove {path.name}")
        parsing = np.where(seen, np.uint8(UNLABELLED), np.uint8(0))
        source = layout.source_of(path.stem)
        return WholePerson(path.stem, source, photo, seen, parsing, crowds, complete=False)
