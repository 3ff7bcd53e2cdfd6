"""What the files of a workspace are called (docs/acquire.md, docs/review.md), and whether one has changed."""

from __future__ import annotations

from pathlib import Path

CANDIDATES = "candidates.jsonl"
DROPPED = "dropped.jsonl"
SEGMENTED = "segmented.jsonl"
REVIEW = "review.sqlite"
DECISIONS = "decisions.jsonl"


def mask_file(work: Path, identity: str) -> Path:
    """The visible mask of a candidate, by `segment` or mended since."""
    return work / "masks" / f"{identity}.png"


def first_mask_file(work: Path, identity: str) -> Path:
    """The mask that was there before the first mending."""
    return work / "masks-before" / f"{identity}.png"


def parsing_file(work: Path, identity: str) -> Path:
    """The map of LIP indices of a candidate."""
    return work / "parsing" / f"{identity}.png"


def stamp(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of the last change in nanoseconds; None if there is no such file to be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
