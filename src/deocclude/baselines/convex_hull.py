"""The convex-hull baseline of PCNets (Zhan et al., CVPR 2020)."""

from __future__ import annotations

import cv2
import numpy as np


def convex_hull(modal: np.ndarray, occluder: np.ndarray | None = None) -> np.ndarray:
    """Amodal mask, bool HxW: the convex hull of the visible mask (bool HxW); see `baselines.MaskBaseline`.

    With `occluder` (bool HxW, what may lie in front) the mask grows only where something can hide it. An
    empty mask stays empty.
    """
    rows, columns = np.nonzero(modal)
    if rows.size == 0:
        return modal.copy()
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros(modal.shape, np.uint8), hull, 1).astype(bool)
    return modal | filled if occluder is None else modal | (filled & occluder)
