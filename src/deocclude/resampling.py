"""From a network's small square back to photo pixels, without staircases and without whole-window buffers."""

from __future__ import annotations

import numpy as np

from deocclude.crops import Box, SquareWindow
from deocclude.nearest import filled_from_nearest
from deocclude.parsing import UNLABELLED

SMOOTH = (1.0, 0.0)
"""Cubic B-spline: contours of what it makes are smooth. For soft masks."""
SHARP = (0.0, 0.5)
"""Catmull-Rom: keeps the contrast. For colours."""


def enlarge(
    crop: np.ndarray, window: SquareWindow, box: Box, kernel: tuple[float, float] = SMOOTH
) -> np.ndarray:
    """The photo pixels of `box` from what a network made of `window`.

    crop: float32 SxS over the whole window. Returns float32 (bottom-top)x(right-left): the crop resized
    to the window with a cubic kernel (Mitchell and Netravali's B, C; widened when sizing down), restricted to
    `box`.
    """
    left, top, right, bottom = box
    rows = _weights(crop.shape[0], window.side, top - window.top, bottom - window.top, kernel)
    columns = _weights(crop.shape[1], window.side, left - window.left, right - window.left, kernel)
    return rows @ crop @ columns.T


def enlarge_colours(crop: np.ndarray, window: SquareWindow, box: Box) -> np.ndarray:
    """The same for colours, float32 SxSxC, which keep their contrast."""
    planes = [enlarge(plane, window, box, SHARP) for plane in np.moveaxis(crop, -1, 0)]
    return np.stack(planes, axis=-1)


def enlarge_parsing(parsing: np.ndarray, mask: np.ndarray, window: SquareWindow, box: Box) -> np.ndarray:
    """Part map at photo pixels: inside `mask` always a part, 0 outside it.

    parsing: uint8 SxS over the window, 0 where no part is known: the nearest part fills in.
    mask: bool of the box's size. Each part's own map is enlarged like a soft mask and the strongest wins.
    Without any part, the mask is `UNLABELLED`.
    """
    parts = np.unique(parsing[parsing > 0])
    if parts.size == 0:
        return np.where(mask, np.uint8(UNLABELLED), np.uint8(0))
    filled = filled_from_nearest(parsing, parsing > 0)
    left, top, right, bottom = box
    size = parsing.shape[0]
    rows = _weights(size, window.side, top - window.top, bottom - window.top, SMOOTH)
    columns = _weights(size, window.side, left - window.left, right - window.left, SMOOTH)
    strongest = np.zeros(mask.shape, np.float32)
    winner = np.full(mask.shape, parts[0], np.uint8)
    for part in parts:
        here = (filled == part).astype(np.float32)
        at_rows, at_columns = _extent(rows @ here.any(axis=1)), _extent(columns @ here.any(axis=0))
        strength = rows[at_rows] @ here @ columns[at_columns].T
        wins = strength > strongest[at_rows, at_columns]
        strongest[at_rows, at_columns][wins] = strength[wins]
        winner[at_rows, at_columns][wins] = part
    return np.where(mask, winner, np.uint8(0))


def _weights(size: int, side: int, start: int, stop: int, kernel: tuple[float, float]) -> np.ndarray:
    """float32 (stop-start) x size: how much each of `size` cells gives to the window's pixels start..stop."""
    centres = (np.arange(start, stop, dtype=np.float32) + 0.5) * (size / side) - 0.5
    distance = np.abs(centres[:, None] - np.arange(size, dtype=np.float32)) / max(1.0, size / side)
    b, c = kernel
    near = (12 - 9 * b - 6 * c) * distance**3 + (-18 + 12 * b + 6 * c) * distance**2 + (6 - 2 * b)
    far = (
        (-b - 6 * c) * distance**3
        + (6 * b + 30 * c) * distance**2
        + (-12 * b - 48 * c) * distance
        + (8 * b + 24 * c)
    )
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0)).astype(np.float32)
    return weights / weights.sum(axis=1, keepdims=True)


def _extent(touched: np.ndarray) -> slice:
    inside = np.flatnonzero(touched > 0)
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)
