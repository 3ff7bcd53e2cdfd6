"""How much two bool masks of the same size have in common, in [0, 1]; 0 where one is empty."""

from __future__ import annotations

import numpy as np


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union."""
    return float((first & second).sum() / max(1, (first | second).sum()))


def share_of_smaller(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over the area of the smaller mask."""
    return float((first & second).sum() / max(1, min(first.sum(), second.sum())))
