"""What a photo shows and a network's crop of it is too coarse for, carried from the visible to the hidden."""

from __future__ import annotations

import numpy as np

from deocclude.crops import Box, SquareWindow, rows_and_columns
from deocclude.resampling import enlarge_colours
from deocclude.result import Patch


def fine_detail(
    photo: np.ndarray, crop: np.ndarray, window: SquareWindow, visible: Patch, source: np.ndarray, box: Box
) -> np.ndarray:
    """float32 hxwx3 to add to the enlarged colours of `box`: the photo less its own enlarged crop.

    photo: uint8 HxWx3; crop: uint8 SxSx3 of `window`; visible: bool, where detail may come from. source:
    integer SxSx2, for each crop pixel the row and column of the one whose detail it gets. Every photo pixel
    takes that of one as far away as its crop pixel's source is, 0 if that one is not visible. It counts as
    much as the crop pixels around have their sources equally far away: detail torn apart is noise.
    """
    detail = photo[rows_and_columns(visible.box)] / np.float32(255)
    detail -= enlarge_colours(crop / np.float32(255), window, visible.box)
    detail[~visible.values] = 0
    scale = window.side / len(crop)
    away = source - np.moveaxis(np.indices(source.shape[:2]), 0, -1)
    rows, columns = np.arange(box[1], box[3]), np.arange(box[0], box[2])
    cells = np.ix_(
        _cells(rows - window.top, scale, len(crop)), _cells(columns - window.left, scale, len(crop))
    )
    steps = np.rint(away * np.float32(scale)).astype(np.int32)[cells]
    from_rows = rows[:, None] - visible.box[1] + steps[..., 0]
    from_columns = columns - visible.box[0] + steps[..., 1]
    height, width = visible.values.shape
    there = (from_rows >= 0) & (from_rows < height) & (from_columns >= 0) & (from_columns < width)
    weight = np.where(there, _coherence(away)[cells], np.float32(0))
    found = detail[from_rows.clip(0, height - 1), from_columns.clip(0, width - 1)]
    return np.asarray(found * weight[..., None])


def _coherence(away: np.ndarray) -> np.ndarray:
    """float32 SxS: the share of the eight neighbours whose integer HxWx2 values are the same."""
    around = np.pad(away, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = away.shape[:2]
    same = [
        (around[row : row + height, column : column + width] == away).all(axis=-1)
        for row in range(3)
        for column in range(3)
        if (row, column) != (1, 1)
    ]
    return np.asarray(np.mean(same, axis=0, dtype=np.float32))


def _cells(at: np.ndarray, scale: float, size: int) -> np.ndarray:
    """The crop's row (or column) that holds each of the window's."""
    return np.floor((at + 0.5) / scale).astype(np.int64).clip(0, size - 1)
