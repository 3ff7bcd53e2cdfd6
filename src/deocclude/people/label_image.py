"""Masks in image files: one person in black and white, or several people in as many values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from deocclude.errors import DeoccludeError

MASK_SUFFIXES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_MOST_PEOPLE = 100
_VOID = 255


def people_in(file: Path, photo_name: str, height: int, width: int) -> list[np.ndarray]:
    """bool height x width masks of the people in an image file; [] if it is all zero.

    One non-zero value is one person. Of more values (grey, 16 bit, palette index or colour) each is a person;
    palette index 255 is then the customary border of unlabelled pixels and nobody. Transparent pixels are 0.
    Raises DeoccludeError if the file cannot be read, has another size, or has so many values that it must be
    a soft mask or a photo.
    """
    labels, palette = _read(file)
    if labels.shape != (height, width):
        raise DeoccludeError(
            f"{file} is {labels.shape[1]}x{labels.shape[0]} but {photo_name} is {width}x{height} (upright); "
            "make the mask as large as the photo"
        )
    values = np.unique(labels)
    values = values[values != 0]
    if palette and values.size > 1:
        values = values[values != _VOID]
    if values.size > _MOST_PEOPLE:
        raise DeoccludeError(
            f"{file}: {values.size} values, so not labels; save a soft mask as 0 and 255 only"
        )
    return [labels == value for value in values]


def _read(file: Path) -> tuple[np.ndarray, bool]:
    """Integer HxW labels, and whether they are indices of a palette."""
    try:
        with Image.open(file) as image:
            image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DeoccludeError(f"{file}: not a readable mask; save it as PNG") from error
    if image.mode in ("1", "L", "P") or image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64), image.mode == "P"
    colour = np.asarray(image.convert("RGBA")).astype(np.int64)
    labels = colour[..., 0] << 16 | colour[..., 1] << 8 | colour[..., 2]
    return np.where(colour[..., 3] > 0, labels, 0), False
