"""Pixels in which nobody can tell the body from what is in front of it, where the source says so."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire.checks import label_map
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.ccp import CARRIED, read_tags
from deocclude.ahp.layout import decode_map_of_size
from deocclude.ahp.reader import largest_component


def unknown_of(candidate: Candidate, mask: np.ndarray) -> np.ndarray:
    """bool HxW, outside the person's mask (bool HxW): CCP's bags and wallets that touch the person, and the
    UnknownRegions of AHP's layout; empty for other sources. Raises Unfit or
    DeoccludeError for a malformed map."""
    if candidate.source == "ccp":
        root = candidate.photo.parent.parent
        path = root / "labels" / f"{candidate.photo.stem}.png"
        carried = _carried(root)[label_map(path, (candidate.height, candidate.width))]
        whole, _ = largest_component(mask | carried)
        return np.asarray(carried & whole & ~mask)
    path = candidate.photo.parent.parent / "UnknownRegions" / f"{candidate.photo.stem}.png"
    if candidate.source == "ahp" and path.is_file():
        return (decode_map_of_size(path.read_bytes(), path, mask.shape) > 0) & ~mask
    return np.zeros_like(mask)


@lru_cache(maxsize=4)
def _carried(root: Path) -> np.ndarray:
    """bool 256: which values of a label map are things that a person carries."""
    table = np.zeros(256, dtype=bool)
    for index, name in enumerate(read_tags(root)):
        table[index] = name in CARRIED
    return table
