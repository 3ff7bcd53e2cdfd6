"""The composites that all voters passed, as a test set in AHP's layout (section 5.1)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.ahp import manifest
from deocclude.ahp.compose.database import Database
from deocclude.ahp.compose.paste import bin_of
from deocclude.ahp.layout import source_of, write_atomically
from deocclude.errors import DeoccludeError

LISTING = "composites.jsonl"
_FILES = {
    "RGBImages": ".jpg",
    "RGBErased": ".jpg",
    "ModalMasks": ".png",
    "AmodalMasks": ".png",
    "ModalParsing": ".png",
    "AmodalParsing": ".png",
}
_OPTIONAL = {"UnknownRegions": ".png"}


@dataclass(frozen=True)
class ExportReport:
    """Composites that stand: passed (and written), failed, or waiting for votes."""

    passed: int
    failed: int
    waiting: int


def export(database: Database, folder: Path, out: Path) -> ExportReport:
    """Makes `out` anew: test/, composites.jsonl and manifest.json; the same votes give the same bytes.

    folder: where the composites' files are. `out` is complete or as it was before; it may be missing, empty,
    or an earlier export. Raises DeoccludeError if it holds anything else, if nothing has passed, or if a
    file is missing.
    """
    before = out.with_name(f".{out.name}.before")
    if before.exists() and not out.exists():
        before.replace(out)
    _check_replaceable(out)
    with database.transaction() as connection:
        tally = connection.execute("SELECT * FROM tally").fetchall()
        passed = sorted(row["id"] for row in tally if row["fails"] == 0 and row["passes"] >= row["wanted"])
        records = [_record(connection, identity) for identity in passed]
    failed = sum(row["fails"] > 0 for row in tally)
    report = ExportReport(len(passed), failed, len(tally) - failed - len(passed))
    if not records:
        raise DeoccludeError(
            f"{database.path}: no composite has passed yet ({report.waiting} wait for votes); let others vote"
        )
    made = out.with_name(f".{out.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    try:
        _write(folder, made, records)
        if out.exists():
            shutil.rmtree(before, ignore_errors=True)
            out.replace(before)
        made.replace(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)
    return report


def _record(connection: sqlite3.Connection, identity: str) -> dict[str, Any]:
    row = connection.execute(
        "SELECT c.*, COALESCE(a.name, c.editor) AS name FROM composite c "
        "LEFT JOIN annotator a ON a.key = c.editor WHERE c.id = ?",
        (identity,),
    ).fetchone()
    votes = connection.execute(
        "SELECT COALESCE(a.name, v.voter) AS name, verdict, seconds FROM vote v "
        "LEFT JOIN annotator a ON a.key = v.voter WHERE composite = ? AND undone IS NULL ORDER BY voter",
        (identity,),
    ).fetchall()
    return {
        "id": identity,
        "person": row["person"],
        "split": row["split"],
        "occluder": row["cutout"],
        "category": row["category"],
        "place": [row["x"], row["y"]],
        "scale": row["scale"],
        "angle": row["angle"],
        "flipped": bool(row["flipped"]),
        "look": row["look"],
        "ratio": row["ratio"],
        "editor": row["name"],
        "seconds": row["seconds"],
        "votes": [
            {"by": vote["name"], "verdict": vote["verdict"], "seconds": vote["seconds"]} for vote in votes
        ],
    }


def _write(folder: Path, made: Path, records: list[dict[str, Any]]) -> None:
    for record in records:
        for kind, suffix in (_FILES | _OPTIONAL).items():
            name = f"{kind}/{record['id']}{suffix}"
            try:
                content = (folder / name).read_bytes()
            except FileNotFoundError:
                if kind in _OPTIONAL:
                    continue
                raise DeoccludeError(
                    f"{folder / name}: no such file; put it back, or withdraw {record['id']} on the page"
                ) from None
            write_atomically(made / "test" / name, content)
    samples = ",\n".join(json.dumps(_sample(record)) for record in records)
    write_atomically(made / "test" / "samples.json", f"[\n{samples}\n]\n".encode())
    lines = "".join(json.dumps(record) + "\n" for record in records)
    write_atomically(made / LISTING, lines.encode())
    manifest.write_manifest(made)


def _sample(record: dict[str, Any]) -> dict[str, Any]:
    """The record that frozen composites have."""
    return {
        "id": record["id"],
        "person": record["person"],
        "source": source_of(record["person"]),
        "ratio": round(record["ratio"], 6),
        "bin": list(bin_of(record["ratio"]) or ()),
        "occluder": record["occluder"],
        "category": record["category"],
        "framing": "whole",
    }


def _check_replaceable(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / LISTING).is_file() or not (out / manifest.MANIFEST).is_file():
        raise DeoccludeError(f"{out}: holds files that no export wrote; give another --out")
    tree = manifest.scan(out)
    own = manifest.read_manifest(out / manifest.MANIFEST).keys()
    for path in (*tree.refused, *tree.sizes):
        if path not in own:
            raise DeoccludeError(f"{out / path}: no export wrote it; move it away or give another --out")
