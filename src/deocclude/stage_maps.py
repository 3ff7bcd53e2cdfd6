"""What stage 1 says about one person, and where that is in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deocclude.crops import Box, SquareWindow
from deocclude.mask_completion.network import MaskPrediction, parts_inside, soft_masks
from deocclude.people.person import DetectedPerson
from deocclude.resampling import enlarge

LEAST_CLARITY = 0.85
"""Whose modal mask has a smaller mean probability is not seen clearly."""


class Maps(NamedTuple):
    """One person of a `MaskPrediction`: `modal` <= `amodal`, float32 SxS in [0, 1]; parts 1x20xsxs logits."""

    modal: np.ndarray
    amodal: np.ndarray
    parts_modal: Tensor
    parts_amodal: Tensor

    def parsing(self) -> tuple[np.ndarray, np.ndarray]:
        """The body parts inside the modal and the amodal mask: uint8 SxS, LIP indices, 0 outside."""
        return _parsing(self.modal, self.parts_modal), _parsing(self.amodal, self.parts_amodal)


def _parsing(mask: np.ndarray, logits: Tensor) -> np.ndarray:
    parts = parts_inside(torch.from_numpy(mask)[None, None].to(logits.device), logits)
    return parts[0].cpu().numpy().astype(np.uint8)


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


def each(prediction: MaskPrediction) -> list[Maps]:
    """One element a person."""
    modal, amodal = (mask.cpu().numpy()[:, 0] for mask in soft_masks(prediction))
    parts = (logits.float().split(1) for logits in (prediction.parsing_modal, prediction.parsing_amodal))
    return [Maps(*maps) for maps in zip(modal, amodal, *parts, strict=True)]


def clarity_of(maps: Maps) -> float:
    """Mean probability in the modal mask, 0 where that is empty."""
    inside = maps.modal[maps.modal > 0.5]
    return float(inside.mean()) if inside.size else 0.0


def in_photo(maps: Maps, window: SquareWindow, height: int, width: int) -> tuple[Box, np.ndarray, np.ndarray]:
    """The part of the photo that the window shows, and the modal and amodal masks there, bool of its size."""
    place = window.within(height, width)
    modal, amodal = (enlarge(soft, window, place) > 0.5 for soft in (maps.modal, maps.amodal))
    return place, modal, amodal
