"""Structural similarity of two pictures (Wang et al., 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.crops import box_of
from deocclude.evaluation.metrics import Fraction

_SIGMA = 1.5
_RADIUS = 5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim_map(result: np.ndarray, original: np.ndarray) -> np.ndarray:
    """float64 HxW in [-1, 1]: SSIM around each pixel, averaged over the channels.

    result, original: uint8 HxWx3. Gaussian weights of sigma 1.5 over 11x11 pixels, mirrored at the border.
    """
    x, y = result.astype(np.float64), original.astype(np.float64)
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    variances = _local_mean(x * x) - mean_x**2 + _local_mean(y * y) - mean_y**2
    covariance = _local_mean(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    return np.asarray((similar / ((mean_x**2 + mean_y**2 + _C1) * (variances + _C2))).mean(axis=-1))


def ssim_over(result: np.ndarray, original: np.ndarray, where: np.ndarray) -> Fraction:
    """`ssim_map` summed over the pixels of `where` (bool HxW), and their number."""
    box = box_of(where)
    if box is None:
        return Fraction(0.0, 0)
    rows = slice(max(0, box[1] - _RADIUS), box[3] + _RADIUS)
    columns = slice(max(0, box[0] - _RADIUS), box[2] + _RADIUS)
    similarity = ssim_map(result[rows, columns], original[rows, columns])
    counted = similarity[where[rows, columns]]
    return Fraction(float(counted.sum()), counted.size)


def _local_mean(picture: np.ndarray) -> np.ndarray:
    side = 2 * _RADIUS + 1
    return cv2.GaussianBlur(picture, (side, side), _SIGMA, borderType=cv2.BORDER_REFLECT)
