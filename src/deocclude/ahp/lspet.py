"""Leeds Sports Pose Extended: photos of sports with 14 joints each; the masks come from N_i.

This is the paper's own route (section 4.1): segment, then keep what the joints confirm.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from deocclude.ahp.reader import Rejected, dilate, largest_component, load_rgb, touches_border
from deocclude.ahp.sample import WholePerson
from deocclude.crops import Box
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED
from deocclude.people.person import DetectedPerson, PersonSource

_TOLERANCE = 5
_LEAST_LARGEST_PART = 0.97
_AREA_PER_BONE_LENGTH = (0.1, 0.4)
_JOINTS = 14
_BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9), (9, 10), (10, 11), (12, 13),
    (2, 8), (3, 9),
)  # fmt: skip


class BoxSegmenter(PersonSource, Protocol):
    """A source of people that can also be told where somebody is."""

    def segment_box(self, photo: np.ndarray, box: Box) -> DetectedPerson | None:
        """photo: uint8 HxWx3 RGB; box: left, top, right, bottom. None if nobody is seen there."""
        ...


def fault_of_mask(mask: np.ndarray, joints: np.ndarray) -> str | None:
    """Why a bool HxW mask cannot be the whole person with these joints (float 14x2), or None."""
    height, width = mask.shape
    columns, rows = np.rint(joints).astype(int).T
    if (rows < 0).any() or (columns < 0).any() or (rows >= height).any() or (columns >= width).any():
        return "a joint lies outside the photo"
    if not dilate(mask, _TOLERANCE)[rows, columns].all():
        return "the mask misses a joint"
    if touches_border(mask, 2):
        return "the mask touches the photo's border"
    if largest_component(mask)[1] < _LEAST_LARGEST_PART:
        return "the mask falls into parts"
    length = sum(float(np.linalg.norm(joints[a] - joints[b])) for a, b in _BONES)
    low, high = _AREA_PER_BONE_LENGTH
    if not low <= mask.sum() / max(1.0, length) ** 2 * len(_BONES) / 2 <= high:
        return "the mask's area does not fit the joints"
    return None


class LspetReader:
    """`ROOT/images/ID.jpg`, `ROOT/joints.json`. Parsing is unlabelled."""

    name = "lspet"

    def __init__(self, root: Path, people: BoxSegmenter) -> None:
        self.root = root
        self.people = people

    @cached_property
    def joints(self) -> dict[str, np.ndarray]:
        """float64 14x2 (x, y in pixels) of each photo."""
        path = self.root / "joints.json"
        try:
            table = json.loads(path.read_text())["xy"]
            joints = {key: np.array(value, dtype=np.float64) for key, value in table.items()}
        except FileNotFoundError:
            raise DeoccludeError(
                f"{path}: no such file; point to the folder that holds images/ and joints.json"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeoccludeError(
                f"{path}: not a table of joints ({type(error).__name__}: {error}); fetch the file again"
            ) from None
        for key, value in joints.items():
            if value.shape != (_JOINTS, 2):
                raise DeoccludeError(f"{path}: {key} has joints of shape {value.shape}; remove or correct it")
        return joints

    def jobs(self) -> list[str]:
        """IDs of the photos."""
        return sorted(self.joints)

    def read(self, job: str) -> Iterator[WholePerson | Rejected]:
        """One person, or why the photo holds no clean one."""
        photo = load_rgb(self.root / "images" / f"{job}.jpg")
        identity = f"{self.name}-{job}"
        fault = "N_i finds no person"
        for person in self._candidates(photo, self.joints[job]):
            found = fault_of_mask(person.mask, self.joints[job])
            if found is None:
                break
            fault = found
        else:
            yield Rejected(identity, "person", fault)
            return
        body, _ = largest_component(person.mask)
        parsing = np.where(body, UNLABELLED, 0).astype(np.uint8)
        yield WholePerson(identity, self.name, photo, body, parsing, np.zeros_like(body))

    def _candidates(self, photo: np.ndarray, joints: np.ndarray) -> Iterator[DetectedPerson]:
        yield from self.people(photo)
        (left, top), (right, bottom) = np.rint(joints.min(axis=0)), np.rint(joints.max(axis=0))
        person = self.people.segment_box(photo, (int(left), int(top), int(right) + 1, int(bottom) + 1))
        if person is not None:
            yield person
