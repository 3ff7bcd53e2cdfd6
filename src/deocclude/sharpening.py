"""Blurred photos made clear enough for networks that learned from sharp ones."""

from __future__ import annotations

import cv2
import numpy as np

_LARGEST = 1024
_RE_BLUR = 0.005
_EDGES = 0.02
_FAINTEST = 8.0
_BLURRED, _LEAST = 0.004, 1.2
"""A photo is blurred from this sigma on: as a share of its longer side, and in pixels."""
_AMOUNT = 2.0


def blur_of(photo: np.ndarray) -> float:
    """Sigma in pixels of the Gaussian blur that a photo's sharpest edges have gone through (uint8 HxWx3).

    Zhuo and Sim (Pattern Recognition 2011): blurring an edge of sigma s once more, by t, divides its steepest
    slope by sqrt(s^2 + t^2) / s. The median over the steepest fiftieth of the pixels; 0 without any edge.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, _LARGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    light = grey.astype(np.float32)
    again = max(1.0, _RE_BLUR * max(size))
    slopes, blurred = _slopes(light), _slopes(cv2.GaussianBlur(light, (0, 0), again))
    edges = slopes >= max(float(np.quantile(slopes, 1 - _EDGES)), _FAINTEST)
    if not edges.any():
        return 0.0
    ratio = float(np.median(slopes[edges] / blurred[edges].clip(1e-3)))
    return again / max(ratio**2 - 1, 1e-4) ** 0.5 / scale


def sharpened(photo: np.ndarray) -> np.ndarray:
    """The photo (uint8 HxWx3) itself, or if all of it is blurred the photo with unsharp masking."""
    sigma = blur_of(photo)
    if sigma < max(_LEAST, _BLURRED * max(photo.shape[:2])):
        return photo
    soft = cv2.GaussianBlur(photo, (0, 0), sigma)
    return cv2.addWeighted(photo, 1 + _AMOUNT, soft, -_AMOUNT, 0)


def _slopes(light: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)))
