"""What a photo shows and a network's crop of it is too coarse for, carried from the visible to the hidden."""

from __future__ import annotations

import numpy as np

from deocclude.crops import Box, SquareWindow
from deocclude.resampling import enlarge_colours
from deocclude.result import Patch


def fine_detail(
    photo: np.ndarray, crop: np.ndarray, window: SquareWindow, visible: Patch, source: np.ndarray, box: Box
) -> np.ndarray:
    """float32 hxwx3 to add to the enlarged colours of `box`: the photo less its own enlarged crop.

    photo: uint8 HxWx3; crop: uint8 SxSx3 of `window`; visible: bool, where detail may come from. source:
    integer SxSx2, for each crop pixel the row and column of the one whose detail it gets. Every photo pixel
    takes that of one as far away as its crop pixel's source is, 0 if that one is not visible.
    """
    detail = photo[visible.rows_and_columns] / np.float32(255)
    detail -= enlarge_colours(crop / np.float32(255), window, visible.box)
    detail[~visible.values] = 0
    scale = window.side / len(crop)
    rows, columns = np.arange(box[1], box[3]), np.arange(box[0], box[2])
    cells = np.ix_(
        *(_cells(at, start, scale, len(crop)) for at, start in ((rows, window.top), (columns, window.left)))
    )
    away = np.rint((source[cells] - np.stack(np.broadcast_arrays(*cells), axis=-1)) * np.float32(scale))
    from_rows = rows[:, None] - visible.box[1] + away[..., 0].astype(np.int32)
    from_columns = columns - visible.box[0] + away[..., 1].astype(np.int32)
    height, width = visible.values.shape
    there = (from_rows >= 0) & (from_rows < height) & (from_columns >= 0) & (from_columns < width)
    found = detail[from_rows.clip(0, height - 1), from_columns.clip(0, width - 1)]
    return np.where(there[..., None], found, np.float32(0))


def _cells(at: np.ndarray, start: int, scale: float, size: int) -> np.ndarray:
    """The crop's row (or column) that holds each photo row."""
    return np.floor((at + 0.5 - start) / scale).astype(np.int64).clip(0, size - 1)
