"""Composites that editors have saved: stored once, withdrawn, counted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from deocclude.ahp.compose.arrangement import Arrangement
from deocclude.ahp.frozen import write_sample
from deocclude.ahp.sample import OcclusionSample


def store(
    connection: sqlite3.Connection,
    folder: Path,
    token: str,
    editor: str,
    split: str,
    arrangement: Arrangement,
    sample: OcclusionSample,
    seconds: float,
    now: float,
) -> bool:
    """Writes the composite's files to `folder`, then its row; False if the token was stored before.

    Within one transaction: a kill in between leaves files without a row, which the next composite of the
    person replaces.
    """
    if connection.execute("SELECT 1 FROM composite WHERE token = ?", (token,)).fetchone():
        return False
    person = arrangement.person
    number = connection.execute("SELECT COUNT(*) FROM composite WHERE person = ?", (person,)).fetchone()[0]
    identity = f"{person}-{number}"
    write_sample(folder, identity, sample)
    connection.execute(
        "INSERT INTO composite VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            identity,
            token,
            person,
            split,
            arrangement.cutout,
            sample.occluder_category,
            arrangement.x,
            arrangement.y,
            arrangement.scale,
            arrangement.angle,
            arrangement.flipped,
            arrangement.look,
            sample.ratio,
            editor,
            seconds,
            now,
        ),
    )
    return True


def withdraw(
    connection: sqlite3.Connection, editor: str, token: str | None, now: float
) -> Arrangement | None:
    """Takes back the editor's composite of that token, or the last one that stands; its arrangement.

    A composite withdrawn before is withdrawn no further. None if there is nothing to take back.
    """
    if token is None:
        row = connection.execute(
            "SELECT * FROM composite WHERE editor = ? AND withdrawn IS NULL "
            "ORDER BY made DESC, rowid DESC LIMIT 1",
            (editor,),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT * FROM composite WHERE editor = ? AND token = ?", (editor, token)
        ).fetchone()
    if row is None:
        return None
    if row["withdrawn"] is None:
        connection.execute("UPDATE composite SET withdrawn = ? WHERE id = ?", (now, row["id"]))
    return Arrangement(
        row["person"],
        row["cutout"],
        row["x"],
        row["y"],
        row["scale"],
        row["angle"],
        bool(row["flipped"]),
        row["look"],
    )


def uses(connection: sqlite3.Connection) -> dict[str, int]:
    """In how many composites that stand each cut-out is."""
    rows = connection.execute(
        "SELECT cutout, COUNT(*) FROM composite WHERE withdrawn IS NULL GROUP BY cutout"
    )
    return {row[0]: row[1] for row in rows}
