"""The photo that a candidate is in, checked against what its source said about it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.reader import load_rgb
from deocclude.errors import DeoccludeError


def photo_of(candidate: Candidate) -> np.ndarray:
    """uint8 HxWx3 RGB of the candidate's size; not to be written to: the last few photos are kept.

    Raises Unfit if the photo is missing, unreadable or of another size.
    """
    path = candidate.photo
    try:
        status = path.stat()
        photo = _load(path, status.st_mtime_ns, status.st_size)
    except (OSError, DeoccludeError) as error:
        where = str(error) if isinstance(error, DeoccludeError) else str(path)
        missing = not path.exists()
        raise Unfit("photo missing" if missing else "photo unreadable", f"{candidate.id}: {where}") from None
    if photo.shape[:2] != (candidate.height, candidate.width):
        raise Unfit(
            "photo of another size",
            f"{path}: {photo.shape[1]}x{photo.shape[0]}, but {candidate.id} is of a photo of "
            f"{candidate.width}x{candidate.height}",
        )
    return photo


@lru_cache(maxsize=4)
def _load(path: Path, changed: int, size: int) -> np.ndarray:
    return load_rgb(path)
