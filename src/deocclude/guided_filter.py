"""The guided filter of He, Sun and Tang (ECCV 2010) with a colour photo as the guide.

Within every small square a mask becomes a linear function of the photo's colour, so that its outline moves
onto the photo's edge where there is one nearby, and stays where there is none.
"""

from __future__ import annotations

import cv2
import numpy as np


def guided_filter(guide: np.ndarray, mask: np.ndarray, radius: int, smoothing: float) -> np.ndarray:
    """The soft mask that follows the guide's colours, float32 HxW.

    guide: float32 HxWx3 in [0, 1]. mask: float32 HxW in [0, 1]; the result may leave that range a little.
    radius: of the squares, whose sides are 2 radius + 1 pixels. smoothing: the variance of colour (epsilon)
    below which a square counts as plain and its mask is averaged.
    """
    mean_guide, mean_mask = _mean(guide, radius), _mean(mask, radius)
    shared = _mean(guide * mask[..., None], radius) - mean_guide * mean_mask[..., None]
    slope = _solved(_covariances(guide, mean_guide, radius, smoothing), shared)
    offset = mean_mask - _dot(slope, mean_guide)
    return _dot(_mean(slope, radius), guide) + _mean(offset, radius)


def _mean(values: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT))


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("hwc,hwc->hw", first, second))


def _covariances(
    guide: np.ndarray, mean: np.ndarray, radius: int, smoothing: float
) -> tuple[np.ndarray, ...]:
    """xx, xy, xz, yy, yz, zz of the 3x3 covariance matrix of each pixel's square, HxW each."""
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    return tuple(
        _mean(guide[..., a] * guide[..., b], radius) - mean[..., a] * mean[..., b] + smoothing * (a == b)
        for a, b in pairs
    )


def _solved(matrices: tuple[np.ndarray, ...], right: np.ndarray) -> np.ndarray:
    """HxWx3: x of A x = b, a symmetric positive 3x3 matrix and a vector at each pixel, by the adjugate."""
    xx, xy, xz, yy, yz, zz = matrices
    first = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    second = first[1], xx * zz - xz * xz, xy * xz - xx * yz
    third = first[2], second[2], xx * yy - xy * xy
    determinant = xx * first[0] + xy * first[1] + xz * first[2]
    adjugate = np.stack([np.stack(row, axis=-1) for row in (first, second, third)], axis=-2)
    return np.asarray(np.einsum("hwij,hwj->hwi", adjugate, right) / determinant[..., None])
