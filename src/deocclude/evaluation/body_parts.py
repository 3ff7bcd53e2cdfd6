"""Quality of body-part maps over a set: confusion matrices are summed before anything is divided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deocclude.evaluation.metrics import drawn_people
from deocclude.parsing import LIP_CLASSES, NUM_CLASSES, UNLABELLED

SCORES = ("mIoU", "mIoU parts", "pixel accuracy", "body accuracy", "mean accuracy")
"""Mean IoU over the 20 classes, over the 19 parts; share of right pixels of all, of those that are a part in
truth; the 20 classes' mean share of right pixels."""

Numbers = dict[str, Any]

_NO_CLASS = NUM_CLASSES


def confusion(prediction: np.ndarray, truth: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """int64 20x21: pixels by true class (row) and predicted class (column).

    prediction, truth: uint8 HxW of LIP indices, 255 unlabelled; counted: bool HxW. Pixels unlabelled in truth
    are ignored; the last column holds those for which the prediction names no class.
    Raises ValueError for different shapes, or for a class that LIP does not have.
    """
    if not prediction.shape == truth.shape == counted.shape:
        raise ValueError(f"prediction is {prediction.shape}, truth {truth.shape}, counted {counted.shape}")
    where = counted & (truth != UNLABELLED)
    true, said = truth[where].astype(np.int64), prediction[where].astype(np.int64)
    said[said == UNLABELLED] = _NO_CLASS
    worst = max(true.max(initial=0), said[said != _NO_CLASS].max(initial=0))
    if worst >= NUM_CLASSES or (prediction[where] == _NO_CLASS).any():
        raise ValueError(f"a map holds a class that is none of LIP's 0..{NUM_CLASSES - 1}")
    pairs = true * (NUM_CLASSES + 1) + said
    table = np.bincount(pairs, minlength=NUM_CLASSES * (NUM_CLASSES + 1))
    return table.reshape(NUM_CLASSES, NUM_CLASSES + 1)


def has_labels(truth: np.ndarray, counted: np.ndarray) -> bool:
    """Whether any counted pixel of the uint8 HxW map names a part of the body."""
    parts = truth[counted]
    return bool(((parts > 0) & (parts != UNLABELLED)).any())


def part_numbers(matrices: Sequence[np.ndarray], people: Sequence[str]) -> Numbers:
    """What a report says of the matrices (`confusion`) of a set; row i shows people[i].

    `SCORES` with their 95% bootstrap intervals (people drawn with replacement), "classes" (IoU, accuracy, and
    how many people show the class; None for what the truth does not hold) and "absent", the names of classes
    without a pixel in truth, which no mean counts. Nan becomes None.
    """
    table = np.stack(matrices).astype(np.float64)
    _, person = np.unique(np.asarray(people), return_inverse=True)
    count = int(person.max()) + 1
    by_person = np.zeros((count, *table.shape[1:]))
    np.add.at(by_person, person, table)
    total = by_person.sum(axis=0)
    drawn = drawn_people(count) @ by_person.reshape(count, -1)
    whole, resampled = _scores(total), _scores(drawn.reshape(-1, *total.shape))
    numbers: Numbers = {}
    for name in SCORES:
        numbers[name] = _plain(float(whole[name]))
        finite = resampled[name][np.isfinite(resampled[name])]
        ends = np.percentile(finite, [2.5, 97.5]) if finite.size else (math.nan, math.nan)
        numbers[f"{name} interval"] = [_plain(float(end)) for end in ends]
    shown_by = (by_person.sum(axis=2) > 0).sum(axis=0)
    numbers["classes"] = {
        name: {
            "iou": _plain(float(whole["iou"][index])),
            "accuracy": _plain(float(whole["accuracy"][index])),
            "people": int(shown_by[index]),
        }
        for index, name in enumerate(LIP_CLASSES)
    }
    numbers["absent"] = [name for index, name in enumerate(LIP_CLASSES) if not shown_by[index]]
    return numbers


def shown_classes(maps: Numbers) -> dict[str, int]:
    """Classes that the truth of any map holds -> how many people show them. maps: name -> `part_numbers`."""
    people = {name: max(of["classes"][name]["people"] for of in maps.values()) for name in LIP_CLASSES}
    return {name: count for name, count in people.items() if count}


def _scores(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """Of float64 ...x20x21. "iou" and "accuracy" are ...x20, nan where the truth lacks the class."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    true = matrices.sum(axis=-1)
    either = true + matrices[..., :NUM_CLASSES].sum(axis=-2) - right
    there = true > 0
    iou = np.divide(right, either, out=np.full_like(right, np.nan), where=there)
    accuracy = np.divide(right, true, out=np.full_like(right, np.nan), where=there)
    return {
        "iou": iou,
        "accuracy": accuracy,
        "mIoU": _mean(iou),
        "mIoU parts": _mean(iou[..., 1:]),
        "pixel accuracy": _ratio(right.sum(axis=-1), true.sum(axis=-1)),
        "body accuracy": _ratio(right[..., 1:].sum(axis=-1), true[..., 1:].sum(axis=-1)),
        "mean accuracy": _mean(accuracy),
    }


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the last axis without nan; nan where nothing is left."""
    return _ratio(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    top, bottom = np.asarray(top, np.float64), np.asarray(bottom)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def _plain(value: float, digits: int = 5) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
