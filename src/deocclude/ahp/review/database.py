"""`review.sqlite`: samples, decisions, leases. WAL, one transaction a step: a kill loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deocclude.errors import DeoccludeError

VERSION = 1
_SCHEMA = """
CREATE TABLE sample (
    id TEXT PRIMARY KEY,
    start INTEGER NOT NULL,              -- byte of its line in candidates.jsonl
    fingerprint TEXT NOT NULL,           -- of the line, the mask file, the faults and the pre-sort's limits
    listed INTEGER NOT NULL,             -- 0: has no line or no mask any more
    place INTEGER NOT NULL DEFAULT 0,    -- order of showing
    score REAL NOT NULL,
    suggestion TEXT,
    automatic TEXT NOT NULL,
    reasons TEXT NOT NULL,               -- JSON list
    wanted INTEGER NOT NULL DEFAULT 1,   -- people who have to judge it
    judged INTEGER NOT NULL DEFAULT 0    -- people who have
);
CREATE INDEX sample_open ON sample(place) WHERE listed AND judged < wanted;
CREATE TABLE decision (
    token TEXT PRIMARY KEY,
    sample TEXT NOT NULL REFERENCES sample(id),
    annotator TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('discard', 'preserve', 'refine')),
    seconds REAL NOT NULL,
    auto INTEGER NOT NULL,
    made REAL NOT NULL,
    undone REAL
);
CREATE UNIQUE INDEX decision_once ON decision(sample, annotator) WHERE undone IS NULL;
CREATE INDEX decision_latest ON decision(annotator, made);
CREATE TABLE lease (
    sample TEXT NOT NULL, task TEXT NOT NULL, annotator TEXT NOT NULL, client TEXT NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (sample, task, annotator, client)
) WITHOUT ROWID;
CREATE TABLE skipped (
    sample TEXT NOT NULL, task TEXT NOT NULL, annotator TEXT NOT NULL,
    PRIMARY KEY (sample, task, annotator)
) WITHOUT ROWID;
CREATE TABLE refined (
    sample TEXT PRIMARY KEY REFERENCES sample(id),
    token TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    seconds REAL NOT NULL,
    source TEXT NOT NULL,
    made REAL NOT NULL
);
"""


class Database:
    """Opens or makes the file. Each transaction has its own connection: threads and processes share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.transaction() as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in _SCHEMA.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.DatabaseError as error:
            raise DeoccludeError(f"{path}: not a review database ({error}); move it away") from None
        if version not in (0, VERSION):
            raise DeoccludeError(
                f"{path}: made by another version of the review ({version}); export with that one"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commits at the end, rolls back on any exception. Writers wait for one another."""
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection
        finally:
            connection.close()
