"""Who looks at what, and who has put what off: a lease is one tab's until it expires."""

from __future__ import annotations

import sqlite3

from deocclude.ahp.web.requests import Viewer

SCHEMA = """CREATE TABLE lease (
    sample TEXT NOT NULL, task TEXT NOT NULL, annotator TEXT NOT NULL, client TEXT NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (sample, task, annotator, client)
) WITHOUT ROWID;
CREATE TABLE skipped (
    sample TEXT NOT NULL, task TEXT NOT NULL, annotator TEXT NOT NULL,
    PRIMARY KEY (sample, task, annotator)
) WITHOUT ROWID;
"""


def expire(connection: sqlite3.Connection, now: float) -> None:
    """Forgets the leases that are over."""
    connection.execute("DELETE FROM lease WHERE expires <= ?", (now,))


def lease(connection: sqlite3.Connection, viewer: Viewer, task: str, sample: str, expires: float) -> None:
    """Notes that the viewer looks at the sample."""
    values = sample, task, viewer.annotator, viewer.client, expires
    connection.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?)", values)


def release(connection: sqlite3.Connection, viewer: Viewer) -> None:
    """Gives back all that the viewer holds."""
    connection.execute(
        "DELETE FROM lease WHERE annotator = ? AND client = ?", (viewer.annotator, viewer.client)
    )


def give_back(connection: sqlite3.Connection, annotator: str, task: str, sample: str) -> None:
    """Ends the annotator's leases of one sample, in all tabs."""
    connection.execute(
        "DELETE FROM lease WHERE sample = ? AND task = ? AND annotator = ?", (sample, task, annotator)
    )


def skip(connection: sqlite3.Connection, viewer: Viewer, task: str, sample: str) -> None:
    """Gives the sample back; this annotator sees it again when nothing else is left."""
    values = sample, task, viewer.annotator
    connection.execute("INSERT OR IGNORE INTO skipped VALUES (?, ?, ?)", values)
    give_back(connection, viewer.annotator, task, sample)
