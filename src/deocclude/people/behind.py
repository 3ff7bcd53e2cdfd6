"""The photo without the people found, so that those behind them can be found too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from deocclude.people.landmarks import Pose
from deocclude.people.region import Pyramid

_SIDE = 320
_RIM = 2
_RADIUS = 3
_LEAST_LEFT = 0.25


@dataclass(frozen=True)
class Scene:
    """A small photo in which the surroundings have grown over some people.

    photo: long side at most 320 pixels. covered: uint8 hxw map of the same size, 255 where those people were.
    scale: pixels of it to a pixel of the photo.
    """

    photo: Pyramid
    covered: Pyramid
    scale: float

    @classmethod
    def without(cls, photo: Pyramid, people: Sequence[Pose]) -> Scene:
        """Telea's inpainting over the masks of `people`, a little widened."""
        scale = min(1.0, _SIDE / max(photo.height, photo.width))
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        small = cv2.resize(photo.photo, size, interpolation=cv2.INTER_AREA)
        covered = np.zeros(size[::-1], dtype=bool)
        for pose in people:
            covered |= pose.mask_in_photo(size[1], size[0], scale)
        wide = cv2.dilate(covered.astype(np.uint8) * 255, np.ones((2 * _RIM + 1, 2 * _RIM + 1)))
        return cls(Pyramid(cv2.inpaint(small, wide, _RADIUS, cv2.INPAINT_TELEA)), Pyramid(wide), scale)

    def seen(self, pose: Pose) -> Pose | None:
        """A pose of `photo` as one of the whole photo, its mask less what was covered.

        None if less than a quarter of the mask is left: then the person is mostly made up.
        """
        covered = pose.region.cut(self.covered, len(pose.mask)) > 127
        mask = np.where(covered, 0, pose.mask).astype(np.float32)
        if (mask > 0.5).sum() < _LEAST_LEFT * max(1, int((pose.mask > 0.5).sum())):
            return None
        back = 1 / self.scale
        landmarks = pose.landmarks * np.array([back, back, 1], np.float32)
        region = pose.region.scaled(back)
        return replace(pose, region=region, landmarks=landmarks, circle=pose.circle * back, mask=mask)
