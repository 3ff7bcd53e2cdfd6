"""Boundary F-score of masks (Perazzi et al., CVPR 2016): a mask may overlap well and have an ugly edge."""

from __future__ import annotations

import math

import cv2
import numpy as np

from deocclude.crops import SquareWindow, box_of, rows_and_columns

TOLERANCE = 0.008
"""How far apart two outlines may be, as a share of the window's diagonal (DAVIS: of the image's diagonal)."""


def tolerance_in(window: SquareWindow) -> int:
    """`TOLERANCE` in whole pixels, rounded up."""
    return math.ceil(TOLERANCE * math.sqrt(2) * window.side)


def boundary_of(mask: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool HxW: pixels whose value differs from the one to the right, below, or diagonally below.

    Both pixels have to be known (bool HxW). The photo's border is no boundary.
    """
    boundary = np.zeros_like(mask)
    height, width = mask.shape
    for down, right in ((0, 1), (1, 0), (1, 1)):
        here = slice(0, height - down), slice(0, width - right)
        there = slice(down, height), slice(right, width)
        boundary[here] |= (mask[here] != mask[there]) & known[here] & known[there]
    return boundary


def boundary_f(prediction: np.ndarray, truth: np.ndarray, known: np.ndarray, tolerance: int) -> float:
    """F-score in [0, 1] of two bool HxW masks' boundaries.

    Precision: the share of the predicted boundary within `tolerance` pixels (Euclidean) of the true one;
    recall: the share of the true boundary within it of the predicted one. 1 if neither mask has a boundary
    among the known pixels, 0 if only one has.
    """
    predicted, true = boundary_of(prediction, known), boundary_of(truth, known)
    box = box_of(predicted | true)
    if box is None:
        return 1.0
    predicted, true = (boundary[rows_and_columns(box)] for boundary in (predicted, true))
    if not predicted.any() or not true.any():
        return 0.0
    precision = _share_near(predicted, true, tolerance)
    recall = _share_near(true, predicted, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(boundary: np.ndarray, other: np.ndarray, tolerance: int) -> float:
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[boundary] <= tolerance + 1e-3).mean())
