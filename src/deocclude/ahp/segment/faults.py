"""Numbers about what may be wrong with a segmented person; they decide nothing (section 4.1, step 3 does)."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.ahp.reader import dilate, largest_component
from deocclude.ahp.segment.person import SegmentedPerson
from deocclude.crops import box_of, rows_and_columns

_BORDER = 2
_LEAST_REACH = 2
_REACH = 0.02
_LIMBS = (11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""BlazePose's shoulders, elbows, wrists, hips, knees and ankles."""
_SEEN = 0.5


def faults_of(person: SegmentedPerson) -> dict[str, float]:
    """Shares in [0, 1], 0 where nothing is wrong; only those that can be told.

    border: of the mask, in the photo's outermost 2 pixels. holes: of the mask, missing inside it. parts: of
    the mask, not in its largest part. outside: of the segmenter's mask, outside the box. overlap: of the
    mask, in other instances' boxes. joints_missed: of the labelled joints, beyond the mask (a fiftieth of its
    extent is allowed). joints_hidden: of all joints, hidden or unlabelled. limbs_missed: of the limbs'
    landmarks that N_i calls visible, beyond the mask. limbs_unseen: of the limbs' landmarks, those it does
    not. disagreement: 1 - IoU with a second opinion. doubt: 1 - the segmenter's score.
    """
    mask, candidate = person.mask, person.candidate
    box = box_of(mask)
    assert box is not None
    area = float(mask.sum())
    inner = mask[_BORDER:-_BORDER, _BORDER:-_BORDER].sum() if min(mask.shape) > 2 * _BORDER else 0
    cut_out = np.pad(mask[rows_and_columns(box)], 1)
    numbers = {
        "border": 1 - float(inner) / area,
        "holes": _holes(cut_out) / area,
        "parts": 1 - largest_component(cut_out)[1],
        "overlap": _in_boxes(person) / area,
        "outside": person.outside,
    }
    if person.disagreement is not None:
        numbers["disagreement"] = person.disagreement
    if person.score is not None:
        numbers["doubt"] = 1 - person.score
    near = dilate(mask, max(_LEAST_REACH, round(_REACH * max(box[2] - box[0], box[3] - box[1]))))
    if candidate.joints is not None and (candidate.joints[:, 2] > 0).any():
        labelled = candidate.joints[candidate.joints[:, 2] > 0]
        numbers["joints_missed"] = _missed(near, labelled[:, :2])
        numbers["joints_hidden"] = float((candidate.joints[:, 2] < 2).mean())
    if person.landmarks is not None:
        limbs = person.landmarks[list(_LIMBS)]
        seen = limbs[limbs[:, 2] >= _SEEN]
        numbers["limbs_unseen"] = 1 - len(seen) / len(limbs)
        if len(seen):
            numbers["limbs_missed"] = _missed(near, seen[:, :2])
    return {name: round(float(value), 4) for name, value in sorted(numbers.items())}


def _holes(cut_out: np.ndarray) -> float:
    """Pixels that no way outside the mask leads to (4-connected); the mask has an empty rim."""
    count, _, statistics, _ = cv2.connectedComponentsWithStats((~cut_out).astype(np.uint8), connectivity=4)
    outside = 1 + int(np.argmin(statistics[1:, cv2.CC_STAT_LEFT] + statistics[1:, cv2.CC_STAT_TOP]))
    return float(sum(statistics[i, cv2.CC_STAT_AREA] for i in range(1, count) if i != outside))


def _in_boxes(person: SegmentedPerson) -> float:
    covered = np.zeros_like(person.mask)
    for left, top, right, bottom in person.candidate.others:
        covered[top:bottom, left:right] = True
    return float((person.mask & covered).sum())


def _missed(near: np.ndarray, points: np.ndarray) -> float:
    """Share of points (x, y) outside a bool mask or the photo."""
    columns, rows = np.floor(points).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < near.shape[1]) & (rows < near.shape[0])
    held = np.zeros(len(points), dtype=bool)
    held[inside] = near[rows[inside], columns[inside]]
    return 1 - float(held.mean())
