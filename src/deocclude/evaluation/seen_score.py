"""How well the cascade sees people behind real occluders, and how often it sees somebody where nobody is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deocclude.ahp.sample import WholePerson
from deocclude.evaluation.methods import AS_IT_IS, OURS
from deocclude.evaluation.metrics import Fraction, Tally, intersection_over_union, iou
from deocclude.people.person import LEAST_MATCH

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder

Numbers = dict[str, Any]
Track = Callable[[range], Iterable[int]]

EVERYBODY, KEPT = "everybody", "kept"


def score_seen(
    people: Sequence[WholePerson], deoccluder: Deoccluder, track: Track = lambda positions: positions
) -> Numbers:
    """For JSON: the visible masks of people of whom the photo shows a part (`ahp.seen_people`).

    The cascade runs on each person's picture as for a user. Of the initial masks, and of the modal masks that
    it returns, the one with the highest IoU counts if that is at least `LEAST_MATCH`; else the person is not
    "found", or not "kept", and counts 0. Unknown pixels never count. "masks" holds the IoUs of both methods
    over `EVERYBODY` and over those `KEPT`; intervals draw photos, as people of one photo are not independent.
    track: wraps the positions that are gone through.
    """
    each = []
    for index in track(range(len(people))):
        person = people[index]
        known = ~person.unknown
        found = deoccluder.find(person.photo)
        kept = deoccluder(person.photo, people=found).people
        masks = {
            AS_IT_IS: _nearest([one.mask for one in found], person.amodal, known),
            OURS: _nearest([one.modal for one in kept], person.amodal, known),
        }
        each.append(
            {
                "id": person.id,
                "photo": person.id.rpartition("-")[0],
                "found": masks[AS_IT_IS] is not None,
                "kept": masks[OURS] is not None,
                "pixels": {name: _compared(mask, person.amodal, known) for name, mask in masks.items()},
            }
        )
    return {
        "people": len(each),
        "found": sum(row["found"] for row in each),
        "kept": sum(row["kept"] for row in each),
        "masks": {EVERYBODY: _ious(each), KEPT: _ious([row for row in each if row["kept"]])},
        "each": each,
    }


def score_nobody(photos: Iterable[np.ndarray], deoccluder: Deoccluder) -> Numbers:
    """For JSON: in how many photos (uint8 HxWx3 RGB) without people the cascade returns somebody."""
    returned = [len(deoccluder(photo).people) for photo in photos]
    return {"photos": len(returned), "with somebody": sum(map(bool, returned)), "false people": sum(returned)}


def _nearest(masks: Sequence[np.ndarray], truth: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    best = max(masks, key=lambda mask: iou(mask, truth, known), default=None)
    return best if best is not None and iou(best, truth, known) >= LEAST_MATCH else None


def _compared(mask: np.ndarray | None, truth: np.ndarray, known: np.ndarray) -> Fraction:
    return intersection_over_union(np.zeros_like(truth) if mask is None else mask, truth, known)


def _ious(rows: Sequence[Numbers]) -> Numbers | None:
    """Method -> "micro", "interval" and "mean"; None without people."""
    if not rows:
        return None
    numbers = {}
    for method in (OURS, AS_IT_IS):
        tally = Tally()
        for row in rows:
            tally.add(row["pixels"][method], row["photo"])
        numbers[method] = {"micro": tally.micro, "interval": tally.interval(), "mean": tally.mean}
    return numbers
