"""What a data set says about a person, checked: paths, photos, boxes, joints, label maps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from deocclude.crops import Box
from deocclude.errors import one_line

_FIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ORIENTATION = 0x0112
_ROUNDING = 1.0
"""Annotations may leave the photo by this many pixels: some count from 1."""


class Unfit(Exception):
    """A person, photo or file that cannot be used. reason and where: as in `Dropped`."""

    def __init__(self, reason: str, where: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.reason, self.where = reason, where


def fit_id(text: str) -> str:
    """`text` if it is fit for a candidate's id, else what is left of it and a hash that keeps it unique."""
    if _FIT.fullmatch(text):
        return text
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")[:80]
    return f"{cleaned or 'x'}.{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"


def relative(name: Any, where: str) -> PurePosixPath:
    """A file name of an annotation as a path below the data set. Raises Unfit for any other."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise Unfit("malformed file name", f"{where}: {str(name)[:80]!r}")
    windows = PureWindowsPath(name)
    if ".." in windows.parts or windows.anchor or PurePosixPath(name).is_absolute():
        raise Unfit("path leaves the data set", f"{where}: {name[:200]!r}")
    return PurePosixPath(name)


def first_existing(paths: Sequence[Path], reason: str = "photo missing") -> Path:
    """The first of some paths where a file is. Raises Unfit, naming the first, if there is none."""
    for path in paths:
        try:
            if path.is_file():
                return path
        except OSError:
            continue
    raise Unfit(reason, str(paths[0]))


def photo_size(path: Path) -> tuple[int, int]:
    """Height and width by the photo's header, as stored. Raises Unfit if it cannot be read.

    A photo with an EXIF orientation is unfit: data sets, libraries and browsers disagree on which way up its
    annotations are.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            orientation = image.getexif().get(_ORIENTATION, 1)
    except FileNotFoundError:
        raise Unfit("photo missing", str(path)) from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unfit("photo unreadable", f"{path}: {one_line(error)}") from None
    if orientation not in (0, 1):
        raise Unfit("photo stored turned (EXIF)", str(path))
    return height, width


def check_size(path: Path, found: tuple[int, int], stated: tuple[Any, Any]) -> None:
    """Raises Unfit unless the stated height and width (None: not stated) are those found."""
    if any(number is not None and number != real for number, real in zip(stated, found, strict=True)):
        raise Unfit(
            "photo of another size",
            f"{path}: {found[1]}x{found[0]}, the annotations say {stated[1]}x{stated[0]}",
        )


def whole_box(edges: Sequence[Any], height: int, width: int, where: str) -> Box:
    """The whole pixels that a box (left, top, right, bottom; numbers, exclusive ends) touches.

    Raises Unfit if it has no area or leaves the photo by more than rounding.
    """
    if len(edges) != 4 or not all(isinstance(edge, int | float) and np.isfinite(edge) for edge in edges):
        raise Unfit("malformed box", f"{where}: {list(edges)!r:.100}")
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        raise Unfit("box without area", f"{where}: {list(edges)!r:.100}")
    if min(left, top) < -_ROUNDING or right > width + _ROUNDING or bottom > height + _ROUNDING:
        raise Unfit("box outside the photo", f"{where}: {list(edges)!r:.100} in {width}x{height}")
    box = (
        max(0, int(np.floor(left))),
        max(0, int(np.floor(top))),
        min(width, int(np.ceil(right))),
        min(height, int(np.ceil(bottom))),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        raise Unfit("box outside the photo", f"{where}: {list(edges)!r:.100} in {width}x{height}")
    return box


def joints_of(values: Any, where: str) -> np.ndarray | None:
    """float64 Nx3 joints (x, y, 2 visible, 1 hidden, 0 unlabelled) of a flat list; None if none is labelled.

    Raises Unfit if they are no such list.
    """
    try:
        joints = np.array(values, dtype=np.float64).reshape(-1, 3)
    except (ValueError, TypeError):
        raise Unfit("malformed joints", where) from None
    if not np.isfinite(joints).all() or not np.isin(joints[:, 2], (0, 1, 2)).all():
        raise Unfit("malformed joints", where)
    return joints if (joints[:, 2] > 0).any() else None


def label_map(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """Integer HxW of a grey or palette PNG: the index, not the colour. size: the photo's height and width.

    Raises Unfit if it is missing, unreadable, in colour, or of another size.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "L", "1", "I", "I;16"):
                raise Unfit("mask unreadable", f"{path}: mode {image.mode}, neither grey nor palette")
            label = np.array(image)
            if label.dtype == np.bool_:
                label = label.astype(np.uint8)
    except FileNotFoundError:
        raise Unfit("mask missing", str(path)) from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unfit("mask unreadable", f"{path}: {one_line(error)}") from None
    if size is not None and label.shape != size:
        raise Unfit(
            "mask of another size",
            f"{path}: {label.shape[1]}x{label.shape[0]}, the photo {size[1]}x{size[0]}",
        )
    return label
