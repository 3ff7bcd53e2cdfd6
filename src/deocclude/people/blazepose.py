"""BlazePose as the offline source of people and their initial masks N_i (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain
from math import pi
from typing import TypeVar

import cv2
import numpy as np

from deocclude.crops import Box
from deocclude.people import views
from deocclude.people.behind import Scene
from deocclude.people.detector import Detection, Detector, suppress_duplicates
from deocclude.people.landmarks import LandmarkModel
from deocclude.people.looks import Looks
from deocclude.people.person import SURE, DetectedPerson
from deocclude.people.region import Pyramid, Region

_SURE = 0.5
_UNSURE = 0.3
_FAINT = 0.1
_FAINT_PRESENCE = 0.05
_LESS_THAN_SURE = 0.49
_MIN_PRESENCE = 0.5
_MAX_BOX_OVERLAP = 0.3
_MOST_CANDIDATES = 8
_MOST_FAINT = 12
_MOST_DOUBTS = 4
_MOST_BEHIND = 2
_MOST_SHARED = 0.7

Job = TypeVar("Job")
Result = TypeVar("Result")


class BlazePose:
    """Finds people with the detector, then their joints and masks with the landmark model.

    A look at the whole photo comes first, tiles of it follow for people who are small; if nobody is found,
    quarter turns and weaker detections too. What comes from these further looks has to pass
    `Looks.consistent`. With `doubtful`, more come back: up to four people for whom little speaks, and two
    whom those in front hide from the detector. They score below `SURE`; the cascade lets stage 1 judge them.
    The models are loaded on first use; DeoccludeError if their files are missing or damaged.

    num_threads: how many views and looks at a time; the people found do not depend on it.
    """

    name = "blazepose"

    def __init__(self, num_threads: int = 1, *, doubtful: bool = False) -> None:
        self._num_threads = num_threads
        self._doubtful = doubtful

    @cached_property
    def _detector(self) -> Detector:
        return Detector()

    @cached_property
    def _landmarks(self) -> LandmarkModel:
        return LandmarkModel()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._num_threads, "blazepose")

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        """photo: uint8 HxWx3 RGB. People from the largest mask to the smallest, [] if none.

        Those whom nothing but a doubt speaks for score below `SURE`.
        """
        levels = Pyramid(photo)
        faint, *tiled = self._each_view(levels, [views.whole(levels), *views.tiles(levels)])
        seen = _strong(faint, _UNSURE)
        found: list[Looks] = []
        for looks in self._each_look(levels, [one for one in seen if one.score >= _SURE], floor=_UNSURE):
            if looks.best.presence >= _MIN_PRESENCE and not any(map(looks.is_same_person, found)):
                found.append(looks)
        if not found:
            tiled += self._each_view(levels, views.turned(levels))
        more = list(chain(*tiled))
        further = _strong(more, _SURE) if found else _strong(more + seen, _UNSURE)
        beside = _beside(further[:_MOST_CANDIDATES], found)
        for detection, looks in zip(
            beside, self._each_look(levels, beside, floor=_MIN_PRESENCE), strict=True
        ):
            if not _beside([detection], found):
                continue
            if looks.consistent and all(looks.overlap(known) <= 0.5 for known in found):
                found.append(looks)
        people = [_to_person(looks, least=SURE) for looks in found]
        if self._doubtful:
            doubts = self._doubts(levels, _strong(faint + more, _FAINT), found)
            doubts += self._behind(levels, found or doubts[:1], found + doubts)
            people += [_to_person(looks, most=_LESS_THAN_SURE) for looks in doubts]
        return sorted(
            (person for person in people if person is not None), key=lambda person: -int(person.mask.sum())
        )

    def _doubts(self, levels: Pyramid, detections: list[Detection], found: list[Looks]) -> list[Looks]:
        """Of the likeliest detections beside those found, the people of most presence, each mask once."""
        looks = self._each_look(levels, _beside(detections, found)[:_MOST_FAINT], floor=_UNSURE)
        doubts: list[Looks] = []
        for one in sorted(looks, key=lambda looks: -looks.best.presence):
            if len(doubts) == _MOST_DOUBTS or one.best.presence < _FAINT_PRESENCE:
                break
            if all(one.overlap(other) <= _MOST_SHARED for other in found + doubts):
                doubts.append(one)
        return doubts

    def _behind(self, levels: Pyramid, front: list[Looks], known: list[Looks]) -> list[Looks]:
        """People to be seen once those in front are taken out of the photo, and who are not `known`."""
        if not front:
            return []
        scene = Scene.without(levels, [looks.best for looks in front])
        hidden: list[Looks] = []
        seen = _strong(self._detector(scene.photo, views.whole(scene.photo), _FAINT), _FAINT)
        for look in self._each_look(scene.photo, seen[:_MOST_BEHIND], floor=_UNSURE):
            pose = scene.seen(look.best)
            if pose is None or pose.presence < _UNSURE:
                continue
            looks = Looks(look.score, pose, None, levels.height, levels.width)
            if all(looks.overlap(other) <= _MOST_SHARED for other in known + hidden):
                hidden.append(looks)
        return hidden

    def at_first_sight(self, photo: np.ndarray) -> Iterator[DetectedPerson]:
        """People of one look at the whole photo alone (uint8 HxWx3 RGB), likeliest first, made as they are
        asked for: a tenth of a call's cost, for training on many composites."""
        levels = Pyramid(photo)
        for detection in _strong(self._detector(levels, views.whole(levels), _FAINT), _FAINT):
            person = _to_person(self._look(levels, detection, floor=_UNSURE))
            if person is not None:
                yield person

    def segment_box(self, photo: np.ndarray, box: Box) -> DetectedPerson | None:
        """The person known to fill `box` (left, top, right, bottom), at any angle; None if nobody is seen."""
        looks = max(self._looks_into(photo, box, 1.25), key=lambda looks: looks.best.presence)
        return _to_person(looks) if looks.best.presence >= _MIN_PRESENCE else None

    def segment_joints(self, photo: np.ndarray, joints: np.ndarray) -> DetectedPerson | None:
        """The person known to have these joints (float Nx2, photo pixels); None if nobody is seen.

        Of the looks from several angles, the one whose mask holds most joints.
        """
        left, top = np.floor(joints.min(axis=0)).astype(int)
        right, bottom = np.ceil(joints.max(axis=0)).astype(int)
        seen = self._looks_into(photo, (left, top, right, bottom), 1.4)
        people = [_to_person(looks) for looks in seen if looks.best.presence >= _MIN_PRESENCE]
        return max(
            (person for person in people if person is not None),
            key=lambda person: (_joints_inside(person.mask, joints), person.score),
            default=None,
        )

    def _each_view(self, levels: Pyramid, regions: Sequence[Region]) -> list[list[Detection]]:
        return self._each(lambda region: self._detector(levels, region, _FAINT), regions)

    def _each_look(self, levels: Pyramid, detections: Sequence[Detection], floor: float) -> list[Looks]:
        return self._each(lambda detection: self._look(levels, detection, floor), detections)

    def _each(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
        """`work` of every job, in their order; a single thread is this one."""
        return list(map(work, jobs) if self._num_threads == 1 else self._threads.map(work, jobs))

    def _look(self, levels: Pyramid, detection: Detection, floor: float) -> Looks:
        return Looks.at(detection.region, levels, self._landmarks, detection.score, floor)

    def _looks_into(self, photo: np.ndarray, box: Box, margin: float) -> list[Looks]:
        levels = Pyramid(photo)
        left, top, right, bottom = box
        side = max(1.0, margin * max(right - left, bottom - top))
        regions = [Region((left + right) / 2, (top + bottom) / 2, side, turn * pi / 2) for turn in range(4)]
        return [Looks.at(region, levels, self._landmarks, 1.0, _UNSURE) for region in regions]


def _strong(detections: list[Detection], min_score: float) -> list[Detection]:
    """Those scoring at least `min_score`, each person once, best first."""
    return suppress_duplicates([one for one in detections if one.score >= min_score], _MAX_BOX_OVERLAP)


def _beside(detections: list[Detection], found: list[Looks]) -> list[Detection]:
    """Those that are not centred at anybody found."""
    return [one for one in detections if not any(looks.is_centred_at(one.points[0]) for looks in found)]


def _to_person(looks: Looks, least: float = 0.0, most: float = 1.0) -> DetectedPerson | None:
    pose = looks.best
    mask = pose.mask_in_photo(looks.height, looks.width)
    if not mask.any():
        return None
    return DetectedPerson(mask, float(np.clip(looks.score * pose.presence, least, most)), pose.landmarks)


def _joints_inside(mask: np.ndarray, joints: np.ndarray) -> int:
    """How many joints lie in the mask or within a fiftieth of their extent of it."""
    near = max(1.0, 0.02 * float(np.ptp(joints, axis=0).max()))
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    columns, rows = np.clip(np.floor(joints).astype(int), 0, (mask.shape[1] - 1, mask.shape[0] - 1)).T
    return int((distance[rows, columns] <= near).sum())
