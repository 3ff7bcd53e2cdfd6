"""Harder versions of the frozen composites, made on the fly: what a photo may look like that nobody chose."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from PIL import Image

from deocclude.ahp.initial_masks import occluder_in
from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.ahp.synthesis import PERSON
from deocclude.crops import box_of
from deocclude.images import LEAST_SIDE
from deocclude.parsing import UNLABELLED

SMALL_HEIGHT = 90
"""Height in pixels of the people of "small"."""

_BLUR = 0.01
_GAMMA, _EXPOSURE = 1.5, 0.5
_JPEG_QUALITY = 20
_SPECK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))

Change = Callable[[np.ndarray], np.ndarray]


def grey(photo: np.ndarray) -> np.ndarray:
    """uint8 HxWx3 without colour (ITU-R 601 luma)."""
    return cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def dark(photo: np.ndarray) -> np.ndarray:
    """uint8 HxWx3 underexposed: 0.5 v^1.5 of values v in [0, 1]."""
    values = np.arange(256) / 255
    return np.rint(255 * _EXPOSURE * values**_GAMMA).astype(np.uint8)[photo]


def jpeg20(photo: np.ndarray) -> np.ndarray:
    """uint8 HxWx3 after JPEG compression of quality 20, colours at half resolution."""
    with io.BytesIO() as file:
        Image.fromarray(photo).save(file, "JPEG", quality=_JPEG_QUALITY, subsampling="4:2:0")
        with Image.open(file) as image:
            return np.array(image.convert("RGB"))


def _blurred(photo: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(photo, (0, 0), sigma)


def _recoloured(sample: OcclusionSample, change: Change) -> OcclusionSample:
    return replace(sample, occluded=change(sample.occluded), original=change(sample.original))


def blur(sample: OcclusionSample) -> OcclusionSample:
    """Gaussian blur of sigma 1% of the longer side of the person's whole box."""
    box = box_of(sample.amodal) or (0, 0, *sample.amodal.shape[::-1])
    sigma = _BLUR * max(box[2] - box[0], box[3] - box[1])
    return _recoloured(sample, partial(_blurred, sigma=sigma))


def small(sample: OcclusionSample) -> OcclusionSample:
    """The photo shrunk until the whole person is 90 pixels tall, and the truth with it.

    Masks are averaged over areas and hold the pixels of at least one half; body parts are the nearest ones.
    Nothing is enlarged, a photo stays at least 16 pixels wide and tall, and a person stays.
    """
    box = box_of(sample.amodal)
    height, width = sample.amodal.shape
    if box is None or box[3] - box[1] <= SMALL_HEIGHT:
        return sample
    scale = min(1.0, max(SMALL_HEIGHT / (box[3] - box[1]), LEAST_SIDE / height, LEAST_SIDE / width))
    size = max(LEAST_SIDE, round(width * scale)), max(LEAST_SIDE, round(height * scale))

    def shrunk(mask: np.ndarray) -> np.ndarray:
        soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return np.asarray(soft >= 0.5)

    amodal = shrunk(sample.amodal)
    if not amodal.any():
        return sample
    modal = shrunk(sample.modal) & amodal

    def parts(parsing: np.ndarray, body: np.ndarray) -> np.ndarray:
        nearest = cv2.resize(parsing, size, interpolation=cv2.INTER_NEAREST_EXACT)
        nearest[nearest == 0] = UNLABELLED
        return np.where(body, nearest, np.uint8(0))

    return replace(
        sample,
        occluded=cv2.resize(sample.occluded, size, interpolation=cv2.INTER_AREA),
        original=cv2.resize(sample.original, size, interpolation=cv2.INTER_AREA),
        modal=modal,
        amodal=amodal,
        invisible=amodal & ~modal,
        parsing_modal=parts(sample.parsing_modal, modal),
        parsing_amodal=parts(sample.parsing_amodal, amodal),
        unknown=shrunk(sample.unknown),
        ratio=int((amodal & ~modal).sum()) / int(amodal.sum()),
    )


def in_front(sample: OcclusionSample) -> OcclusionSample:
    """The same photo, asked for the person in front, of whom nothing is hidden.

    That person is where a person was pasted: the pixels that differ from the unoccluded photo, without
    specks and holes, and the hidden body. Body parts are unlabelled.
    """
    pasted = occluder_in(sample)
    solid = cv2.morphologyEx(pasted.astype(np.uint8), cv2.MORPH_CLOSE, _SPECK)
    clean = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _SPECK) > 0
    body = clean if clean.any() else pasted
    person = WholePerson(
        id=sample.id,
        source=sample.source,
        photo=sample.occluded,
        amodal=body,
        parsing=np.where(body, np.uint8(UNLABELLED), np.uint8(0)),
        unknown=np.zeros_like(body),
    )
    return OcclusionSample.unoccluded(person)


@dataclass(frozen=True)
class Stress:
    """A sample -> the same sample, harder.

    own_masks: whether masks made for the composites as they are no longer fit. of_people: whether the
    occluder has to be a person.
    """

    change: Callable[[OcclusionSample], OcclusionSample]
    own_masks: bool = False
    of_people: bool = False

    def __call__(self, sample: OcclusionSample) -> OcclusionSample:
        return self.change(sample)


STRESSES: dict[str, Stress] = {
    "grey": Stress(partial(_recoloured, change=grey)),
    "dark": Stress(partial(_recoloured, change=dark)),
    "blur": Stress(blur),
    "jpeg20": Stress(partial(_recoloured, change=jpeg20)),
    "small": Stress(small, own_masks=True),
    "in-front": Stress(in_front, own_masks=True, of_people=True),
}
"""By name. Where the photo changes, the unoccluded photo, truth of the content, changes alike."""


def fits(stress: str | None, category: str) -> bool:
    """Whether that stress can be put on a composite with an occluder of that category."""
    return stress is None or not STRESSES[stress].of_people or category == PERSON
