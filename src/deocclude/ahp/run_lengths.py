"""COCO's compressed run lengths, which pycocotools decodes without a check."""

from __future__ import annotations


def uncompressed(counts: str | bytes) -> list[int]:
    """COCO's text of 6-bit groups, low ones first: 5 bits of value, one that says more follows.

    From the fourth number on each is the difference to the one two before it. Raises ValueError for any other
    text.
    """
    codes = counts if isinstance(counts, bytes) else counts.encode("ascii", "replace")
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        group = code - 48
        if not 0 <= group < 64 or shift > 60:
            raise ValueError("run lengths with foreign characters")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("run lengths that are cut off")
    return runs
