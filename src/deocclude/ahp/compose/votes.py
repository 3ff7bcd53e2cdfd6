"""Votes on composites: given once each, undone, counted."""

from __future__ import annotations

import sqlite3
from typing import Any

from deocclude.ahp.compose.database import setting
from deocclude.ahp.density import WIDE

VERDICTS = ("pass", "fail")


def vote(
    connection: sqlite3.Connection,
    token: str,
    composite: str,
    voter: str,
    verdict: str,
    seconds: float,
    now: float,
) -> str:
    """Stores a vote; the token makes it happen once, however often it is sent.

    Returns "stored"; "repeated" if this token was stored before (even if it was undone since); "conflict" if
    the voter has voted on the composite already. The caller has checked that there is such a composite and
    that it is not the voter's own.
    """
    if connection.execute("SELECT 1 FROM vote WHERE token = ?", (token,)).fetchone():
        return "repeated"
    try:
        values = token, composite, voter, verdict, seconds, now
        connection.execute("INSERT INTO vote VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
    except sqlite3.IntegrityError:
        return "conflict"
    return "stored"


def undo(connection: sqlite3.Connection, voter: str, token: str | None, now: float) -> str | None:
    """Takes back the voter's vote of that token, or the last one that stands; returns its composite.

    None if there is nothing to take back, or if the composite was withdrawn meanwhile.
    """
    if token is None:
        row = connection.execute(
            "SELECT v.* FROM vote v JOIN tally t ON t.id = v.composite WHERE voter = ? AND undone IS NULL "
            "ORDER BY v.made DESC, v.rowid DESC LIMIT 1",
            (voter,),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT v.* FROM vote v JOIN tally t ON t.id = v.composite WHERE voter = ? AND token = ?",
            (voter, token),
        ).fetchone()
    if row is None:
        return None
    if row["undone"] is None:
        connection.execute("UPDATE vote SET undone = ? WHERE token = ?", (now, row["token"]))
    return str(row["composite"])


def progress(connection: sqlite3.Connection, annotator: str) -> dict[str, Any]:
    """What is done, and what is left for this annotator.

    people: who are listed. composed: composites of them, each person's counted up to `per_person`, of
    people * per_person = `to_compose`. composites: all that stand; passed, failed, open: what became of
    them. mine, voted: of this annotator. votable: open ones that the annotator may still vote on. bins:
    composites with a ratio in each tenth of (0, 0.5]; passed ones and open ones.
    """
    per_person = setting(connection, "per_person")
    people, composed = connection.execute(
        "SELECT COUNT(*), TOTAL(MIN(:most, (SELECT COUNT(*) FROM composite c "
        "  WHERE c.person = p.id AND withdrawn IS NULL))) FROM person p WHERE listed",
        {"most": per_person},
    ).fetchone()
    tally = connection.execute("SELECT * FROM tally").fetchall()
    mine = {
        row[0]
        for row in connection.execute(
            "SELECT composite FROM vote WHERE voter = ? AND undone IS NULL", (annotator,)
        )
    }
    passed = [row for row in tally if row["fails"] == 0 and row["passes"] >= row["wanted"]]
    unsettled = [row for row in tally if row["fails"] == 0 and row["passes"] < row["wanted"]]
    bins = [0] * len(WIDE.bins)
    for row in (*passed, *unsettled):
        ratio_bin = WIDE.bin_of(row["ratio"])
        assert ratio_bin is not None
        bins[WIDE.bins.index(ratio_bin)] += 1
    return {
        "people": people,
        "composed": int(composed),
        "to_compose": people * per_person,
        "composites": len(tally),
        "passed": len(passed),
        "failed": len(tally) - len(passed) - len(unsettled),
        "open": len(unsettled),
        "mine": sum(row["editor"] == annotator for row in tally),
        "voted": len(mine & {row["id"] for row in tally}),
        "votable": sum(row["editor"] != annotator and row["id"] not in mine for row in unsettled),
        "bins": bins,
    }
