"""The part of the photo that an annotator sees of one candidate, and the outline drawn over it."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import cv2
import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.layout import encode_jpeg, encode_png
from deocclude.ahp.review.outline import svg_path
from deocclude.ahp.review.workspace import Workspace
from deocclude.crops import Box
from deocclude.errors import DeoccludeError

_MARGIN = 0.3
_LONGEST = 1000


def window_of(candidate: Candidate) -> Box:
    """The candidate's box with 0.3 of its longer side around it, inside the photo; no mask moves it."""
    left, top, right, bottom = candidate.box
    margin = round(_MARGIN * max(right - left, bottom - top))
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(candidate.width, right + margin),
        min(candidate.height, bottom + margin),
    )


def photo_jpeg(workspace: Workspace, candidate: Candidate, *, native: bool) -> bytes:
    """JPEG of the window; its longer side is shrunk to 1000 pixels unless `native`."""
    left, top, right, bottom = window_of(candidate)
    crop = np.ascontiguousarray(workspace.photo_of(candidate)[top:bottom, left:right])
    if native:
        return encode_jpeg(crop, 95)
    scale = _LONGEST / max(crop.shape)
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return encode_jpeg(crop, 88)


def mask_png(workspace: Workspace, candidate: Candidate) -> bytes:
    """PNG (0 and 255) of the mask in the window, pixel by pixel."""
    left, top, right, bottom = window_of(candidate)
    mask = workspace.mask_of(candidate)
    if mask is None:
        mask = np.zeros((candidate.height, candidate.width), dtype=bool)
    return encode_png(mask[top:bottom, left:right])


def describe(workspace: Workspace, row: sqlite3.Row) -> dict[str, Any]:
    """What the page needs to know of one sample; coordinates are the window's.

    Where several people have to judge, nothing is suggested, so that their agreement is their own.
    """
    alone = row["wanted"] == 1
    view: dict[str, Any] = {
        "id": row["id"],
        "suggestion": row["suggestion"] if alone else None,
        "reasons": json.loads(row["reasons"]) if alone else [],
    }
    try:
        candidate = workspace.candidate_at(row["start"])
        mask = workspace.mask_of(candidate)
    except DeoccludeError as error:
        return view | {"error": str(error)}
    left, top, right, bottom = window_of(candidate)
    if mask is None:
        return view | {"error": f"{workspace.mask_path(candidate.id)}: there is no mask any more"}
    return view | {
        "width": right - left,
        "height": bottom - top,
        "outline": svg_path(mask, left, top),
        "others": [[x - left, y - top, x2 - left, y2 - top] for x, y, x2, y2 in candidate.others],
        "joints": _joints(candidate, left, top),
    }


def _joints(candidate: Candidate, left: int, top: int) -> list[list[float]]:
    if candidate.joints is None:
        return []
    seen = candidate.joints[candidate.joints[:, 2] > 0]
    return [[round(x - left, 1), round(y - top, 1), int(state)] for x, y, state in seen.tolist()]
