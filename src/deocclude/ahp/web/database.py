"""An SQLite file that threads and processes share. WAL, one transaction a step: a kill loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deocclude.errors import DeoccludeError


class SharedDatabase:
    """Opens or makes the file. Each transaction has its own connection.

    schema: statements, each but the last ended by a semicolon and a line break; run once, when the file is
    made. version: of the schema. purpose: what messages call the file. Raises DeoccludeError if the file is
    another kind of file or of another version.
    """

    def __init__(self, path: Path, schema: str, version: int, purpose: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.transaction() as connection:
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found == 0:
                    for statement in schema.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {version}")
        except sqlite3.DatabaseError as error:
            raise DeoccludeError(f"{path}: not a {purpose} database ({error}); move it away") from None
        if found not in (0, version):
            raise DeoccludeError(
                f"{path}: made by another version of the {purpose} ({found}); export with that one"
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
