"""Two looks at the same person: the detector's region, then the one that the first look asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deocclude.overlap import iou, share_of_smaller
from deocclude.people.landmarks import LandmarkModel, Pose
from deocclude.people.region import Pyramid, Region

_THUMBNAIL = 256


@dataclass(frozen=True)
class Looks:
    """score: of the detection, in [0, 1]. second: None after a poor first. height and width: of the photo."""

    score: float
    first: Pose
    second: Pose | None
    height: int
    width: int

    @classmethod
    def at(cls, region: Region, photo: Pyramid, model: LandmarkModel, score: float, floor: float) -> Looks:
        """Looks at a region; the second look is spared if the first one's presence is below `floor`."""
        first = model(photo, region)
        second = model(photo, first.next_region) if first.presence >= floor else None
        return cls(score, first, second, photo.height, photo.width)

    @property
    def best(self) -> Pose:
        """The second look, better centred, unless it lost the person."""
        if self.second is None or self.second.presence < min(0.5, self.first.presence):
            return self.first
        return self.second

    @property
    def consistent(self) -> bool:
        """Whether both looks are sure and agree: what convinces where the detector alone does not.

        On COCO photos such agreement tells people from false alarms far better than the detector's score.
        """
        if self.second is None or self.second.presence < 0.95 or self.first.presence < 0.8:
            return False
        moved = np.linalg.norm(self.first.landmarks[:, :2] - self.second.landmarks[:, :2], axis=1)
        extent = np.hypot(*np.ptp(self.second.landmarks[:, :2], axis=0))
        return bool(
            np.median(moved) < 0.05 * extent
            and iou(self._thumbnail_of(self.first), self._thumbnail_of(self.second)) >= 0.75
        )

    @cached_property
    def thumbnail(self) -> np.ndarray:
        """bool mask of the best look on the photo shrunk to at most 256 pixels."""
        return self._thumbnail_of(self.best)

    def _thumbnail_of(self, pose: Pose) -> np.ndarray:
        scale = min(1.0, _THUMBNAIL / max(self.height, self.width))
        return pose.mask_in_photo(
            max(1, round(self.height * scale)), max(1, round(self.width * scale)), scale=scale
        )

    def overlap(self, other: Looks) -> float:
        """Shared area over the smaller mask's area, in [0, 1]."""
        return share_of_smaller(self.thumbnail, other.thumbnail)

    def is_centred_at(self, point: np.ndarray) -> bool:
        """Whether a point (x, y) in photo pixels is about this person's mid-hip."""
        hip, on_circle = self.best.circle
        return bool(np.linalg.norm(point - hip) < 0.3 * np.linalg.norm(on_circle - hip))

    def is_same_person(self, other: Looks) -> bool:
        """Same place and same mask. Two people whose masks melt into one differ in place and stay two."""
        return self.is_centred_at(other.best.circle[0]) and self.overlap(other) > 0.5
