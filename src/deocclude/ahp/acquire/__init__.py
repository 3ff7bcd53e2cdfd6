"""Section 4.1, step 1: the people of data sets on disk, as candidates that nobody has judged yet.

A source lists its photos (cheap, a stream) and reads one photo at a time (any process may); `run.acquire`
spreads the photos over processes and writes the workspace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from deocclude.ahp.candidate import Candidate


@dataclass(frozen=True)
class Dropped:
    """One line of a workspace's `dropped.jsonl`: what is no candidate, and why.

    id: what the candidate's would have been; "" where a file or a line is at fault. reason: one of a few
    fixed phrases, to be counted. where: the file, with the line or the annotation.
    """

    source: str
    id: str
    reason: str
    where: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class PhotoEntry:
    """A photo that a source lists. payload: strings, numbers and tuples of them, what `read` needs to know.

    share: of the source that is listed with it, in [0, 1], for the progress bar.
    """

    key: str
    payload: tuple[Any, ...]
    share: float


class Source(Protocol):
    """A data set on disk. `name` has no dash: it stands before the first dash of the candidates' ids."""

    name: str

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        """Every photo with people, always in the same order; `scratch` is a folder for an index, kept between
        runs. Raises DeoccludeError if the source cannot be opened at all."""
        ...

    def read(self, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
        """The people of one photo. May raise `checks.Unfit` for the photo as a whole."""
        ...


def candidates(source: Source, scratch: Path) -> Iterator[Candidate | Dropped]:
    """Everybody in a source, one after the other, in one process."""
    for entry in source.photos(scratch):
        if isinstance(entry, Dropped):
            yield entry
        else:
            yield from read_safely(source, entry)


def read_safely(source: Source, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
    """`source.read` of one photo; whatever is wrong with its data becomes a `Dropped`, never an exception."""
    from deocclude.ahp.acquire.checks import Unfit
    from deocclude.errors import DeoccludeError, described

    try:
        yield from source.read(entry)
    except Unfit as fault:
        yield Dropped(source.name, f"{source.name}-{entry.key}", fault.reason, fault.where)
    except (DeoccludeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        where = described(error, entry.key)
        yield Dropped(source.name, f"{source.name}-{entry.key}", "malformed annotation", where)
