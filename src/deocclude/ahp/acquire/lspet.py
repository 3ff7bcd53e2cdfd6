"""Leeds Sports Pose and its extension: joints only; the masks come from the next step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, first_existing, fit_id, photo_size
from deocclude.ahp.acquire.matlab import load
from deocclude.ahp.candidate import Candidate
from deocclude.errors import DeoccludeError

_JOINTS = 14
_ROOM = 0.3
"""Hands, feet and hair reach beyond the joints; by less than this share of the joints' longer extent in 99 of
100 photos (measured on 68 masks of N_i that hold all joints)."""


class Lspet:
    """`images/ID.jpg` with `joints.json` (all visible), or the original `joints.mat`. IDs: lspet-PHOTO.

    The box is that of the labelled joints, with room for hands and feet, inside the photo.
    """

    name = "lspet"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if not any((self.root / name).is_file() for name in ("joints.json", "joints.mat")):
            raise DeoccludeError(f"{root}: neither joints.json nor joints.mat; point --lspet to the data set")

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        people = self._from_json() if (self.root / "joints.json").is_file() else self._from_matlab()
        for done, (name, joints) in enumerate(sorted(people.items()), 1):
            yield PhotoEntry(name, tuple(map(tuple, joints.tolist())), done / len(people))

    def _from_json(self) -> dict[str, np.ndarray]:
        path = self.root / "joints.json"
        try:
            table = json.loads(path.read_text())["xy"]
            joints = {key: np.array(value, dtype=np.float64) for key, value in table.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeoccludeError(
                f"{path}: not a table of joints ({type(error).__name__}: {error}); fetch the file again"
            ) from None
        for key, xy in joints.items():
            if xy.shape != (_JOINTS, 2):
                raise DeoccludeError(f"{path}: {key} has joints of shape {xy.shape}; remove or correct it")
        return {key: np.column_stack([xy, np.full(_JOINTS, 2.0)]) for key, xy in joints.items()}

    def _from_matlab(self) -> dict[str, np.ndarray]:
        """The extension is 14x3xN with 1 for visible; the first set is 3x14xN with 1 for hidden."""
        path = self.root / "joints.mat"
        try:
            raw = np.asarray(load(path, "joints"), dtype=np.float64)
        except (Unfit, ValueError, TypeError) as error:
            raise DeoccludeError(f"{path}: not the data set's joints ({error}); fetch it again") from None
        if raw.ndim == 3 and raw.shape[:2] == (_JOINTS, 3):
            people, digits = raw.transpose(2, 0, 1), 5
            flags = np.where(people[..., 2] > 0, 2.0, 0.0)
        elif raw.ndim == 3 and raw.shape[:2] == (3, _JOINTS):
            people, digits = raw.transpose(2, 1, 0), 4
            flags = np.where(people[..., 2] > 0, 1.0, 2.0)
        else:
            raise DeoccludeError(f"{path}: joints of shape {raw.shape}; expected 14x3xN or 3x14xN")
        joints = np.concatenate([people[..., :2], flags[..., None]], axis=2)
        return {f"im{number:0{digits}d}": person for number, person in enumerate(joints, 1)}

    def read(self, entry: PhotoEntry) -> Iterator[Candidate]:
        joints = np.array(entry.payload, dtype=np.float64).reshape(-1, 3)
        photo = first_existing([self.root / "images" / f"{entry.key}.jpg"])
        height, width = photo_size(photo)
        labelled = joints[joints[:, 2] > 0, :2]
        if len(labelled) < 2 or not np.isfinite(joints).all():
            raise Unfit("malformed joints", f"{self.root}: {entry.key}")
        (left, top), (right, bottom) = labelled.min(axis=0), labelled.max(axis=0)
        room = _ROOM * max(right - left, bottom - top)
        box = (
            max(0, int(np.floor(left - room))),
            max(0, int(np.floor(top - room))),
            min(width, int(np.floor(right + room)) + 1),
            min(height, int(np.floor(bottom + room)) + 1),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            raise Unfit("box outside the photo", f"{self.root}: {entry.key}")
        yield Candidate(
            f"{self.name}-{fit_id(entry.key)}", self.name, photo, height, width, box, joints=joints
        )
