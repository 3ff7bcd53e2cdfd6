"""What a page sends, read with suspicion: who asks, short texts, numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_TEXT = 256
_MOST_SECONDS = 1e9
Request = Mapping[str, Any]
Answer = dict[str, Any]


class Refused(Exception):
    """A request that cannot be met: an HTTP status and one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Viewer:
    """One tab of one annotator."""

    annotator: str
    client: str


def viewer_of(request: Request, reserved: Sequence[str] = ()) -> Viewer:
    """Who asks: "annotator", blanks made single, and "client". Raises Refused 400 for a reserved name."""
    annotator = " ".join(text_of(request, "annotator").split())
    if annotator.casefold() in reserved or not annotator.isprintable():
        raise Refused(400, "choose another name")
    return Viewer(annotator, text_of(request, "client"))


def text_of(request: Request, name: str) -> str:
    """A text of 1 to 256 characters that is not blank; else Refused 400."""
    value = request.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise Refused(400, f"{name} must be a short text")
    return value


def number_of(request: Request, name: str, least: float, most: float) -> float:
    """A finite number in [least, most]; else Refused 400."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(400, f"{name} must be a number")
    if not least <= value <= most:
        raise Refused(400, f"{name} must be {least:g} to {most:g}")
    return float(value)


def seconds_of(request: Request) -> float:
    """ "seconds": a number that is not negative; else Refused 400."""
    return number_of(request, "seconds", 0, _MOST_SECONDS)


def count_of(request: Request, most: int) -> int:
    """ "count": 1 to `most`, 1 if it is not there; else Refused 400."""
    count = request.get("count", 1)
    if not isinstance(count, int) or not 1 <= count <= most:
        raise Refused(400, f"count must be 1 to {most}")
    return count
