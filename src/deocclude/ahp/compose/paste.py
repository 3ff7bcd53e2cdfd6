"""An arrangement as a composite, by the synthesis' own pasting: preview and saved sample agree."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.ahp.compose.arrangement import Arrangement
from deocclude.ahp.density import WIDE, Bin
from deocclude.ahp.sample import Occluder, OcclusionSample, WholePerson
from deocclude.ahp.synthesis import Placement, pasted, with_rim
from deocclude.crops import Box


def paste(person: WholePerson, occluder: Occluder, arrangement: Arrangement) -> tuple[OcclusionSample, Box]:
    """The composite, and the box of the photo outside which it is the photo itself.

    As `synthesis.pasted`; `refusal_of` says whether the ratio will do.
    """
    image, mask = with_rim(*_turned(occluder.image, occluder.mask, arrangement))
    height, width = mask.shape
    scale = arrangement.scale
    placement = Placement(scale, arrangement.x - scale * width / 2, arrangement.y - scale * height / 2)
    return pasted(person, occluder, image, mask, placement, arrangement.generator())


def bin_of(ratio: float) -> Bin | None:
    """The tenth (low, high] of (0, 0.5] that holds the ratio; None if it may not be saved."""
    return WIDE.bin_of(ratio)


def refusal_of(ratio: float) -> str | None:
    """Why a composite of that ratio may not be saved, None if it may: ratios are in (0, 0.5]."""
    if bin_of(ratio) is not None:
        return None
    if ratio <= 0:
        return "Nothing of the person is hidden: move the cut-out onto the person"
    return f"{ratio:.2%} of the person is hidden, more than half: move or shrink the cut-out"


def _turned(image: np.ndarray, mask: np.ndarray, arrangement: Arrangement) -> tuple[np.ndarray, np.ndarray]:
    if arrangement.flipped:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if arrangement.angle == 0:
        return image, mask
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -arrangement.angle, 1.0)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
    wide = int(np.ceil(round(width * cosine + height * sine, 6)))
    high = int(np.ceil(round(width * sine + height * cosine, 6)))
    turn[:, 2] += (wide - width) / 2, (high - height) / 2
    image = np.ascontiguousarray(image)
    alpha = np.ascontiguousarray(mask).astype(np.uint8) * 255
    turned = cv2.warpAffine(image, turn, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.warpAffine(alpha, turn, (wide, high)) >= 128
