"""Pixels in which nobody can tell the body from what is in front of it, where the source says so."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.ccp import CARRIED, CcpReader
from deocclude.ahp.layout import decode_map_of_size
from deocclude.ahp.reader import largest_component, load_label


def unknown_of(candidate: Candidate, mask: np.ndarray) -> np.ndarray:
    """bool HxW, outside the person's mask (bool HxW): CCP's bags and wallets that touch the person, and the
    UnknownRegions of AHP's layout; empty for other sources. Raises DeoccludeError for a malformed map."""
    if candidate.source == "ccp":
        root = candidate.photo.parent.parent
        carried = _carried(root)[load_label(root / "labels" / f"{candidate.photo.stem}.png", mask.shape)]  # type: ignore[arg-type]
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
    for index, name in enumerate(CcpReader(root, None).tags):  # type: ignore[arg-type]
        table[index] = name in CARRIED
    return table
