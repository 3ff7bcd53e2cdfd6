"""BlazePose as the offline source of people and their initial masks N_i (section 3.2)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from deocclude.crops import Box
from deocclude.people.detector import Detector, suppress_duplicates
from deocclude.people.landmarks import LandmarkModel, Pose
from deocclude.people.person import DetectedPerson
from deocclude.people.region import Pyramid, Region

_MIN_SCORE = 0.5
_MIN_PRESENCE = 0.5


class BlazePose:
    """Finds people with the detector, then their joints and masks with the landmark model.

    The model files are loaded on first use. Raises DeoccludeError if they are missing or damaged.
    """

    name = "blazepose"

    def __init__(self, num_threads: int = 1) -> None:
        self._num_threads = num_threads

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._num_threads)

    @cached_property
    def _landmarks(self) -> LandmarkModel:
        return LandmarkModel(self._num_threads)

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        """photo: uint8 HxWx3 RGB. People from the largest mask to the smallest, [] if none."""
        levels = Pyramid(photo)
        whole = Region(levels.width / 2, levels.height / 2, max(levels.width, levels.height))
        detections = suppress_duplicates(self._detector(levels, whole, _MIN_SCORE), max_overlap=0.3)
        people = [self._person(levels, d.region, d.score) for d in detections]
        found = [person for person in people if person is not None]
        return sorted(found, key=lambda person: -int(person.mask.sum()))

    def segment_box(self, photo: np.ndarray, box: Box) -> DetectedPerson | None:
        """The person known to be inside `box` (left, top, right, bottom), None if the model sees nobody."""
        left, top, right, bottom = box
        side = 1.25 * max(right - left, bottom - top)
        return self._person(Pyramid(photo), Region((left + right) / 2, (top + bottom) / 2, side), 1.0)

    def _person(self, levels: Pyramid, region: Region, score: float) -> DetectedPerson | None:
        pose = self._landmarks(levels, region)
        if pose.presence < _MIN_PRESENCE:
            return None
        return _to_person(pose, levels, score * pose.presence)


def _to_person(pose: Pose, levels: Pyramid, score: float) -> DetectedPerson | None:
    mask = pose.mask_in_photo(levels.height, levels.width)
    if not mask.any():
        return None
    return DetectedPerson(mask, float(np.clip(score, 0, 1)), pose.landmarks)
