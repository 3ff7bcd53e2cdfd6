"""Photos without people, with the masks that N_i gives there all the same.

They teach stage 1 to see nobody, so that the cascade can ask N_i for unsure people too and drop false ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.coco import CocoReader
from deocclude.ahp.collect import UNUSABLE, collect, fault_of
from deocclude.ahp.engine import Engine
from deocclude.ahp.finder import doubtful_people
from deocclude.ahp.reader import load_rgb
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.shrink import MAX_SIDE, shrink_photo
from deocclude.ahp.split import split_of
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.people.person import PersonSource

_FOLDER = "false_alarms"


def write_false_alarms(
    root: Path,
    coco: Path,
    engine: Engine,
    max_side: int = MAX_SIDE,
    finder: Callable[[], PersonSource] = doubtful_people,
) -> tuple[dict[str, int], list[str]]:
    """Writes `ROOT/false_alarms/SPLIT/{JPEGImages/ID.jpg,InitialMasks/ID-K.png}`, in place of what was there.

    finder: a function that other processes can import, asked once for each photo. Returns the masks of each
    split, and a message for each photo of COCO that cannot be used. The files do not depend on the engine.
    """
    root, faults = root.absolute(), list[str]()
    jobs = list(_photos_without_people(coco.absolute(), faults))
    shutil.rmtree(root / _FOLDER, ignore_errors=True)
    counts, unusable = collect(
        "false alarms", engine, partial(_write, root / _FOLDER, max_side, finder), jobs
    )
    return counts, faults + unusable


def _photos_without_people(coco: Path, faults: list[str]) -> Iterator[tuple[str, str, Path]]:
    reader = CocoReader(coco)
    for name in reader.jobs():
        try:
            if not reader.shows_people(name):
                yield name, split_of(reader.name, name), reader.photo_path(name)
        except UNUSABLE as error:
            faults.append(fault_of(name, error))


def _write(folder: Path, max_side: int, finder: Callable[[], PersonSource], split: str, path: Path) -> int:
    """How many masks were written."""
    identity = f"{CocoReader.name}-{path.stem}"
    photo = shrink_photo(load_rgb(path), max_side)
    masks = [person.mask for person in finder()(photo)]
    if masks:
        write_atomically(folder / split / "JPEGImages" / f"{identity}.jpg", layout.encode_jpeg(photo))
    for number, mask in enumerate(masks):
        path = folder / split / "InitialMasks" / f"{identity}-{number}.png"
        write_atomically(path, layout.encode_png(mask))
    return len(masks)


class FalseAlarms(Sequence[tuple[OcclusionSample, np.ndarray]]):
    """Samples in which nobody is to be seen, each with a mask (bool HxW) that claims otherwise."""

    def __init__(self, root: Path, split: str) -> None:
        folder = layout.root_of(root) / _FOLDER / split
        self._masks = sorted((folder / "InitialMasks").glob("*.png"))
        if not self._masks:
            raise DeoccludeError(f"{folder}: no false alarms; run `deocclude ahp false-alarms {root}`")
        self._photos = [
            layout.find_photo(folder / "JPEGImages", mask.stem.rpartition("-")[0]) for mask in self._masks
        ]
        self._bytes = {path: path.read_bytes() for path in {*self._masks, *self._photos}}

    @property
    def photos(self) -> list[np.ndarray]:
        """The photos themselves, uint8 HxWx3 RGB, each once."""
        return [layout.decode_rgb(self._bytes[path], path) for path in dict.fromkeys(self._photos)]

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, index: int) -> tuple[OcclusionSample, np.ndarray]:  # type: ignore[override]
        mask_path, photo_path = self._masks[index], self._photos[index]
        photo = layout.decode_rgb(self._bytes[photo_path], photo_path)
        mask = layout.decode_map(self._bytes[mask_path], mask_path) > 0
        if mask.shape != photo.shape[:2]:
            raise DeoccludeError(f"{mask_path}: its size is not that of {photo_path.name}; make both anew")
        nobody = np.zeros_like(mask)
        nothing = np.zeros(mask.shape, dtype=np.uint8)
        sample = OcclusionSample(
            id=mask_path.stem,
            source=layout.source_of(mask_path.stem),
            occluder_id="",
            occluder_category="",
            occluded=photo,
            original=photo,
            modal=nobody,
            amodal=nobody,
            invisible=nobody,
            parsing_modal=nothing,
            parsing_amodal=nothing,
            unknown=nobody,
            ratio=0.0,
        )
        return sample, mask
