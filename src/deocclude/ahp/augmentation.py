"""Changes that keep ground truth exact: mirror, small rotation and scale, colour, blur, JPEG."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.parsing import inside, mirror


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
    """The same blur or JPEG compression for all images, or none (uint8 HxWx3)."""
    kind = rng.random()
    if kind < 0.15:
        sigma = float(rng.uniform(0.4, 2.4))
        return [cv2.GaussianBlur(image, (0, 0), sigma) for image in images]
    if kind < 0.35:
        quality = int(rng.integers(12, 90))
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        encoded = [cv2.imencode(".jpg", image, options)[1] for image in images]
        return [np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR)) for content in encoded]
    return images
