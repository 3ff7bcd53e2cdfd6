"""What a sample is, for the breakdowns of a report."""

from __future__ import annotations

import numpy as np

from deocclude.ahp.reader import touches_border
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.synthesis import PERSON
from deocclude.parsing import LIP_CLASSES

HIDDEN_PARTS: dict[str, tuple[str, ...]] = {
    "head": ("hat", "hair", "sunglasses", "face"),
    "torso": ("upper-clothes", "dress", "coat", "jumpsuits", "scarf"),
    "arms": ("glove", "left-arm", "right-arm"),
    "legs": ("socks", "pants", "skirt", "left-leg", "right-leg", "left-shoe", "right-shoe"),
}
"""The LIP classes of each part of the body; sleeves are upper clothes, hence torso."""

LOOSE: dict[str, float] = {"skirt": 1.0, "dress": 1.0, "scarf": 1.0, "coat": 0.5}
"""Clothes that may stand off the body, and how much of their area counts: most of LIP's coats are jackets."""
LEAST_LOOSE, LEAST_HAIR = 0.3, 0.1
"""Shares of the labelled body above which clothes are loose, and hair is long."""

WHOLE, HALF_LENGTH, CUT_ELSEWHERE = "whole in the frame", "half-length", "cut elsewhere"
UNLABELLED_PART = "unlabelled"
HAIR_OR_LOOSE, CLOSE = "long hair or loose clothes", "close to the body"


def groups_of(sample: OcclusionSample) -> dict[str, str]:
    """The kinds of group that a report breaks its numbers down by, and the one this sample belongs to."""
    tenth = max(0, int(np.ceil(sample.ratio * 10 - 1e-9)) - 1)
    person = sample.occluder_category == PERSON
    return {
        "source": sample.source,
        "ratio": f"({tenth / 10:.1f}, {(tenth + 1) / 10:.1f}]",
        "framing": framing_of(sample.amodal),
        "occluder": ("person" if person else "object") if sample.occluder_category else "unknown",
        "hidden part": hidden_part(sample),
        "clothes": clothes_of(sample),
    }


def framing_of(amodal: np.ndarray) -> str:
    """How the frame cuts a true amodal mask (bool HxW): at the bottom (too), elsewhere only, or nowhere."""
    if amodal[-1].any():
        return HALF_LENGTH
    return CUT_ELSEWHERE if touches_border(amodal) else WHOLE


def hidden_part(sample: OcclusionSample) -> str:
    """The part of `HIDDEN_PARTS` that most of the hidden labelled pixels belong to.

    The first one of equals; `UNLABELLED_PART` if none is labelled.
    """
    counts = np.bincount(sample.parsing_amodal[sample.invisible & ~sample.unknown], minlength=256)
    pixels = {
        part: int(counts[[LIP_CLASSES.index(name) for name in names]].sum())
        for part, names in HIDDEN_PARTS.items()
    }
    most = max(pixels, key=pixels.__getitem__)
    return most if pixels[most] else UNLABELLED_PART


def clothes_of(sample: OcclusionSample) -> str:
    """Whether hair or loose clothes shape the true outline: by their shares of the known labelled body.

    `UNLABELLED_PART` if nothing is labelled.
    """
    counts = np.bincount(sample.parsing_amodal[sample.amodal & ~sample.unknown], minlength=256)
    area = {name: int(counts[index]) for index, name in enumerate(LIP_CLASSES) if index}
    body = sum(area.values())
    if body == 0:
        return UNLABELLED_PART
    loose = sum(weight * area[name] for name, weight in LOOSE.items())
    return HAIR_OR_LOOSE if loose > LEAST_LOOSE * body or area["hair"] > LEAST_HAIR * body else CLOSE
