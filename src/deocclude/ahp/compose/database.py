"""`compose.sqlite`: people to work on, composites, votes, leases."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from deocclude.ahp.web import leases
from deocclude.ahp.web.database import SharedDatabase

VERSION = 1
_SCHEMA = f"""
CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO setting VALUES ('votes', 2), ('per_person', 1);
CREATE TABLE annotator (
    key TEXT PRIMARY KEY,                -- the name without case, which all other tables hold
    name TEXT NOT NULL                   -- as it was first written
);
CREATE TABLE person (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,              -- order of showing
    listed INTEGER NOT NULL              -- 0: is not in the data set any more
);
CREATE TABLE composite (
    id TEXT PRIMARY KEY,                 -- PERSON-NUMBER
    token TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    split TEXT NOT NULL,
    cutout TEXT NOT NULL,
    category TEXT NOT NULL,
    x REAL NOT NULL, y REAL NOT NULL, scale REAL NOT NULL, angle REAL NOT NULL,
    flipped INTEGER NOT NULL, look INTEGER NOT NULL,
    ratio REAL NOT NULL CHECK (ratio > 0 AND ratio <= 0.5),
    editor TEXT NOT NULL,
    seconds REAL NOT NULL,
    made REAL NOT NULL,
    withdrawn REAL
);
CREATE INDEX composite_person ON composite(person);
CREATE TABLE vote (
    token TEXT PRIMARY KEY,
    composite TEXT NOT NULL REFERENCES composite(id),
    voter TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('pass', 'fail')),
    seconds REAL NOT NULL,
    made REAL NOT NULL,
    undone REAL
);
CREATE UNIQUE INDEX vote_once ON vote(composite, voter) WHERE undone IS NULL;
CREATE VIEW tally AS
    SELECT c.id, c.person, c.editor, c.ratio, c.made,
        (SELECT COUNT(*) FROM vote v
            WHERE v.composite = c.id AND v.undone IS NULL AND v.verdict = 'pass') AS passes,
        (SELECT COUNT(*) FROM vote v
            WHERE v.composite = c.id AND v.undone IS NULL AND v.verdict = 'fail') AS fails,
        (SELECT value FROM setting WHERE name = 'votes') AS wanted
    FROM composite c WHERE c.withdrawn IS NULL;
{leases.SCHEMA}"""


class Database(SharedDatabase):
    """Opens or makes the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, VERSION, "compose")

    def list_people(self, identities: Iterable[str]) -> None:
        """These are the people to work on, in an order by a hash of their ids; others are shown no more."""
        placed = sorted(identities, key=lambda identity: hashlib.sha256(identity.encode()).digest())
        with self.transaction() as connection:
            connection.execute("UPDATE person SET listed = 0")
            connection.executemany(
                "INSERT INTO person VALUES (?, ?, 1) "
                "ON CONFLICT (id) DO UPDATE SET place = excluded.place, listed = 1",
                [(identity, place) for place, identity in enumerate(placed)],
            )

    def set(self, name: str, value: int) -> None:
        """Changes "votes" (that a composite needs) or "per_person" (composites)."""
        with self.transaction() as connection:
            connection.execute("UPDATE setting SET value = ? WHERE name = ?", (value, name))


def setting(connection: sqlite3.Connection, name: str) -> int:
    """The value of "votes" or "per_person"."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return int(row[0])
