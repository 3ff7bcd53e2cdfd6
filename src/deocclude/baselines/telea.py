"""OpenCV's inpainting by fast marching (Telea, 2004)."""

from __future__ import annotations

import cv2
import numpy as np

_RADIUS = 3


def telea_fill(photo: np.ndarray, visible: np.ndarray, invisible: np.ndarray) -> np.ndarray:
    """Paints the invisible pixels from whatever surrounds them; see `baselines.ContentBaseline`.

    The method knows nothing of persons: `visible` is not used, occluder and background count as surroundings.
    """
    return cv2.inpaint(photo, invisible.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
