"""People in front of other backgrounds: a pasted outline is then no sign of an obstacle.

In composites only occluders were pasted. From those alone stage 1 learns to tell who is meant by whether a
body belongs to the photo, which says nothing in real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.false_alarms import photos_without_people
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.synthesis import Placement, paste

_LEAST_SHOWN = 0.5
"""Share of a backdrop's photo, in its tighter direction, that is shown at least."""


class Backdrops(Sequence[np.ndarray]):
    """The photos (uint8 HxWx3) of `ROOT/false_alarms/SPLIT`, in which nobody is to be seen."""

    def __init__(self, root: Path, split: str) -> None:
        self._photos = [(path, path.read_bytes()) for path in photos_without_people(root, split)]

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        path, content = self._photos[index]
        return layout.decode_rgb(content, path)


def before(backdrop: np.ndarray, person: WholePerson, rng: np.random.Generator) -> WholePerson:
    """The person, cut out, where they were in the frame; around them a random part of the backdrop."""
    height, width = person.amodal.shape
    scene = _part_of(backdrop, height / width, rng)
    shrinks = scene.shape[0] > height
    scene = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    photo, _, _ = paste(scene, person.photo, person.amodal, Placement(1.0, 0.0, 0.0), rng)
    return replace(person, photo=photo)


def _part_of(photo: np.ndarray, aspect: float, rng: np.random.Generator) -> np.ndarray:
    """A random part of that aspect (height over width), mirrored half the time."""
    if rng.random() < 0.5:
        photo = photo[:, ::-1]
    most = min(photo.shape[1], photo.shape[0] / aspect)
    width = most * rng.uniform(_LEAST_SHOWN, 1.0)
    across, down = max(1, int(width)), max(1, int(width * aspect))
    left = int(rng.integers(photo.shape[1] - across + 1))
    top = int(rng.integers(photo.shape[0] - down + 1))
    return np.ascontiguousarray(photo[top : top + down, left : left + across])
