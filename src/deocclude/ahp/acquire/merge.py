"""Sorted files into one, in little memory."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from deocclude.ahp.acquire.parts import lines_of
from deocclude.atomic import replacing

_FILES_AT_ONCE = 64


class Entry(NamedTuple):
    """id: what the files are sorted by. kept: a candidate's line, else a dropped one's."""

    id: str
    kept: bool
    text: str

    def to_line(self) -> str:
        return f"{self.id}\t{int(self.kept)}\t{self.text}"

    @classmethod
    def from_line(cls, line: str) -> Entry:
        identity, kept, text = line.split("\t", 2)
        return cls(identity, kept == "1", text)


def order(entry: Entry) -> tuple[str, bool]:
    """By id, dropped before kept; equal ones stay in the order of the files."""
    return entry.id, entry.kept


def merged(files: Sequence[Path], scratch: Path) -> Iterator[Entry]:
    """The entries of sorted part files, sorted. Any number of files: a few are open at a time."""
    level = 0
    while len(files) > _FILES_AT_ONCE:
        groups = [files[start : start + _FILES_AT_ONCE] for start in range(0, len(files), _FILES_AT_ONCE)]
        joined = [scratch / f"merged-{level}-{number:06d}" for number in range(len(groups))]
        for group, target in zip(groups, joined, strict=True):
            with (
                replacing(target) as temporary,
                temporary.open("w", encoding="utf-8", newline="\n") as stream,
            ):
                stream.write("merged\n")
                stream.writelines(f"{entry.to_line()}\n" for entry in _merge(group))
        files, level = joined, level + 1
    yield from _merge(files)


def _merge(files: Sequence[Path]) -> Iterator[Entry]:
    parse: Callable[[str], Entry] = Entry.from_line
    return heapq.merge(*(map(parse, lines_of(file)) for file in files), key=order)
