"""Cheap numbers that speak against a candidate, and what they suggest; they never decide unasked.

A fault of kind "hidden" says that part of the person is not to be seen (Discard), one of kind "mask" that the
segmentation is poor (Refine). The numbers and their limits are explained in docs/review.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.reader import dilate, largest_component
from deocclude.crops import box_of
from deocclude.parsing import LIP_CLASSES, UNLABELLED

Decision = Literal["discard", "preserve", "refine"]
GUTTER = 5
_OF_THE_LIMBS = ("limbs_missed", "limbs_unseen")
_FACE_JOINTS_OF_COCO = 5
_COCO_JOINTS = 17
_HEAD = tuple(LIP_CLASSES.index(name) for name in ("hat", "hair", "sunglasses", "face"))
_FEET = tuple(
    LIP_CLASSES.index(name) for name in ("socks", "left-leg", "right-leg", "left-shoe", "right-shoe")
)
_LEAST_PART = 0.005


@dataclass(frozen=True)
class Limit:
    """A number above `doubt` forbids an unseen Preserve; above `sure` it suggests what its kind says."""

    name: str
    kind: Literal["hidden", "mask"]
    doubt: float
    sure: float
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.doubt <= self.sure:
            raise ValueError(f"{self.name}: need 0 <= doubt <= sure, got {self.doubt} and {self.sure}")

    def severity(self, value: float) -> float:
        """0 up to `doubt`, rising to 1 at `sure`."""
        if value <= self.doubt:
            return 0.0
        return 1.0 if value >= self.sure else (value - self.doubt) / (self.sure - self.doubt)


LIMITS = (
    Limit("border", "hidden", 0.0, 0.0, "touches the photo's border"),
    Limit("joints_hidden", "hidden", 0.0, 0.15, "joints are hidden or out of view"),
    Limit("limbs_unseen", "hidden", 0.25, 0.5, "limbs are not seen"),
    Limit("head_or_feet_missing", "hidden", 0.0, 0.5, "no head or no feet to be seen"),
    Limit("unchecked", "hidden", 0.0, 2.0, "no joints or body parts to check by"),
    Limit("parts", "hidden", 0.01, 0.05, "falls into parts"),
    Limit("overlap", "hidden", 0.1, 0.6, "lies in the boxes of others"),
    Limit("outside", "mask", 0.1, 0.4, "the mask reached beyond the box"),
    Limit("disagreement", "mask", 0.15, 0.3, "two segmenters disagree"),
    Limit("contradiction", "mask", 0.3, 0.6, "the segmenter contradicts the source's mask"),
    Limit("joints_missed", "mask", 0.0, 0.1, "joints lie outside the mask"),
    Limit("limbs_missed", "mask", 0.1, 0.25, "limbs lie outside the mask"),
    Limit("holes", "mask", 0.1, 0.25, "has holes"),
    Limit("ragged", "mask", 0.08, 0.25, "has a ragged edge"),
)


@dataclass(frozen=True)
class Suggestion:
    """decision: None where a person has to look. score: 0 is clean. reasons: the worst first."""

    decision: Decision | None
    score: float
    reasons: tuple[str, ...]

    @property
    def automatic(self) -> Decision:
        """What `--auto` decides: whoever is in doubt is discarded."""
        return self.decision or "discard"


def measure(
    candidate: Candidate, mask: np.ndarray, faults: Mapping[str, float], parsing: np.ndarray | None = None
) -> dict[str, float]:
    """The numbers of `LIMITS` for a bool HxW mask that is not empty.

    faults: numbers of the segmentation. What the mask itself shows is measured anew: it may be mended.
    parsing: uint8 HxW of LIP indices, if there is one. Where neither joints nor landmarks nor body parts can
    tell whether the person is whole, `unchecked` is 1. Annotated joints outweigh the segmenter's landmarks
    and the body parts, which a network may have guessed.
    """
    box = box_of(mask)
    assert box is not None
    left, top, right, bottom = box
    area = float(mask.sum())
    inner = mask[GUTTER:-GUTTER, GUTTER:-GUTTER].sum() if min(mask.shape) > 2 * GUTTER else 0
    person = np.pad(mask[top:bottom, left:right], 2)
    numbers = {
        "border": (area - float(inner)) / area,
        "parts": 1 - largest_component(person)[1],
        "holes": _hole_area(person) / area,
        "ragged": _ragged(person),
        "overlap": _overlap(candidate, mask) / area,
    }
    if "outside" in faults:
        numbers["outside"] = faults["outside"]
    if "disagreement" in faults:
        numbers["disagreement" if candidate.mask is None else "contradiction"] = faults["disagreement"]
    joints = _joint_numbers(candidate, mask)
    if joints:
        numbers |= joints
    else:
        numbers |= {name: faults[name] for name in _OF_THE_LIMBS if name in faults}
        if parsing is not None:
            numbers |= _part_numbers(parsing[mask])
    if not numbers.keys() & {"joints_hidden", "limbs_unseen", "head_or_feet_missing"}:
        numbers["unchecked"] = 1.0
    return numbers


def suggest(numbers: Mapping[str, float]) -> Suggestion:
    """Weighs the numbers of `measure`."""
    found = [(limit, limit.severity(numbers.get(limit.name, 0.0))) for limit in LIMITS]
    found = sorted((pair for pair in found if pair[1] > 0), key=lambda pair: -pair[1])
    decision: Decision | None = None
    if not found:
        decision = "preserve"
    elif any(limit.kind == "hidden" and severity >= 1 for limit, severity in found):
        decision = "discard"
    elif any(severity >= 1 for _, severity in found):
        decision = "refine"
    return Suggestion(
        decision, sum(severity for _, severity in found), tuple(limit.text for limit, _ in found)
    )


def _hole_area(person: np.ndarray) -> float:
    _, _, statistics, _ = cv2.connectedComponentsWithStats((~person).astype(np.uint8), connectivity=4)
    background = statistics[1:, cv2.CC_STAT_AREA]
    return float(background.sum() - background.max(initial=0))


def _ragged(person: np.ndarray) -> float:
    """Share of the mask that an opening by a disc of a hundredth of the person's size takes away."""
    radius = max(1, round(0.01 * max(person.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    opened = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0
    return float((person & ~opened).sum() / person.sum())


def _overlap(candidate: Candidate, mask: np.ndarray) -> float:
    covered = np.zeros_like(mask)
    for left, top, right, bottom in candidate.others:
        covered[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return float((mask & covered).sum())


def _part_numbers(labels: np.ndarray) -> dict[str, float]:
    labels = labels[labels != UNLABELLED]
    if not labels.size:
        return {}
    shares = np.bincount(labels, minlength=256) / labels.size
    seen = [shares[classes].sum() > _LEAST_PART for classes in (list(_HEAD), list(_FEET))]
    return {"head_or_feet_missing": 1 - sum(seen) / 2}


def _joint_numbers(candidate: Candidate, mask: np.ndarray) -> dict[str, float]:
    joints = candidate.joints
    if joints is None:
        return {}
    faceless = False
    if len(joints) == _COCO_JOINTS:
        faceless = not joints[:_FACE_JOINTS_OF_COCO, 2].any()
        joints = joints[_FACE_JOINTS_OF_COCO:]
    state = joints[:, 2]
    if not (state > 0).any():
        return {}
    height, width = mask.shape
    columns, rows = np.rint(joints[:, :2]).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
    grown = dilate(mask, max(5, round(0.02 * (candidate.box[3] - candidate.box[1]))))
    held = np.zeros(len(joints), dtype=bool)
    held[inside] = grown[rows[inside], columns[inside]]
    unseen = (state == 0) | ((state == 1) & ~held)
    return {
        "joints_hidden": float((unseen.sum() + 0.25 * ((state == 1) & held).sum()) / len(joints)),
        "joints_missed": float(((state == 2) & ~held).sum() / len(joints)),
        "head_or_feet_missing": 0.25 * faceless,
    }
