"""Who composes which person, and who votes on which composite, so that nobody does what another does."""

from __future__ import annotations

import sqlite3
from typing import Literal

from deocclude.ahp.web import leases
from deocclude.ahp.web.requests import Viewer

Task = Literal["compose", "vote"]

_PEOPLE = (
    "SELECT p.id FROM person p WHERE listed "
    "AND (SELECT COUNT(*) FROM composite c WHERE c.person = p.id AND withdrawn IS NULL) "
    "  + (SELECT COUNT(*) FROM lease l WHERE l.sample = p.id AND task = 'compose') "
    "  < (SELECT value FROM setting WHERE name = 'per_person') "
    "AND NOT EXISTS (SELECT 1 FROM lease l "
    "  WHERE l.sample = p.id AND task = 'compose' AND annotator = :name) "
    "AND EXISTS (SELECT 1 FROM skipped k "
    "  WHERE k.sample = p.id AND task = 'compose' AND annotator = :name) = :skipped "
    "ORDER BY (SELECT COUNT(*) FROM composite c WHERE c.person = p.id AND withdrawn IS NULL), place "
    "LIMIT :count"
)
_COMPOSITES = (
    "SELECT t.id FROM tally t WHERE editor <> :name AND fails = 0 "
    "AND passes + (SELECT COUNT(DISTINCT annotator) FROM lease l "
    "  WHERE l.sample = t.id AND task = 'vote') < wanted "
    "AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.sample = t.id AND task = 'vote' AND annotator = :name) "
    "AND NOT EXISTS (SELECT 1 FROM vote v "
    "  WHERE v.composite = t.id AND voter = :name AND undone IS NULL) "
    "AND EXISTS (SELECT 1 FROM skipped k "
    "  WHERE k.sample = t.id AND task = 'vote' AND annotator = :name) = :skipped "
    "ORDER BY made, id LIMIT :count"
)


def take(
    connection: sqlite3.Connection, viewer: Viewer, task: Task, count: int, now: float, lease_seconds: float
) -> list[str]:
    """Leases up to `count` people or composites to the viewer and returns their ids, skipped ones last."""
    leases.expire(connection, now)
    found: list[str] = []
    query = _PEOPLE if task == "compose" else _COMPOSITES
    for skipped in (False, True):
        values = {"name": viewer.annotator, "skipped": skipped, "count": count - len(found)}
        found += [row[0] for row in connection.execute(query, values)]
    for identity in found:
        leases.lease(connection, viewer, task, identity, now + lease_seconds)
    return found


def may_vote(connection: sqlite3.Connection, viewer: Viewer, composite: str, now: float) -> bool:
    """Whether the composite, which is not withdrawn, still wants a vote that nobody else is about to give."""
    others = connection.execute(
        "SELECT COUNT(DISTINCT annotator) FROM lease "
        "WHERE sample = ? AND task = 'vote' AND annotator <> ? AND expires > ?",
        (composite, viewer.annotator, now),
    ).fetchone()[0]
    row = connection.execute("SELECT * FROM tally WHERE id = ?", (composite,)).fetchone()
    return bool(row["fails"] == 0 and row["passes"] + others < row["wanted"])
