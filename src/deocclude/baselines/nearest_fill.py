"""The nearest visible pixel of the same person: the bar that learnt content has to pass."""

from __future__ import annotations

import numpy as np

from deocclude.nearest import filled_from_nearest


def nearest_visible_fill(photo: np.ndarray, visible: np.ndarray, invisible: np.ndarray) -> np.ndarray:
    """Every invisible pixel copies the nearest visible one; see `baselines.ContentBaseline`.

    Distances are those of `filled_from_nearest`. The photo is returned unpainted where nothing is visible.
    """
    return np.where(invisible[..., None], filled_from_nearest(photo, visible), photo)
