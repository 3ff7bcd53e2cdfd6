"""One candidate -> its visible mask, by the source or by a segmenter (section 4.1, step 2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.segment.segmenters import Segmenter
from deocclude.crops import Box, moved, rows_and_columns
from deocclude.overlap import iou

_ENLARGED = 3
NOBODY = "the segmenter sees nobody"
OUTSIDE = "the segmenter sees nobody inside the box"


@dataclass(frozen=True)
class SegmentedPerson:
    """mask: bool HxW, not empty. landmarks: float32 33x3 in photo pixels (x, y, visibility) or None.

    outside: share of the segmenter's mask outside the box, cut away; 0 for the source's own mask.
    disagreement: 1 - IoU of the mask and a second opinion; None without one, 1 if a segmenter that checks the
    source's mask sees nobody. score: the segmenter's.
    """

    candidate: Candidate
    mask: np.ndarray
    landmarks: np.ndarray | None = None
    outside: float = 0.0
    disagreement: float | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.shape != (self.candidate.height, self.candidate.width):
            raise ValueError(f"{self.candidate.id}: mask must be bool of the photo's size")
        if not self.mask.any():
            raise ValueError(f"{self.candidate.id}: mask is empty")


def enlarged(box: Box, height: int, width: int) -> Box:
    """The box 3 times as wide and high around its centre, as far as the photo reaches."""
    left, top, right, bottom = box
    beside, above = (right - left) * (_ENLARGED - 1) // 2, (bottom - top) * (_ENLARGED - 1) // 2
    return max(0, left - beside), max(0, top - above), min(width, right + beside), min(height, bottom + above)


def segment_person(candidate: Candidate, photo: np.ndarray, segmenter: Segmenter) -> SegmentedPerson | str:
    """The person with a mask, or why there is none. photo: uint8 HxWx3 RGB of the candidate's size.

    A source's own mask stays as it is; the segmenter is the second opinion then. Without one, the segmenter
    is shown the enlarged box, and only what lies inside the original box is kept.
    """
    height, width = photo.shape[:2]
    left, top, right, bottom = enlarged(candidate.box, height, width)
    box = moved(candidate.box, -left, -top)
    joints = None if candidate.joints is None else candidate.joints - (left, top, 0)
    opinions = segmenter(np.ascontiguousarray(photo[top:bottom, left:right]), box, joints)

    def in_photo(part: np.ndarray) -> np.ndarray:
        mask = np.zeros((height, width), dtype=bool)
        mask[top:bottom, left:right] = part
        return mask

    own = candidate.mask is not None
    first, second = (*islice(opinions, 1 if own else 2), None, None)[:2]
    landmarks = None
    if first is not None and first.landmarks is not None:
        landmarks = first.landmarks + np.array((left, top, 0), dtype=np.float32)
    if candidate.mask is not None:
        disagreement = 1.0 if first is None else 1 - iou(candidate.mask, in_photo(first.mask))
        return SegmentedPerson(candidate, candidate.mask, landmarks, disagreement=disagreement)
    if first is None:
        return NOBODY
    inside = np.zeros_like(first.mask)
    inside[rows_and_columns(box)] = first.mask[rows_and_columns(box)]
    if not inside.any():
        return OUTSIDE
    return SegmentedPerson(
        candidate,
        in_photo(inside),
        landmarks,
        outside=1 - float(inside.sum() / first.mask.sum()),
        disagreement=None if second is None else 1 - iou(first.mask, second.mask),
        score=first.score,
    )
