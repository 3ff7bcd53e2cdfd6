"""Masks as COCO writes them: run lengths (compressed or not) and polygons, read strictly.

pycocotools decodes run lengths that do not add up into whatever is in memory, and takes a polygon of two
points for a box; here both raise `Malformed`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as run_lengths

from deocclude.ahp.formats.person import Malformed
from deocclude.ahp.run_lengths import uncompressed
from deocclude.crops import box_of

_FARTHEST = 100_000


def encode_rle(mask: np.ndarray) -> dict[str, Any]:
    """COCO's compressed run lengths of a bool HxW mask: `size` [H, W] and `counts`, a string."""
    runs = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in runs["size"]], "counts": runs["counts"].decode()}


def decode_rle(record: Any, height: int, width: int) -> np.ndarray:
    """bool HxW of run lengths; raises Malformed if they are of another size or do not add up to it."""
    try:
        size, counts = [int(side) for side in record["size"]], record["counts"]
    except (KeyError, TypeError, ValueError):
        raise Malformed("run lengths without size and counts; export the mask again") from None
    if size != [height, width]:
        raise Malformed(f"the mask is {size[::-1]} pixels, its photo {[width, height]}; make them one size")
    try:
        runs = uncompressed(counts) if isinstance(counts, str | bytes) else counts
    except ValueError as error:
        raise Malformed(f"{error}; export the mask again") from None
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise Malformed("run lengths that are no list of counts; export the mask again")
    if sum(runs) != height * width:
        raise Malformed(f"run lengths of {sum(runs)} pixels for {height * width}; export the mask again")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def fill_polygons(polygons: Any, height: int, width: int) -> np.ndarray:
    """bool HxW: the union of polygons [x, y, x, y, ...], filled by the COCO API; no polygon, no pixel."""
    checked = [_checked_polygon(polygon) for polygon in polygons]
    if not checked:
        return np.zeros((height, width), dtype=bool)
    return run_lengths.decode(run_lengths.merge(run_lengths.frPyObjects(checked, height, width))).astype(bool)


def _checked_polygon(polygon: Any) -> list[float]:
    try:
        values = [float(value) for value in polygon]
    except (TypeError, ValueError):
        raise Malformed("a polygon that is no list of numbers; draw it again") from None
    if len(values) < 6 or len(values) % 2:
        raise Malformed(f"a polygon of {len(values) / 2:g} points; it needs at least 3, x and y each")
    if not all(abs(value) <= _FARTHEST for value in values):
        raise Malformed("a polygon with a point far outside the photo; draw it again")
    return values


def read_mask(segmentation: Any, height: int, width: int) -> np.ndarray:
    """bool HxW of whatever stands for a mask: run lengths, polygons, or one flat polygon."""
    if isinstance(segmentation, dict):
        return decode_rle(segmentation, height, width)
    if not isinstance(segmentation, list):
        raise Malformed("a mask that is neither polygons nor run lengths; export it again")
    if segmentation and not isinstance(segmentation[0], list):
        return fill_polygons([segmentation], height, width)
    return fill_polygons(segmentation, height, width)


def read_visible_and_hidden(record: dict[str, Any], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """modal, amodal of `segmentation` (whole), `visible_mask`, `invisible_mask` (both absent: all visible).

    Where both parts are stored, their union is the whole: run lengths are exact, the polygon was rounded by
    whoever filled it.
    """
    visible, hidden = record.get("visible_mask"), record.get("invisible_mask")
    if visible is None:
        amodal = read_mask(record["segmentation"], height, width)
        return (amodal if hidden is None else amodal & ~read_mask(hidden, height, width)), amodal
    modal = read_mask(visible, height, width)
    if hidden is None:
        return modal, read_mask(record["segmentation"], height, width)
    return modal, modal | read_mask(hidden, height, width)


def box_xywh(mask: np.ndarray) -> list[int]:
    """COCO's box of a bool HxW mask: left, top, width, height; zeros for an empty one."""
    left, top, right, bottom = box_of(mask) or (0, 0, 0, 0)
    return [left, top, right - left, bottom - top]
