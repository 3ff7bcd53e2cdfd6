"""Any mask as one polygon that the COCO API fills back to the same pixels, bit for bit."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

Point = tuple[int, int]


def outline(mask: np.ndarray) -> list[int]:
    """[x, y, x, y, ...] in whole pixels along the pixels' edges; [] for an empty bool HxW mask.

    Further parts and holes hang on the first outline by cuts of no width, walked there and back: the COCO API
    fills by counting crossings, so the cuts cancel out and holes stay open.
    """
    loops = _loops(mask)
    path: list[Point] = []
    for loop in loops:
        path += loop
        if len(loops) > 1:
            path.append(loop[0])
    path += [loop[0] for loop in loops[-2:0:-1]]
    steps = zip([None, *path], path, strict=False)
    return [value for before, point in steps if point != before for value in point]


def _loops(mask: np.ndarray) -> list[list[Point]]:
    """Closed walks along the edges between mask and background, body on the right; corners only."""
    ends = _edges(mask)
    loops = []
    for start in sorted(ends):
        while ends[start]:
            corners: list[Point] = []
            point, direction = start, (0, 0)
            while not corners or point != start:
                following = ends[point].pop()
                step = _sign(following[0] - point[0]), _sign(following[1] - point[1])
                if step != direction:
                    corners.append(point)
                point, direction = following, step
            loops.append(corners)
    return loops


def _edges(mask: np.ndarray) -> dict[Point, list[Point]]:
    """Where each unit edge of the boundary leads, by its start (x, y)."""
    padded = np.pad(mask, 1)
    body = padded[1:-1, 1:-1]
    ends: dict[Point, list[Point]] = defaultdict(list)
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    for neighbour, first, last in sides:
        rows, columns = np.nonzero(body & ~neighbour)
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
            ends[x + first[0], y + first[1]].append((x + last[0], y + last[1]))
    return ends


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
