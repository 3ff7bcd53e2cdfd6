"""Changes that keep ground truth exact: mirror, small rotation and scale, dyes, colour, blur, JPEG."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.parsing import LIP_CLASSES, inside, mirror

_GARMENTS = [
    LIP_CLASSES.index(name)
    for name in ("hat", "upper-clothes", "dress", "coat", "pants", "jumpsuits", "scarf", "skirt")
]
_RIM = 0.7
"""Sigma in pixels of the edge of what is dyed."""


def mirror_person(person: WholePerson) -> WholePerson:
    """The person flipped left to right; left limbs become right ones."""
    return replace(
        person,
        photo=np.ascontiguousarray(person.photo[:, ::-1]),
        amodal=np.ascontiguousarray(person.amodal[:, ::-1]),
        parsing=mirror(person.parsing),
        unknown=np.ascontiguousarray(person.unknown[:, ::-1]),
    )


def mirror_sample(sample: OcclusionSample) -> OcclusionSample:
    """The composite flipped left to right; left limbs become right ones."""
    flipped: dict[str, Any] = {
        name: np.ascontiguousarray(getattr(sample, name)[:, ::-1])
        for name in ("occluded", "original", "modal", "amodal", "invisible", "unknown")
    }
    return replace(
        sample,
        **flipped,
        parsing_modal=mirror(sample.parsing_modal),
        parsing_amodal=mirror(sample.parsing_amodal),
    )


def turn_person(person: WholePerson, degrees: float, scale: float) -> WholePerson:
    """The person turned about the photo's centre and scaled; the photo is reflected at its border.

    If nobody is left inside, or the body would be cut, the person comes back as it is.
    """
    height, width = person.amodal.shape
    size = max(16, round(width * scale)), max(16, round(height * scale))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2

    def warp(image: np.ndarray, interpolation: int, border: int) -> np.ndarray:
        return cv2.warpAffine(image, matrix, size, flags=interpolation, borderMode=border)

    linear, nearest = cv2.INTER_LINEAR, cv2.INTER_NEAREST
    amodal = warp(person.amodal.astype(np.uint8) * 255, linear, cv2.BORDER_CONSTANT) >= 128
    if amodal.sum() < 0.97 * scale**2 * person.amodal.sum():
        return person
    parsing = warp(person.parsing, nearest, cv2.BORDER_CONSTANT)
    return replace(
        person,
        photo=warp(person.photo, linear, cv2.BORDER_REFLECT_101),
        amodal=amodal,
        parsing=inside(amodal, parsing),
        unknown=warp(person.unknown.astype(np.uint8) * 255, linear, cv2.BORDER_CONSTANT) >= 128,
    )


def dye_person(person: WholePerson, rng: np.random.Generator) -> WholePerson:
    """The person in clothes of other colours; light and shade stay.

    Each labelled garment by itself; half the time, and where nothing is labelled, whatever of the body lies
    on one side of a line. So a change of colour within a body is no sign that something else begins there.
    """
    worn = [np.equal(person.parsing, part) for part in _GARMENTS]
    regions = [garment for garment in worn if garment.any()]
    if not regions or rng.random() < 0.5:
        regions = [_side_of_a_line(person.amodal, rng)]
    photo = person.photo.astype(np.float32)
    for region in regions:
        if rng.random() < 0.8 and region.any():
            share = cv2.GaussianBlur(region.astype(np.float32), (0, 0), _RIM)[..., None]
            photo += share * (_dyed(photo, region, rng) - photo)
    return replace(person, photo=np.clip(np.rint(photo), 0, 255).astype(np.uint8))


def _side_of_a_line(body: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The pixels of a bool HxW mask beyond a line across it, mostly those below it."""
    rows, columns = np.nonzero(body)
    angle = rng.normal(0, 0.35) if rng.random() < 0.8 else rng.uniform(0, 2 * np.pi)
    depth = np.cos(angle) * rows + np.sin(angle) * columns
    side = np.zeros_like(body)
    chosen = depth > np.quantile(depth, rng.uniform(0.05, 0.7))
    side[rows[chosen], columns[chosen]] = True
    return side


def _dyed(photo: np.ndarray, region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32 HxWx3: the photo's light and shade in a new colour, with stripes now and then."""
    light = photo @ np.array([0.299, 0.587, 0.114], np.float32)
    contrast = float(np.exp(rng.normal(0, 0.3)))
    shade = 1 + contrast * (light / max(8.0, float(light[region].mean())) - 1)
    if rng.random() < 0.25:
        rows, columns = np.indices(region.shape, dtype=np.float32)
        angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 40)
        phase = (np.cos(angle) * columns + np.sin(angle) * rows) * (2 * np.pi / wave)
        shade = shade * (1 + float(rng.uniform(0.1, 0.6)) * np.sign(np.sin(phase)))
    colour = rng.uniform(0, 255, 3) if rng.random() < 0.7 else np.full(3, rng.uniform(10, 245))
    return np.asarray(np.clip(shade[..., None] * colour.astype(np.float32), 0, 255))


def vary_colours(images: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """The same random brightness, contrast, gamma, tint, exposure or grey for all images (uint8 HxWx3)."""
    ramp = np.arange(256, dtype=np.float32) / 255
    contrast, brightness = rng.uniform(0.7, 1.3), rng.uniform(-0.12, 0.12)
    gamma, tint = np.exp(rng.uniform(-0.3, 0.4)), rng.uniform(0.92, 1.08, 3)
    exposure = rng.uniform(0.4, 1.0) if rng.random() < 0.2 else 1.0
    curves = (((ramp[:, None] ** gamma) - 0.5) * contrast + 0.5 + brightness) * tint * exposure
    table = np.clip(np.rint(curves * 255), 0, 255).astype(np.uint8)[None]
    grey = rng.random() < 0.12
    changed = []
    for image in images:
        out = cv2.LUT(image, table)
        if grey:
            out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        changed.append(out)
    return changed


def degrade(images: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """The same blur or JPEG compression for all images, or none (uint8 HxWx3, all of one size).

    The blur's sigma is up to 1.4% of their longest side: hidden parts have to be known by more than the sharp
    edge that a pasted occluder has.
    """
    kind = rng.random()
    if kind < 0.2:
        sigma = float(rng.uniform(0.002, 0.014)) * max(images[0].shape)
        return [cv2.GaussianBlur(image, (0, 0), sigma) for image in images]
    if kind < 0.4:
        quality = int(rng.integers(12, 90))
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        encoded = [cv2.imencode(".jpg", image, options)[1] for image in images]
        return [np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR)) for content in encoded]
    return images
