"""COCO's `segmentation` (polygons, run lengths, compressed run lengths), checked before it is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as rle

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.run_lengths import uncompressed
from deocclude.errors import one_line

EMPTY = "empty mask"


def mask_of(segmentation: Any, height: int, width: int, where: str) -> np.ndarray | None:
    """bool height x width, not empty; None if the annotation has no segmentation.

    Raises Unfit for polygons of less than three points or far outside the photo, run lengths that do not fill
    their size or are for another size, and masks without a pixel.
    """
    if segmentation is None or segmentation == [] or segmentation == {}:
        return None
    if isinstance(segmentation, list):
        _check_polygons(segmentation, height, width, where)
    elif isinstance(segmentation, dict):
        _check_runs(segmentation, height, width, where)
    else:
        raise Unfit("malformed mask", f"{where}: neither polygons nor run lengths")
    try:
        mask = _decode(segmentation, height, width)
    except Exception as error:  # pycocotools raises bare Exception for input of a wrong kind
        raise Unfit("malformed mask", f"{where}: {one_line(error)}") from None
    if mask.shape != (height, width):
        raise Unfit("malformed mask", f"{where}: decodes to {mask.shape}")
    if not mask.any():
        raise Unfit(EMPTY, where)
    return mask


def _decode(segmentation: Any, height: int, width: int) -> np.ndarray:
    if isinstance(segmentation, list):
        runs = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = rle.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return np.asarray(rle.decode(runs)).astype(bool)


def _check_polygons(polygons: list[Any], height: int, width: int, where: str) -> None:
    for polygon in polygons:
        try:
            points = np.array(polygon, dtype=np.float64)
        except (ValueError, TypeError):
            raise Unfit("malformed polygon", f"{where}: not a list of numbers") from None
        if points.ndim != 1 or points.size < 6 or points.size % 2:
            raise Unfit("malformed polygon", f"{where}: {points.size} numbers are no three points")
        x, y = points[::2], points[1::2]
        inside = (x >= -width) & (x <= 2 * width) & (y >= -height) & (y <= 2 * height)
        if not inside.all():
            raise Unfit("malformed polygon", f"{where}: a point far outside the photo")


def _check_runs(runs: dict[str, Any], height: int, width: int, where: str) -> None:
    size, counts = runs.get("size"), runs.get("counts")
    if not isinstance(size, list) or len(size) != 2:
        raise Unfit("malformed mask", f"{where}: run lengths without a size")
    if size != [height, width]:
        raise Unfit("mask of another size", f"{where}: {size[1]}x{size[0]}, the photo {width}x{height}")
    if isinstance(counts, str):
        try:
            counts = uncompressed(counts)
        except ValueError:
            counts = []
        if not _fills(counts, height * width):
            raise Unfit("malformed mask", f"{where}: run lengths do not fill the photo")
    elif not isinstance(counts, list) or not all(isinstance(run, int) and run >= 0 for run in counts):
        raise Unfit("malformed mask", f"{where}: run lengths are not counts")
    elif not _fills(counts, height * width):
        raise Unfit("malformed mask", f"{where}: run lengths do not fill the photo")


def _fills(counts: list[int], pixels: int) -> bool:
    return sum(counts) == pixels and min(counts, default=0) >= 0
