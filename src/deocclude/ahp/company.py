"""People in front of other people: here the one who is pasted is the person asked for.

Where a person is the occluder, a composite asks for the one behind. From those alone stage 1 learns that
whatever was pasted is never meant, and to take the person in front for an obstacle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deocclude.ahp.density import WIDE
from deocclude.ahp.framing import crop_person
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.synthesis import (
    NotInBin,
    SynthesisSettings,
    find_placement,
    placed,
    with_cut_out,
    with_rim,
)
from deocclude.crops import box_of, rows_and_columns
from deocclude.parsing import inside

_SIZES = SynthesisSettings(sizes=(0.5, 1.6))
_LEAST_INSIDE = 0.5
"""Share of the body that the other's photo has to hold."""


def in_front_of(person: WholePerson, other: WholePerson, rng: np.random.Generator) -> WholePerson:
    """The person cut out and pasted into the photo of another, up to half of whom is hidden by that.

    The amodal mask ends where that photo does. The person comes back unchanged where no place is found.
    """
    cut = _cut_out(person)
    shape = other.amodal.shape
    try:
        alpha = cut.amodal.astype(np.uint8) * 255
        placement = find_placement(other.amodal, alpha, WIDE.draw(rng), rng, _SIZES)
    except NotInBin:
        return person
    amodal = placed(alpha, placement, shape) >= 128
    if amodal.sum() < _LEAST_INSIDE * placement.scale**2 * cut.amodal.sum():
        return person
    photo, _, _ = with_cut_out(other.photo, cut.photo, cut.amodal, placement, rng)
    return replace(
        person,
        photo=photo,
        amodal=amodal,
        parsing=inside(amodal, placed(cut.parsing, placement, shape, labels=True)),
        unknown=placed(cut.unknown.astype(np.uint8), placement, shape, labels=True) > 0,
        in_front=True,
    )


def _cut_out(person: WholePerson) -> WholePerson:
    """The person in a photo of little more than the body."""
    box = box_of(person.amodal)
    assert box is not None
    near = crop_person(person, *rows_and_columns(box))
    photo, amodal = with_rim(near.photo, near.amodal)
    rim = (len(photo) - len(near.photo)) // 2
    return replace(
        near, photo=photo, amodal=amodal, parsing=np.pad(near.parsing, rim), unknown=np.pad(near.unknown, rim)
    )
