"""Records of a large annotation file, grouped by photo: SQLite on disk, so that memory stays small."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from deocclude.atomic import replacing

Record = tuple[str, str, str]
"""Photo, kind of record, text."""


class PhotoIndex:
    """What `of` has written."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)

    @classmethod
    def of(cls, files: Iterable[Path], scratch: Path, records: Callable[[], Iterable[Record]]) -> PhotoIndex:
        """The index of some files; `records` is asked only if `scratch` has none of the same files yet.

        Files are the same if path, size and time of change are.
        """
        digest = hashlib.sha256()
        for file in files:
            facts = file.stat()
            digest.update(f"{file.absolute()}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        path = scratch / f"{digest.hexdigest()[:16]}.sqlite"
        if not path.exists():
            with replacing(path) as temporary:
                temporary.unlink(missing_ok=True)
                _write(temporary, records())
        return cls(path)

    def photos(self) -> int:
        """How many photos there are."""
        (count,) = self._connection.execute("SELECT count(DISTINCT photo) FROM records").fetchone()
        return int(count)

    def of_photo(self, photo: str) -> list[tuple[str, str]]:
        """(kind, text) of one photo's records, in the order in which they came."""
        rows = self._connection.execute(
            "SELECT kind, text FROM records WHERE photo = ? ORDER BY rowid", (photo,)
        )
        return list(rows)

    def __iter__(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Photos in the order of their names, each with its (kind, text)."""
        rows = self._connection.execute("SELECT photo, kind, text FROM records ORDER BY photo, rowid")
        for photo, group in groupby(rows, key=lambda row: row[0]):
            yield photo, [(kind, text) for _, kind, text in group]


def _write(path: Path, records: Iterable[Record]) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE records (photo TEXT, kind TEXT, text TEXT)")
        connection.executemany("INSERT INTO records VALUES (?, ?, ?)", records)
        connection.execute("CREATE INDEX by_photo ON records (photo)")
        connection.commit()
    finally:
        connection.close()
