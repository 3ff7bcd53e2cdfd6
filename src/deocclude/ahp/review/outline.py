"""The outline of a mask along pixel edges, as SVG path and as polygons."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.crops import box_of

_LEAST_HOLE = 16
_PATH_TOLERANCE = 0.5
_POLYGON_TOLERANCE = 0.75


def rings_of(mask: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Closed rings of a bool HxW mask: int Nx2 pixel corners (x, y), and whether the ring is a hole.

    A ring runs along pixel edges, so the rings hold exactly the mask's pixels.
    """
    box = box_of(mask)
    if box is None:
        return []
    left, top, right, bottom = box
    double = mask[top:bottom, left:right].astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, hierarchy = cv2.findContours(double, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return [
        ((contour[:, 0] + 1) // 2 + (left, top), parent >= 0)
        for contour, parent in zip(contours, hierarchy[0, :, 3], strict=True)
    ]


def svg_path(mask: np.ndarray, left: int, top: int) -> str:
    """`d` of an SVG path around a bool HxW mask, seen from (left, top); fill it by the even-odd rule."""
    parts = []
    for ring, _ in rings_of(mask):
        simple = _simplified(ring, _PATH_TOLERANCE) - (left, top)
        parts.append("M" + "L".join(f"{x} {y}" for x, y in simple.tolist()) + "Z")
    return "".join(parts)


def polygons_of(mask: np.ndarray) -> list[list[float]]:
    """COCO polygons [x, y, x, y, ...] that together cover a bool HxW mask to within two pixels.

    Polygons have no holes: a mask with holes is cut through them. Holes of less than 16 pixels are filled.
    """
    polygons: list[list[float]] = []
    pieces = [_without_specks(mask)]
    while pieces:
        piece = pieces.pop()
        rings = rings_of(piece)
        holes = [ring for ring, hole in rings if hole]
        if holes:
            column = int(holes[0][:, 0].min() + holes[0][:, 0].max()) // 2
            column = max(column, int(holes[0][:, 0].min()) + 1)
            for part in (np.s_[:, column:], np.s_[:, :column]):
                side = np.zeros_like(piece)
                side[part] = piece[part]
                pieces.append(side)
            continue
        for ring, _ in rings:
            simple = _simplified(ring, _POLYGON_TOLERANCE)
            if len(simple) >= 3:
                polygons.append([float(value) for value in simple.ravel()])
    return polygons


def _simplified(ring: np.ndarray, tolerance: float) -> np.ndarray:
    return cv2.approxPolyDP(ring.astype(np.int32).reshape(-1, 1, 2), tolerance, True)[:, 0]


def _without_specks(mask: np.ndarray) -> np.ndarray:
    outside = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    small = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] < _LEAST_HOLE)
    return mask | np.isin(labels, small[small > 0])[1:-1, 1:-1]
