"""Photos read from disk, and what shapes of bool masks have in common."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from deocclude.errors import DeoccludeError


def load_rgb(path: Path) -> np.ndarray:
    """uint8 HxWx3 RGB of an image file."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except FileNotFoundError:
        raise DeoccludeError(f"{path}: no such photo; complete the data set or remove its label") from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DeoccludeError(f"{path}: not a readable image ({error}); replace the file") from None


def largest_component(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """The largest 8-connected part of a bool HxW mask, and its share of the mask's area."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask, 0.0
    areas = statistics[1:, cv2.CC_STAT_AREA]
    best = int(areas.argmax())
    return labels == best + 1, float(areas[best] / areas.sum())


def dilate(mask: np.ndarray, radius: int) -> np.ndarray:
    """bool HxW mask grown by a disc of `radius` pixels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def touches_border(mask: np.ndarray, margin: int = 1) -> bool:
    """Whether a bool HxW mask has a pixel within `margin` pixels of the photo's border."""
    return bool(
        mask[:margin].any() or mask[-margin:].any() or mask[:, :margin].any() or mask[:, -margin:].any()
    )
