"""Look Into Person: one person a photo, with body parts, and joints where the CSV is there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, fit_id, label_map, photo_size
from deocclude.ahp.candidate import Candidate
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError
from deocclude.parsing import NUM_CLASSES, UNLABELLED

_JOINTS = 16
_FLIPPED = "reversed"
"""LIP also ships every map mirrored."""


class Lip:
    """Photos `*.jpg` and maps `*.png` of the same name, anywhere below the folder; `lip_{train,val}_set.csv`.

    Photos without a map (LIP's test split) are not listed. IDs: lip-PHOTO.
    """

    name = "lip"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        photos = {path.stem: path for path in sorted(self.root.rglob("*.jpg"))}
        maps = {
            path.stem: path for path in sorted(self.root.rglob("*.png")) if _FLIPPED not in str(path.parent)
        }
        if not maps:
            raise DeoccludeError(
                f"{self.root}: no parsing maps (*.png) below; point --lip to the unpacked data set"
            )
        joints: dict[str, tuple[str, ...]] = {}
        for path in sorted(self.root.rglob("lip_*_set.csv")):
            yield from self._read_joints(path, joints)
        for done, name in enumerate(sorted(maps), 1):
            photo = photos.get(name)
            if photo is None:
                yield Dropped(self.name, f"{self.name}-{fit_id(name)}", "photo missing", str(maps[name]))
                continue
            payload = str(photo), str(maps[name]), joints.get(name)
            yield PhotoEntry(name, payload, done / len(maps))

    def _read_joints(self, path: Path, joints: dict[str, tuple[str, ...]]) -> Iterator[Dropped]:
        """Fills `joints` by photo name with the raw numbers; lines that have no 16 joints are dropped."""
        try:
            with path.open(newline="", encoding="utf-8", errors="replace") as stream:
                reader = csv.reader(stream)
                for row in reader:
                    if len(row) == 1 + 3 * _JOINTS:
                        joints[Path(row[0]).stem] = tuple(row[1:])
                    elif row:
                        yield Dropped(self.name, "", "malformed joints", f"{path}: line {reader.line_num}")
        except (OSError, csv.Error) as error:
            yield Dropped(self.name, "", "malformed joints", f"{path}: {error}")

    def read(self, entry: PhotoEntry) -> Iterator[Candidate]:
        photo, parsing, joints = entry.payload
        height, width = photo_size(Path(photo))
        labels = label_map(Path(parsing), (height, width))
        worst = labels[labels != UNLABELLED].max(initial=0)
        if worst >= NUM_CLASSES:
            raise Unfit("malformed mask", f"{parsing}: class {worst} is none of LIP's")
        mask = labels > 0
        box = box_of(mask)
        if box is None:
            raise Unfit("empty mask", parsing)
        yield Candidate(
            id=f"{self.name}-{fit_id(entry.key)}",
            source=self.name,
            photo=Path(photo),
            height=height,
            width=width,
            box=box,
            mask=mask,
            joints=None if joints is None else _joints(joints, entry.key),
            parsing=Path(parsing),
        )


def _joints(numbers: tuple[str, ...], where: str) -> np.ndarray | None:
    """LIP writes nan for what is not labelled, 1 for visible, 0 for hidden."""
    try:
        raw = np.array([float(number) for number in numbers]).reshape(_JOINTS, 3)
    except ValueError:
        raise Unfit("malformed joints", where) from None
    labelled = np.isfinite(raw).all(axis=1)
    if not labelled.any():
        return None
    joints = np.zeros((_JOINTS, 3))
    joints[labelled, :2] = raw[labelled, :2]
    joints[labelled, 2] = np.where(raw[labelled, 2] > 0, 2, 1)
    return joints
