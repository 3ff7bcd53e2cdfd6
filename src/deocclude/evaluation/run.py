"""Runs the cascade and its baselines over a set of composites and measures what comes out (section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deocclude.ahp.reader import touches_border
from deocclude.ahp.sample import OcclusionSample
from deocclude.crops import SquareWindow, box_of
from deocclude.evaluation import methods
from deocclude.evaluation.matching import InitialMasks
from deocclude.evaluation.metrics import (
    Fraction,
    content_l1,
    content_squared_error,
    intersection_over_union,
    mask_l1,
)
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder, Person

MASKS = ("modal", "amodal", "invisible")
GIVEN = ("true masks", "predicted masks")


@dataclass(frozen=True)
class Measured:
    """Everything measured on one sample.

    person: the whole person the composite was made from. found: N_i saw somebody there.
    groups: what the sample is, for the breakdowns ("source" -> "ccp", ...).
    masks: method -> "modal", "amodal", "invisible" -> "iou", "l1". content: given masks -> method -> "l1",
    "squared" (over the invisible pixels) and "crop l1".
    """

    id: str
    person: str
    found: bool
    groups: dict[str, str]
    masks: dict[str, dict[str, dict[str, Fraction]]]
    content: dict[str, dict[str, dict[str, Fraction]]]


def measure_set(
    samples: Iterable[tuple[str, OcclusionSample]], deoccluder: Deoccluder, initial_masks: InitialMasks
) -> Iterator[Measured]:
    """One `Measured` a sample, in order. samples: who the person is, and the composite."""
    for person, sample in samples:
        yield measure(person, sample, initial_masks(sample), deoccluder)


def evenly_spaced(count: int, limit: int | None) -> list[int]:
    """Indices of at most `limit` of `count` samples, spread over all of them; None takes all."""
    wanted = count if limit is None else min(limit, count)
    return [index * count // wanted for index in range(wanted)]


def complete(
    sample: OcclusionSample, initial: DetectedPerson | None, deoccluder: Deoccluder
) -> Person | None:
    """The cascade on the occluded photo with the given initial mask; None where nobody is seen."""
    if initial is None:
        return None
    people = deoccluder(sample.occluded, people=[initial]).people
    return people[0] if people else None


def measure(
    person: str, sample: OcclusionSample, initial: DetectedPerson | None, deoccluder: Deoccluder
) -> Measured:
    """Compares every method with the truth, over the known pixels."""
    completed = complete(sample, initial, deoccluder)
    known = ~sample.unknown
    height, width = sample.amodal.shape
    window = SquareWindow.around(box_of(sample.amodal) or (0, 0, width, height))
    predictions = methods.mask_predictions(sample, initial, completed)
    return Measured(
        id=sample.id,
        person=person,
        found=initial is not None,
        groups={**groups_of(sample), "initial mask": "nobody" if initial is None else "found"},
        masks={
            method: {name: _compare_masks(sample, masks, name, known, window) for name in MASKS}
            for method, masks in predictions.items()
        },
        content={
            given: {method: _compare_pixels(sample, photo, known, window) for method, photo in photos.items()}
            for given, photos in _recovered(sample, completed, deoccluder).items()
        },
    )


def groups_of(sample: OcclusionSample) -> dict[str, str]:
    """The groups that a report breaks its numbers down by, and the one this sample belongs to."""
    tenth = max(0, int(np.ceil(sample.ratio * 10 - 1e-9)) - 1)
    person = sample.occluder_category == "person"
    return {
        "source": sample.source,
        "ratio": f"({tenth / 10:.1f}, {(tenth + 1) / 10:.1f}]",
        "framing": "cut by the frame" if touches_border(sample.amodal) else "whole in the frame",
        "occluder": ("person" if person else "object") if sample.occluder_category else "unknown",
    }


def _compare_masks(
    sample: OcclusionSample, masks: methods.Masks, name: str, known: np.ndarray, window: SquareWindow
) -> dict[str, Fraction]:
    prediction, truth = getattr(masks, name), getattr(sample, name)
    return {
        "iou": intersection_over_union(prediction, truth, known),
        "l1": mask_l1(prediction, truth, known, window),
    }


def _recovered(
    sample: OcclusionSample, completed: Person | None, deoccluder: Deoccluder
) -> dict[str, dict[str, np.ndarray]]:
    """Given masks -> method -> photo."""
    photo = sample.occluded
    ours = deoccluder.recover(photo, sample.modal, sample.amodal, sample.parsing_modal, sample.parsing_amodal)
    modal, invisible = np.zeros_like(sample.modal), np.zeros_like(sample.modal)
    if completed is not None:
        modal, invisible = completed.modal, completed.invisible
    rows = (
        (ours, sample.modal, sample.invisible),
        (photo if completed is None else completed.recovered, modal, invisible),
    )
    return {
        given: {
            methods.OURS: cascade,
            **{name: paint(photo, seen, hidden) for name, paint in methods.FILLS.items()},
            methods.OCCLUDED: photo,
        }
        for given, (cascade, seen, hidden) in zip(GIVEN, rows, strict=True)
    }


def _compare_pixels(
    sample: OcclusionSample, photo: np.ndarray, known: np.ndarray, window: SquareWindow
) -> dict[str, Fraction]:
    height, width = known.shape
    in_window = np.zeros_like(known)
    rows = slice(max(0, window.top), min(height, window.top + window.side))
    columns = slice(max(0, window.left), min(width, window.left + window.side))
    in_window[rows, columns] = True
    hidden = sample.invisible & known
    return {
        "l1": content_l1(photo, sample.original, hidden),
        "squared": content_squared_error(photo, sample.original, hidden),
        "crop l1": content_l1(photo, sample.original, in_window & known),
    }
