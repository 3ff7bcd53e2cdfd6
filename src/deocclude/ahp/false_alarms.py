"""Photos without people, with the masks that N_i gives there all the same.

They teach stage 1 to see nobody, so that the cascade can ask N_i for unsure people too and drop false ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from deocclude.ahp import layout
from deocclude.ahp.coco import CocoReader
from deocclude.ahp.reader import load_rgb
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.shrink import MAX_SIDE, shrink_photo
from deocclude.ahp.split import split_of
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.people.person import PersonSource

_FOLDER = "false_alarms"


def photos_without_people(coco: Path, max_side: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Split, id and uint8 HxWx3 RGB of the COCO photos with no annotated person."""
    reader = CocoReader(coco)
    for job in reader.jobs():
        if not reader.shows_people(job):
            photo = load_rgb(coco / "images" / job)
            yield split_of("coco", job), f"coco-{Path(job).stem}", shrink_photo(photo, max_side)


def write_false_alarms(
    root: Path, coco: Path, source: PersonSource, max_side: int = MAX_SIDE
) -> dict[str, int]:
    """Writes `ROOT/false_alarms/SPLIT/{JPEGImages/ID.jpg,InitialMasks/ID-K.png}`; returns masks per split."""
    written = {"train": 0, "val": 0}
    for split, identity, photo in track(list(photos_without_people(coco, max_side)), "false alarms"):
        folder = root / _FOLDER / split
        masks = [person.mask for person in source(photo)]
        if masks:
            write_atomically(folder / "JPEGImages" / f"{identity}.jpg", layout.encode_jpeg(photo, 92))
        for number, mask in enumerate(masks):
            write_atomically(folder / "InitialMasks" / f"{identity}-{number}.png", layout.encode_png(mask))
        written[split] += len(masks)
    return written


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
