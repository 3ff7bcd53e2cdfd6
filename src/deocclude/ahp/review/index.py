"""Fills the database from the workspace: the samples, what speaks against them, and their order."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from deocclude.ahp.engine import HERE, Engine
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.presort import LIMITS, measure, suggest
from deocclude.ahp.review.workspace import Segmentation, Workspace
from deocclude.ahp.work_files import stamp
from deocclude.errors import DeoccludeError

_BATCH = 64
_RANK = {"preserve": 0, None: 1, "refine": 2, "discard": 3}
_UNSEGMENTED = Segmentation("ok", {})


Found = dict[str, Any] | str | None
"""A sample's columns; a message if something is damaged; None if there is no mask to judge."""


@dataclass(frozen=True)
class IndexReport:
    """Samples with a mask; candidates without one; the reason for each unreadable line or mask, sorted."""

    samples: int
    without_mask: int
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    start: int
    content: bytes
    id: str
    fingerprint: str
    segmentation: Segmentation


def index(
    workspace: Workspace,
    database: Database,
    overlap: float = 0.0,
    judges: int = 2,
    progress: Callable[[int], None] = lambda count: None,
    engine: Engine = HERE,
) -> IndexReport:
    """Brings the table of samples up to date; run again after more was acquired or segmented.

    overlap: share of the samples, by a hash of their id, that `judges` people have to judge. progress: told
    how many candidates were just done. engine: spreads the looking at masks; the result does not depend on
    it. Decisions are never touched. Numbers are computed only for what is new or has changed, so a second
    start is quick. Raises DeoccludeError if an id is listed twice.
    """
    if not 0 <= overlap <= 1 or judges < 2:
        raise ValueError(f"overlap must be in [0, 1] and judges 2 or more, got {overlap} and {judges}")
    segmentations = workspace.segmentations()
    seen: set[str] = set()
    damaged: list[str] = []
    without_mask = 0
    lines = _read_lines(workspace, segmentations, damaged)
    ahead: deque[list[_Line]] = deque()

    def settle(batch: list[_Line], found: dict[str, Found]) -> None:
        nonlocal without_mask
        with database.transaction() as connection:
            for row in found.values():
                if isinstance(row, str):
                    damaged.append(row)
                elif row is None:
                    without_mask += 1
                else:
                    _store(connection, row)
            missing = {identity for identity, row in found.items() if not isinstance(row, dict)}
            present = [(line.start, line.id) for line in batch if line.id not in missing]
            connection.executemany("UPDATE sample SET start = ?, listed = 1 WHERE id = ?", present)
            gone = [(identity,) for identity in missing]
            connection.executemany("UPDATE sample SET listed = 0, fingerprint = '' WHERE id = ?", gone)
        progress(len(batch))

    def changed() -> Iterator[list[_Line]]:
        while batch := list(islice(lines, _BATCH)):
            _note_ids(workspace, batch, seen)
            with database.transaction() as connection:
                known = _known(connection, batch)
            if some := [line for line in batch if known.get(line.id) != line.fingerprint]:
                ahead.append(batch)
                yield some
            else:
                settle(batch, {})

    with closing(engine.spread(partial(_look, workspace.root.absolute()), changed())) as results:
        for found in results:
            settle(ahead.popleft(), found)
    with database.transaction() as connection:
        listed = [row[0] for row in connection.execute("SELECT id FROM sample WHERE listed")]
        gone = [(identity,) for identity in listed if identity not in seen]
        connection.executemany("UPDATE sample SET listed = 0 WHERE id = ?", gone)
        samples = _order(connection, overlap, judges)
    return IndexReport(samples, without_mask, tuple(sorted(damaged)))


def _read_lines(
    workspace: Workspace, segmentations: dict[str, Segmentation], damaged: list[str]
) -> Iterator[_Line]:
    for start, content in workspace.lines():
        try:
            identity = str(json.loads(content)["id"])
        except (ValueError, KeyError, TypeError):
            damaged.append(f"{workspace.candidates}: line at byte {start}: not a candidate; acquire again")
            continue
        segmentation = segmentations.get(identity, _UNSEGMENTED)
        stamps = stamp(workspace.mask_path(identity)), stamp(workspace.parsing_path(identity))
        parts = content, repr((stamps, sorted(segmentation.faults.items()), LIMITS)).encode()
        fingerprint = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        yield _Line(start, content, identity, fingerprint, segmentation)


def _known(connection: sqlite3.Connection, batch: list[_Line]) -> dict[str, str]:
    marks = ",".join("?" * len(batch))
    query = f"SELECT id, fingerprint FROM sample WHERE id IN ({marks})"
    return dict(tuple(row) for row in connection.execute(query, [line.id for line in batch]))


def _note_ids(workspace: Workspace, batch: list[_Line], seen: set[str]) -> None:
    for line in batch:
        if line.id in seen:
            raise DeoccludeError(
                f"{workspace.candidates}: {line.id} is listed twice; acquire the people again"
            )
        seen.add(line.id)


def _look(work: Path, lines: list[_Line]) -> dict[str, Found]:
    workspace = Workspace(work)
    return {line.id: _row(workspace, line) for line in lines}


def _row(workspace: Workspace, line: _Line) -> Found:
    try:
        candidate = workspace.parse(line.start, line.content)
        mask = workspace.mask_of(candidate)
        parsing = workspace.parsing_of(candidate)
    except DeoccludeError as error:
        return str(error)
    if mask is None:
        return None
    suggestion = suggest(measure(candidate, mask, line.segmentation.faults, parsing))
    return {
        "id": line.id,
        "start": line.start,
        "fingerprint": line.fingerprint,
        "score": suggestion.score,
        "suggestion": suggestion.decision,
        "automatic": suggestion.automatic,
        "reasons": json.dumps(suggestion.reasons),
    }


def _store(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO sample (id, start, fingerprint, listed, score, suggestion, automatic, reasons) "
        "VALUES (:id, :start, :fingerprint, 1, :score, :suggestion, :automatic, :reasons) "
        "ON CONFLICT (id) DO UPDATE SET start = :start, fingerprint = :fingerprint, score = :score, "
        "suggestion = :suggestion, automatic = :automatic, reasons = :reasons",
        row,
    )


def _order(connection: sqlite3.Connection, overlap: float, judges: int) -> int:
    """Likely Preserves first, likely Discards last, like beside like; returns the number of samples."""
    samples = connection.execute("SELECT id, suggestion, reasons, score FROM sample WHERE listed").fetchall()

    def rank(sample: sqlite3.Row) -> tuple[int, str, float, str]:
        reasons = json.loads(sample["reasons"])
        return _RANK[sample["suggestion"]], reasons[0] if reasons else "", sample["score"], sample["id"]

    placed = [
        (place, judges if _share(sample["id"]) < overlap else 1, sample["id"])
        for place, sample in enumerate(sorted(samples, key=rank))
    ]
    connection.executemany("UPDATE sample SET place = ?, wanted = ? WHERE id = ?", placed)
    return len(placed)


def _share(identity: str) -> float:
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") / 2**64
