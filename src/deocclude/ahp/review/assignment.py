"""Who looks at what: leases, so that two people never get the same sample unless both are wanted."""

from __future__ import annotations

import sqlite3
from typing import Literal

from deocclude.ahp.review.decisions import consensus_of, judgements_of
from deocclude.ahp.web import leases
from deocclude.ahp.web.requests import Viewer

Task = Literal["judge", "refine"]


def take(
    connection: sqlite3.Connection, viewer: Viewer, task: Task, count: int, now: float, lease_seconds: float
) -> list[sqlite3.Row]:
    """Leases up to `count` samples to the viewer and returns their rows, the skipped ones last."""
    leases.expire(connection, now)
    rows: list[sqlite3.Row] = []
    for skipped in (False, True):
        if len(rows) < count:
            find = _to_judge if task == "judge" else _to_refine
            rows += find(connection, viewer, count - len(rows), skipped)
    for row in rows:
        leases.lease(connection, viewer, task, row["id"], now + lease_seconds)
    return rows


def is_free(connection: sqlite3.Connection, viewer: Viewer, sample: str, now: float) -> bool:
    """Whether the sample still wants a judgement that nobody else is about to give."""
    others = connection.execute(
        "SELECT COUNT(DISTINCT annotator) FROM lease "
        "WHERE sample = ? AND task = 'judge' AND annotator <> ? AND expires > ?",
        (sample, viewer.annotator, now),
    ).fetchone()[0]
    row = connection.execute("SELECT judged, wanted FROM sample WHERE id = ?", (sample,)).fetchone()
    return bool(row["judged"] + others < row["wanted"])


def _to_judge(connection: sqlite3.Connection, viewer: Viewer, count: int, skipped: bool) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM sample s WHERE listed AND judged < wanted "
        "AND judged + (SELECT COUNT(DISTINCT annotator) FROM lease l "
        "  WHERE l.sample = s.id AND task = 'judge') < wanted "
        "AND NOT EXISTS (SELECT 1 FROM lease l "
        "  WHERE l.sample = s.id AND task = 'judge' AND annotator = :name) "
        "AND NOT EXISTS (SELECT 1 FROM decision d "
        "  WHERE d.sample = s.id AND annotator = :name AND undone IS NULL) "
        "AND EXISTS (SELECT 1 FROM skipped k "
        "  WHERE k.sample = s.id AND task = 'judge' AND annotator = :name) = :skipped "
        "ORDER BY place LIMIT :count",
        {"name": viewer.annotator, "skipped": skipped, "count": count},
    ).fetchall()


def _to_refine(
    connection: sqlite3.Connection, viewer: Viewer, count: int, skipped: bool
) -> list[sqlite3.Row]:
    rows = connection.execute(
        "SELECT * FROM sample s WHERE listed "
        "AND EXISTS (SELECT 1 FROM decision d "
        "  WHERE d.sample = s.id AND decision = 'refine' AND undone IS NULL) "
        "AND NOT EXISTS (SELECT 1 FROM refined r WHERE r.sample = s.id) "
        "AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.sample = s.id AND task = 'refine') "
        "AND EXISTS (SELECT 1 FROM skipped k "
        "  WHERE k.sample = s.id AND task = 'refine' AND annotator = :name) = :skipped "
        "ORDER BY place",
        {"name": viewer.annotator, "skipped": skipped},
    )
    found: list[sqlite3.Row] = []
    for row in rows:
        if len(found) == count:
            break
        if consensus_of(judgements_of(connection, row["id"])) == "refine":
            found.append(row)
    return found
