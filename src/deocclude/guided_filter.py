"""The guided filter of He, Sun and Tang (ECCV 2010) with a colour photo as the guide.

Within every small square a mask becomes a linear function of the photo's colour, so that its outline moves
onto the photo's edge where there is one nearby, and stays where there is none.
"""

from __future__ import annotations

import cv2
import numpy as np


class GuidedFilter:
    """Makes soft masks follow the colours of one guide, whose statistics all of them share."""

    def __init__(self, guide: np.ndarray, radius: int, smoothing: float) -> None:
        """guide: float32 HxWx3 in [0, 1].

        radius: of the squares, whose sides are 2 radius + 1 pixels. smoothing: the variance of colour
        (epsilon) below which a square counts as plain and a mask is averaged in it.
        """
        self._guide, self._radius = guide, radius
        self._mean_guide = _mean(guide, radius)
        self._adjugate, self._determinant = _adjugate(
            _covariances(guide, self._mean_guide, radius, smoothing)
        )

    def __call__(self, mask: np.ndarray) -> np.ndarray:
        """float32 HxW of a mask, float32 HxW in [0, 1]; the result may leave that range a little."""
        guide, radius = self._guide, self._radius
        mean_mask = _mean(mask, radius)
        shared = _mean(guide * mask[..., None], radius) - self._mean_guide * mean_mask[..., None]
        slope = np.einsum("hwij,hwj->hwi", self._adjugate, shared) / self._determinant[..., None]
        offset = mean_mask - _dot(slope, self._mean_guide)
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


def _adjugate(matrices: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """HxWx3x3 and HxW: adjugate and determinant of a symmetric positive 3x3 matrix at each pixel."""
    xx, xy, xz, yy, yz, zz = matrices
    first = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    second = first[1], xx * zz - xz * xz, xy * xz - xx * yz
    third = first[2], second[2], xx * yy - xy * xy
    determinant = xx * first[0] + xy * first[1] + xz * first[2]
    rows = [np.stack(row, axis=-1) for row in (first, second, third)]
    return np.stack(rows, axis=-2), determinant
