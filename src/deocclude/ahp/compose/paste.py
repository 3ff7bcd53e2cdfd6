"""An arrangement as a composite, by the synthesis' own pasting: preview and saved sample agree."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.ahp.compose.arrangement import Arrangement
from deocclude.ahp.density import WIDE, Bin
from deocclude.ahp.sample import Occluder, OcclusionSample, WholePerson
from deocclude.ahp.synthesis import _bled, _feathered, _matched, _Placement, _stamp, _with_rim
from deocclude.crops import Box


def paste(person: WholePerson, occluder: Occluder, arrangement: Arrangement) -> tuple[OcclusionSample, Box]:
    """The composite, and the box of the photo outside which it is the photo itself.

    A pixel is hidden where the resized alpha is at least one half. The ratio may be anything in [0, 1], also
    0 with an empty box where the cut-out lies beside the photo; `refusal_of` says whether it will do.
    """
    rng = arrangement.generator()
    image, mask = _turned(occluder.image, occluder.mask, arrangement)
    image, mask = _with_rim(image, mask)
    alpha = mask.astype(np.uint8) * 255
    height, width = mask.shape
    scale = arrangement.scale
    placement = _Placement(scale, arrangement.x - scale * width / 2, arrangement.y - scale * height / 2)
    occluded, hidden = person.photo.copy(), np.zeros_like(person.amodal)
    box = (0, 0, 0, 0)
    stamp = _stamp(alpha, placement, person.amodal.shape)
    colours = _stamp(image, placement, person.amodal.shape)
    if stamp is not None and colours is not None:
        rows, columns, part = stamp
        box = columns.start, rows.start, columns.stop, rows.stop
        covers = part >= 128
        soft = _feathered(part, rng)
        front = _matched(_bled(colours[2], covers), soft, person.photo, rng)
        target = occluded[rows, columns]
        target[:] = np.clip(np.rint(target + soft[..., None] * (front - target)), 0, 255).astype(np.uint8)
        hidden[rows, columns] = covers
    modal, invisible = person.amodal & ~hidden, person.amodal & hidden
    sample = OcclusionSample(
        id=person.id,
        source=person.source,
        occluder_id=occluder.id,
        occluder_category=occluder.category,
        occluded=occluded,
        original=person.photo,
        modal=modal,
        amodal=person.amodal,
        invisible=invisible,
        parsing_modal=np.where(modal, person.parsing, 0).astype(np.uint8),
        parsing_amodal=person.parsing,
        unknown=person.unknown,
        ratio=int(invisible.sum()) / int(person.amodal.sum()),
    )
    return sample, box


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
