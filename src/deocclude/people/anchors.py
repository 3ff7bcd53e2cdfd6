"""The anchors of BlazePose's single-shot detector (Bazarevsky et al., 2020; 224 x 224 input)."""

from __future__ import annotations

import numpy as np

INPUT_SIZE = 224
_STRIDES = (8, 16, 32, 32, 32)
_ANCHORS_PER_CELL = 2


def anchor_centres() -> np.ndarray:
    """float32 2254x2: x and y of every anchor in [0, 1], in the order of the detector's output.

    Layers of equal stride share their grid, so a cell of the stride 32 grid holds six anchors in a row. All
    anchors have size 1: only their centres matter.
    """
    grids = []
    for stride in sorted(set(_STRIDES)):
        cells = INPUT_SIZE // stride
        per_cell = _ANCHORS_PER_CELL * _STRIDES.count(stride)
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) / cells
        grids.append(np.repeat(centres, per_cell, axis=0))
    return np.concatenate(grids).astype(np.float32)
