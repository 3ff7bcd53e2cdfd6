"""People cut by the frame: half-length portraits and people at the edge of the photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deocclude.ahp.sample import WholePerson
from deocclude.crops import box_of

_LEAST_LEFT = 0.3
_TRIES = 8


def crop_person(person: WholePerson, rows: slice, columns: slice) -> WholePerson:
    """The same person in a part of the photo; the amodal mask ends where the photo does."""
    return replace(
        person,
        photo=np.ascontiguousarray(person.photo[rows, columns]),
        amodal=np.ascontiguousarray(person.amodal[rows, columns]),
        parsing=np.ascontiguousarray(person.parsing[rows, columns]),
        unknown=np.ascontiguousarray(person.unknown[rows, columns]),
    )


def cut_by_frame(person: WholePerson, rng: np.random.Generator) -> WholePerson:
    """The person with a part out of the frame: mostly what is below knees, hips or chest.

    At least 30% of the body's pixels stay. If no cut can be found the person comes back as it is.
    """
    box = box_of(person.amodal)
    assert box is not None
    area = int(person.amodal.sum())
    height, width = person.amodal.shape
    for _ in range(_TRIES):
        left, top, right, bottom = 0, 0, width, height
        kind = rng.choice(["bottom", "side", "top"], p=[0.7, 0.2, 0.1])
        if kind == "bottom":
            bottom = box[1] + round(float(rng.uniform(0.3, 0.9)) * (box[3] - box[1]))
        elif kind == "top":
            top = box[1] + round(float(rng.uniform(0.1, 0.5)) * (box[3] - box[1]))
        elif rng.random() < 0.5:
            right = box[0] + round(float(rng.uniform(0.5, 0.9)) * (box[2] - box[0]))
        else:
            left = box[0] + round(float(rng.uniform(0.1, 0.5)) * (box[2] - box[0]))
        kept = person.amodal[top:bottom, left:right]
        if min(kept.shape) < 16 or not _LEAST_LEFT * area <= kept.sum() < area:
            continue
        closer = _closer_frame(kept, rng)
        rows = slice(top + closer[0].start, top + closer[0].stop)
        columns = slice(left + closer[1].start, left + closer[1].stop)
        return crop_person(person, rows, columns)
    return person


def _closer_frame(body: np.ndarray, rng: np.random.Generator) -> tuple[slice, slice]:
    """Half the time, a frame close to the body, as in a portrait; edges that cut the body stay."""
    height, width = body.shape
    box = box_of(body)
    if box is None or rng.random() < 0.5:
        return slice(0, height), slice(0, width)
    reach = float(rng.uniform(0.1, 0.6)) * max(box[2] - box[0], box[3] - box[1])
    return (
        slice(max(0, round(box[1] - reach)), min(height, round(box[3] + reach))),
        slice(max(0, round(box[0] - reach)), min(width, round(box[2] + reach))),
    )
