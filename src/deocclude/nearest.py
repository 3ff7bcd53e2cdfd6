"""What is known of some pixels, carried to all others."""

from __future__ import annotations

import cv2
import numpy as np


def filled_from_nearest(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A copy in which every pixel that is not known has the values of the nearest known one.

    values: HxW or HxWxC of any dtype; known: bool HxW. Distances are those of OpenCV's 5x5 chamfer mask, at
    most 3% longer than Euclidean ones. Where nothing is known, the values as they are.
    """
    filled = values.copy()
    if not known.any():
        return filled
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros((labels.max() + 1, *values.shape[2:]), values.dtype)
    of_label[labels[known]] = values[known]
    filled[~known] = of_label[labels[~known]]
    return filled
