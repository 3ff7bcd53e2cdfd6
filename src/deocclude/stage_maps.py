"""What stage 1 says about one person, and where that is in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from deocclude.crops import Box, SquareWindow
from deocclude.mask_completion.network import CompletedMasks
from deocclude.people.person import DetectedPerson
from deocclude.resampling import enlarge

LEAST_CLARITY = 0.85
"""Whose modal mask has a smaller mean probability is not seen clearly."""


class Maps(NamedTuple):
    """One person's `CompletedMasks` as arrays: float32 SxS in [0, 1], and uint8 SxS of LIP indices."""

    modal: np.ndarray
    amodal: np.ndarray
    parsing_modal: np.ndarray
    parsing_amodal: np.ndarray


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen of `person` in a window of the photo."""

    person: DetectedPerson
    window: SquareWindow
    maps: Maps

    @cached_property
    def in_photo(self) -> tuple[Box, np.ndarray, np.ndarray]:
        """The function `in_photo` of it, computed once."""
        return in_photo(self.maps, self.window, *self.person.mask.shape)


def each(masks: CompletedMasks) -> list[Maps]:
    """One element a person."""
    arrays = (
        masks.modal.float().cpu().numpy()[:, 0],
        masks.amodal.float().cpu().numpy()[:, 0],
        masks.parsing_modal.cpu().numpy().astype(np.uint8),
        masks.parsing_amodal.cpu().numpy().astype(np.uint8),
    )
    return [Maps(*maps) for maps in zip(*arrays, strict=True)]


def clarity_of(maps: Maps) -> float:
    """Mean probability in the modal mask, 0 where that is empty."""
    inside = maps.modal[maps.modal > 0.5]
    return float(inside.mean()) if inside.size else 0.0


def in_photo(maps: Maps, window: SquareWindow, height: int, width: int) -> tuple[Box, np.ndarray, np.ndarray]:
    """The part of the photo that the window shows, and the modal and amodal masks there, bool of its size."""
    place = window.within(height, width)
    modal, amodal = (enlarge(soft, window, place) > 0.5 for soft in (maps.modal, maps.amodal))
    return place, modal, amodal
