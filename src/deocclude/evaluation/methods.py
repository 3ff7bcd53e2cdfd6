"""What an evaluation compares: the cascade and simple baselines, all from the same initial mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deocclude.ahp.sample import OcclusionSample
from deocclude.baselines import ContentBaseline
from deocclude.baselines.convex_hull import convex_hull
from deocclude.baselines.nearest_fill import nearest_visible_fill
from deocclude.baselines.telea import telea_fill
from deocclude.people.person import DetectedPerson

if TYPE_CHECKING:
    from deocclude.pipeline import Person

OURS = "deocclude"
AS_IT_IS = "initial mask as it is"
MINUS_TRUE_MODAL = "initial mask minus true modal"
CONVEX_HULL = "convex hull of the initial mask"
OCCLUDED = "occluded photo as it is"

FILLS: dict[str, ContentBaseline] = {"nearest visible pixel": nearest_visible_fill, "Telea": telea_fill}
"""Baselines that paint the hidden part, by the name they have in a report."""


class Masks(NamedTuple):
    """What a method says about one person; bool HxW each."""

    modal: np.ndarray
    amodal: np.ndarray
    invisible: np.ndarray


def mask_predictions(
    sample: OcclusionSample, initial: DetectedPerson | None, completed: Person | None
) -> dict[str, Masks]:
    """Each method's masks. initial: N_i's person; completed: what the cascade made of it.

    A method that has nobody to start from predicts nothing.
    """
    nothing = np.zeros_like(sample.modal)
    ours = nobody = Masks(nothing, nothing, nothing)
    if completed is not None:
        ours = Masks(completed.modal, completed.amodal, completed.invisible)
    if initial is None:
        return {OURS: ours, **dict.fromkeys((AS_IT_IS, MINUS_TRUE_MODAL, CONVEX_HULL), nobody)}
    mask = initial.mask
    hull = convex_hull(mask)
    return {
        OURS: ours,
        AS_IT_IS: Masks(mask, mask, nothing),
        MINUS_TRUE_MODAL: Masks(mask, mask, mask & ~sample.modal),
        CONVEX_HULL: Masks(mask, hull, hull & ~mask),
    }
