"""`deocclude ahp acquire`: data sets -> `candidates.jsonl` and `dropped.jsonl` of a workspace."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from deocclude.ahp.acquire import Dropped, PhotoEntry, Source, read_safely
from deocclude.ahp.acquire.limits import Limits
from deocclude.ahp.acquire.merge import Entry, merged, order
from deocclude.ahp.acquire.parts import cut, finish
from deocclude.ahp.engine import Engine
from deocclude.ahp.work_files import CANDIDATES, DROPPED
from deocclude.atomic import replacing

KEPT = "kept"

Summary = dict[str, Counter[str]]
"""Per source: how many were kept, and how many dropped for which reason."""

_SCRATCH = ".acquire"
_PHOTOS_A_PART = 256


def acquire(sources: Sequence[Source], out: Path, engine: Engine, limits: Limits | None = None) -> Summary:
    """Writes `candidates.jsonl` and `dropped.jsonl` of a workspace, sorted by id, of these sources alone.

    The bytes depend on the sources and `limits` only, not on the engine. What a killed run has read is not
    read again; its notes are in `out/.acquire` until the run is complete. The second of two equal ids is
    dropped.
    Raises DeoccludeError if a source cannot be opened.
    """
    out, limits = out.absolute(), limits or Limits()
    scratch = out / _SCRATCH
    files: list[Path] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[photos]} photos"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for source in sources:
            bar = progress.add_task(source.name, total=1.0, photos=0)
            parts = cut(source.photos(scratch / "index"), _PHOTOS_A_PART, scratch / source.name, f"{limits}")
            photos = 0
            for part in finish(parts, partial(_lines, source, limits), engine):
                files.append(part.file)
                photos += len(part.items)
                share = max((item.share for item in part.items if isinstance(item, PhotoEntry)), default=0.0)
                progress.update(bar, completed=share, photos=photos)
            progress.update(bar, completed=1.0)
    summary = _write(merged(files, scratch), out, [source.name for source in sources])
    shutil.rmtree(scratch, ignore_errors=True)
    return summary


def _lines(source: Source, limits: Limits, items: Iterable[PhotoEntry | Dropped]) -> list[str]:
    """The sorted lines of a part."""
    entries = []
    for item in items:
        for found in [item] if isinstance(item, Dropped) else read_safely(source, item):
            if not isinstance(found, Dropped):
                fault = limits.fault(found)
                if fault is None:
                    entries.append(Entry(found.id, True, found.to_json()))
                    continue
                found = Dropped(found.source, found.id, fault, str(found.photo))
            entries.append(Entry(_plain(found.id), False, found.to_json()))
    return [entry.to_line() for entry in sorted(entries, key=order)]


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _write(entries: Iterator[Entry], out: Path, names: Sequence[str]) -> Summary:
    summary: Summary = {name: Counter() for name in names}
    last = None
    with ExitStack() as stack:
        kept, dropped = (
            stack.enter_context(
                stack.enter_context(replacing(out / name)).open("w", encoding="utf-8", newline="\n")
            )
            for name in (CANDIDATES, DROPPED)
        )
        for entry in entries:
            if entry.kept and entry.id != last:
                kept.write(f"{entry.text}\n")
                summary[_source(entry)][KEPT] += 1
                last = entry.id
                continue
            text = entry.text
            if entry.kept:
                record = json.loads(text)
                text = Dropped(record["source"], entry.id, "duplicate id", record["photo"]).to_json()
            dropped.write(f"{text}\n")
            record = json.loads(text)
            summary[record["source"]][record["reason"]] += 1
    return summary


def _source(entry: Entry) -> str:
    return entry.id.partition("-")[0]
