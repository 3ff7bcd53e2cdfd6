"""Who draws the mask of a person known by a box or by joints: the paper's Deeplab, here N_i or a plug-in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np

from deocclude.crops import Box, intersection
from deocclude.overlap import iou
from deocclude.people.person import DetectedPerson
from deocclude.plugins import plug_in

DEFAULT = "blazepose"
_MOST_LOOKS = 3
_LEAST_JOINTS = 4


class Segmenter(Protocol):
    """`name` is part of what a stored result depends on: change it when results change."""

    name: str

    def __call__(self, patch: np.ndarray, box: Box, joints: np.ndarray | None) -> Iterator[DetectedPerson]:
        """Opinions on the one person in `box`, best first, made as asked for; none if nobody is seen.

        patch: uint8 hxwx3 RGB, the photo around the box. box: left, top, right, bottom in the patch.
        joints: float64 Nx3 (x, y in the patch; 2 visible, 1 hidden, 0 unlabelled) or None. The first opinion
        becomes the mask; a second one only tells how far two segmentations disagree.
        """
        ...


class BlazePoseSegmenter:
    """N_i told where to look; its second opinion is what it finds in the patch by itself."""

    name = DEFAULT

    def __call__(self, patch: np.ndarray, box: Box, joints: np.ndarray | None) -> Iterator[DetectedPerson]:
        first = None
        labelled = None if joints is None else joints[joints[:, 2] > 0, :2]
        if labelled is not None and len(labelled) >= _LEAST_JOINTS:
            first = self._model.segment_joints(patch, labelled)
        first = first or self._model.segment_box(patch, box)
        if first is None:
            return
        yield first
        seen = islice(self._model.at_first_sight(patch), _MOST_LOOKS)
        second = max(seen, key=lambda person: iou(person.mask, first.mask), default=None)
        if second is not None:
            yield second

    @cached_property
    def _model(self) -> Any:
        from deocclude.people import BlazePose

        return BlazePose()


class DetectingSegmenter:
    """A source of people that cannot be told where to look: whoever fills the box best is meant."""

    def __init__(self, name: str) -> None:
        from deocclude.people import load_source

        self.name = name
        self._source = load_source(name)

    def __call__(self, patch: np.ndarray, box: Box, joints: np.ndarray | None) -> Iterator[DetectedPerson]:
        def fit(person: DetectedPerson) -> float:
            return _box_iou(person.box, box)

        best = max(self._source(patch), key=fit, default=None)
        if best is not None and fit(best) > 0:
            yield best


def load_segmenter(name: str) -> Segmenter:
    """'blazepose', another source of people ('maskrcnn'), or MODULE:CALLABLE that makes a `Segmenter`.

    Raises DeoccludeError for an unknown name, or if what it needs is not installed.
    """
    if name == DEFAULT:
        return BlazePoseSegmenter()
    if ":" in name:
        segmenter: Segmenter = plug_in(name)()
        return segmenter
    return DetectingSegmenter(name)


def _box_iou(first: Box, second: Box) -> float:
    shared, one, other = (
        (right - left) * (bottom - top)
        for left, top, right, bottom in (intersection(first, second), first, second)
    )
    return shared / max(1, one + other - shared)
