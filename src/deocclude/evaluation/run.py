"""Runs the cascade and its baselines on composites and measures what comes out (section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deocclude.ahp.sample import OcclusionSample
from deocclude.crops import SquareWindow, box_of
from deocclude.evaluation import methods
from deocclude.evaluation.body_parts import confusion, has_labels
from deocclude.evaluation.boundary import boundary_f, tolerance_in
from deocclude.evaluation.groups import groups_of
from deocclude.evaluation.matching import InitialMasks
from deocclude.evaluation.metrics import (
    Fraction,
    content_l1,
    content_squared_error,
    intersection_over_union,
    mask_l1,
    pixels_inside,
)
from deocclude.evaluation.ssim import ssim_over
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.evaluation.appearance import Appearance, Looks
    from deocclude.pipeline import Deoccluder, Person

MASKS = ("modal", "amodal", "invisible")
GIVEN = ("true masks", "predicted masks")
MAPS = ("modal", "amodal")
"""The cascade's body-part maps."""

Photos = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Features:
    """EfficientNet-Lite0's features (float32 1280) of the unoccluded photo, and of given masks -> method."""

    original: np.ndarray
    results: dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Measured:
    """Everything measured on one sample.

    person: the whole person the composite was made from. found: N_i saw somebody there.
    groups: what the sample is, for the breakdowns ("source" -> "ccp", ...).
    masks: method -> "modal", "amodal", "invisible" -> "iou", "l1", "boundary". content: given masks ->
    method -> "l1", "squared", "ssim" (over the invisible pixels), "crop l1", and "perceptual" where VGG16 is
    installed. parsing: "modal", "amodal" -> int64 20x21 (`body_parts.confusion`) of the cascade's body parts;
    None without labels. features: None where nothing is hidden or EfficientNet-Lite0 is not installed.
    """

    id: str
    person: str
    found: bool
    groups: dict[str, str]
    masks: dict[str, dict[str, dict[str, Fraction]]]
    content: dict[str, dict[str, dict[str, Fraction]]]
    parsing: dict[str, np.ndarray] | None = None
    features: Features | None = None


def measure_set(
    samples: Iterable[tuple[str, OcclusionSample]],
    deoccluder: Deoccluder,
    initial_masks: InitialMasks,
    appearance: Appearance | None = None,
) -> Iterator[Measured]:
    """One `Measured` a sample, in order. samples: who the person is, and the composite."""
    for person, sample in samples:
        initial = initial_masks(sample)
        completed = complete(sample, initial, deoccluder)
        yield measure(person, sample, initial, completed, deoccluder, appearance)


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
    person: str,
    sample: OcclusionSample,
    initial: DetectedPerson | None,
    completed: Person | None,
    deoccluder: Deoccluder,
    appearance: Appearance | None = None,
) -> Measured:
    """Compares every method with the truth, over the known pixels. completed: what `complete` gave."""
    known = ~sample.unknown
    height, width = sample.amodal.shape
    window = SquareWindow.around(box_of(sample.amodal) or (0, 0, width, height))
    predictions = methods.mask_predictions(sample, initial, completed)
    photos = _recovered(sample, completed, deoccluder)
    seen = known & pixels_inside(window, height, width)
    content = {
        given: {method: _compare_pixels(sample, photo, known, seen) for method, photo in results.items()}
        for given, results in photos.items()
    }
    features = None
    if appearance is not None:
        features = _compare_looks(sample, photos, known, window, appearance, content)
    return Measured(
        id=sample.id,
        person=person,
        found=initial is not None,
        groups={**groups_of(sample), "initial mask": "nobody" if initial is None else "found"},
        masks={
            method: {name: _compare_masks(sample, masks, name, known, window) for name in MASKS}
            for method, masks in predictions.items()
        },
        content=content,
        parsing=_compare_parts(sample, completed, seen),
        features=features,
    )


def _compare_masks(
    sample: OcclusionSample, masks: methods.Masks, name: str, known: np.ndarray, window: SquareWindow
) -> dict[str, Fraction]:
    prediction, truth = getattr(masks, name), getattr(sample, name)
    return {
        "iou": intersection_over_union(prediction, truth, known),
        "l1": mask_l1(prediction, truth, known, window),
        "boundary": Fraction(boundary_f(prediction, truth, known, tolerance_in(window)), 1),
    }


def _recovered(sample: OcclusionSample, completed: Person | None, deoccluder: Deoccluder) -> Photos:
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
    sample: OcclusionSample, photo: np.ndarray, known: np.ndarray, seen: np.ndarray
) -> dict[str, Fraction]:
    """seen: bool HxW, the known pixels of the person's window."""
    hidden = sample.invisible & known
    merged = np.where(hidden[..., None], photo, sample.original)
    return {
        "l1": content_l1(photo, sample.original, hidden),
        "squared": content_squared_error(photo, sample.original, hidden),
        "crop l1": content_l1(photo, sample.original, seen),
        "ssim": ssim_over(merged, sample.original, hidden),
    }


def _compare_parts(
    sample: OcclusionSample, completed: Person | None, seen: np.ndarray
) -> dict[str, np.ndarray] | None:
    """None if the sample has no labels; a person whom the cascade does not see is background everywhere."""
    if not has_labels(sample.parsing_amodal, seen):
        return None
    nothing = np.zeros(seen.shape, np.uint8)
    return {
        name: confusion(
            nothing if completed is None else getattr(completed, f"parsing_{name}"),
            getattr(sample, f"parsing_{name}"),
            seen,
        )
        for name in MAPS
    }


def _compare_looks(
    sample: OcclusionSample,
    photos: Photos,
    known: np.ndarray,
    window: SquareWindow,
    appearance: Appearance,
    content: dict[str, dict[str, dict[str, Fraction]]],
) -> Features | None:
    """Adds "perceptual" to `content`, and returns the features."""
    results = {
        f"{given}/{method}": photo for given, of_given in photos.items() for method, photo in of_given.items()
    }
    looks: Looks = appearance(results, sample.original, sample.invisible & known, window)
    if appearance.vgg is not None:
        for given, of_given in content.items():
            for method, values in of_given.items():
                values["perceptual"] = (
                    Fraction(0.0, 0)
                    if looks.perceptual is None
                    else Fraction(looks.perceptual[f"{given}/{method}"], 1)
                )
    if looks.features is None or looks.original is None:
        return None
    return Features(
        looks.original,
        {
            given: {method: looks.features[f"{given}/{method}"] for method in of_given}
            for given, of_given in photos.items()
        },
    )
