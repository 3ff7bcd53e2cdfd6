"""What was decided: made once, undone, weighed, exported."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from deocclude.ahp.review.agreement import Agreement, agreement_of
from deocclude.ahp.review.database import Database
from deocclude.atomic import write_atomically

AUTO = "auto"
_STRICTEST_FIRST = ("discard", "refine", "preserve")
_RECENT = 100


@dataclass(frozen=True)
class Judgement:
    """One person's (or `--auto`'s) decision that stands."""

    sample: str
    annotator: str
    decision: str
    seconds: float
    auto: bool


def decide(connection: sqlite3.Connection, token: str, judgement: Judgement, now: float) -> str:
    """Stores a decision; the token makes it happen once, however often it is sent.

    Returns "stored"; "repeated" if this token was stored before (even if it was undone since); "conflict" if
    the annotator has judged the sample already. The caller has checked that the sample exists.
    """
    known = connection.execute("SELECT 1 FROM decision WHERE token = ?", (token,)).fetchone()
    if known:
        return "repeated"
    try:
        connection.execute(
            "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                token,
                judgement.sample,
                judgement.annotator,
                judgement.decision,
                judgement.seconds,
                judgement.auto,
                now,
            ),
        )
    except sqlite3.IntegrityError:
        return "conflict"
    if not judgement.auto:
        connection.execute("UPDATE sample SET judged = judged + 1 WHERE id = ?", (judgement.sample,))
    return "stored"


def undo(connection: sqlite3.Connection, annotator: str, token: str | None, now: float) -> str | None:
    """Takes back the annotator's decision of that token, or the last one that stands; returns its sample.

    A decision taken back before is taken back no further. None if there is nothing to take back.
    """
    if token is None:
        row = connection.execute(
            "SELECT token, sample, undone FROM decision WHERE annotator = ? AND NOT auto AND undone IS NULL "
            "ORDER BY made DESC, rowid DESC LIMIT 1",
            (annotator,),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT token, sample, undone FROM decision WHERE token = ? AND annotator = ? AND NOT auto",
            (token, annotator),
        ).fetchone()
    if row is None:
        return None
    if row["undone"] is None:
        connection.execute("UPDATE decision SET undone = ? WHERE token = ?", (now, row["token"]))
        connection.execute("UPDATE sample SET judged = judged - 1 WHERE id = ?", (row["sample"],))
    return str(row["sample"])


def decide_automatically(database: Database, now: float) -> Counter[str]:
    """`--auto`: the pre-sort's decision for every sample, in place of earlier automatic ones.

    What people decide counts more, before or after. Returns how many of each.
    """
    with database.transaction() as connection:
        connection.execute("DELETE FROM decision WHERE auto")
        samples = connection.execute("SELECT id, automatic FROM sample WHERE listed").fetchall()
        for sample in samples:
            judgement = Judgement(sample["id"], AUTO, sample["automatic"], 0.0, True)
            decide(connection, f"{AUTO}-{sample['id']}", judgement, now)
    return Counter(sample["automatic"] for sample in samples)


def judgements_of(connection: sqlite3.Connection, sample: str | None = None) -> list[Judgement]:
    """Decisions that stand, of one listed sample or of all, sorted by sample and annotator."""
    rows = connection.execute(
        "SELECT d.sample, d.annotator, d.decision, d.seconds, d.auto FROM decision d "
        "JOIN sample s ON s.id = d.sample "
        "WHERE s.listed AND d.undone IS NULL AND (:sample IS NULL OR s.id = :sample) "
        "ORDER BY d.sample, d.annotator",
        {"sample": sample},
    )
    return [Judgement(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def consensus_of(judgements: Iterable[Judgement]) -> str | None:
    """People's majority, the strictest of equals; `--auto` counts where nobody judged; None without any."""
    judgements = list(judgements)
    people = [judgement for judgement in judgements if not judgement.auto] or judgements
    votes = Counter(judgement.decision for judgement in people)
    if not votes:
        return None
    return max(_STRICTEST_FIRST, key=lambda choice: (votes[choice], -_STRICTEST_FIRST.index(choice)))


def agreement(connection: sqlite3.Connection) -> Agreement | None:
    """Agreement of people over what several of them judged."""
    choices: dict[str, dict[str, str]] = defaultdict(dict)
    for judgement in judgements_of(connection):
        if not judgement.auto:
            choices[judgement.sample][judgement.annotator] = judgement.decision
    return agreement_of(choices)


def median_seconds(connection: sqlite3.Connection, annotator: str) -> float | None:
    """Median seconds of the annotator's last 100 decisions that stand."""
    rows = connection.execute(
        "SELECT seconds FROM decision WHERE annotator = ? AND undone IS NULL ORDER BY made DESC LIMIT ?",
        (annotator, _RECENT),
    ).fetchall()
    return median(row[0] for row in rows) if rows else None


def export(database: Database, path: Path) -> Counter[str]:
    """Writes one line a decided sample, sorted by id; returns how many of each decision.

    {"id", "decision", "by", "seconds", "auto", "refined"}: by lists who judged, seconds is their sum, auto
    says that nobody but `--auto` did. A sample to be refined whose mask was refined since is a Preserve with
    refined true.
    """
    with database.transaction() as connection:
        judgements = judgements_of(connection)
        mended = {row[0] for row in connection.execute("SELECT sample FROM refined")}
    lines, counts = [], Counter[str]()
    for sample, group in groupby(judgements, key=lambda judgement: judgement.sample):
        found = list(group)
        people = [judgement for judgement in found if not judgement.auto] or found
        decision = consensus_of(found)
        refined = decision == "refine" and sample in mended
        record = {
            "id": sample,
            "decision": "preserve" if refined else decision,
            "by": [judgement.annotator for judgement in people],
            "seconds": round(sum(judgement.seconds for judgement in people), 2),
            "auto": all(judgement.auto for judgement in people),
            "refined": refined,
        }
        counts[str(record["decision"])] += 1
        lines.append(json.dumps(record) + "\n")
    write_atomically(path, "".join(lines).encode())
    return counts
