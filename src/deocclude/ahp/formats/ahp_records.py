"""`people.json` and `samples.json`: what AHP's folders do not hold of an `AmodalPerson`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from deocclude.ahp import layout
from deocclude.ahp.formats.person import AmodalPerson, check_name
from deocclude.ahp.formats.side import checked_extra, hidden_ids
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError

RECORD_KEYS = ("photo", "person_category", "hides", "extra")


def record_of(person: AmodalPerson, written_by: str) -> dict[str, Any]:
    """Photo's name, category, who is hidden, and the extras of other formats."""
    record: dict[str, Any] = {"photo": person.photo, "person_category": person.category}
    if person.hides:
        record["hides"] = list(person.hides)
    foreign = {name: levels for name, levels in person.extra.items() if name != written_by}
    if foreign:
        record["extra"] = foreign
    return record


def read_record(record: dict[str, Any], file_name: str) -> dict[str, Any]:
    """Fields of `AmodalPerson` out of `record_of`'s record; `file_name` where it names no photo.

    A photo that was stored as PNG because AHP's readers do not know its kind is called .png from then on.
    """
    photo = PurePosixPath(check_name(record.get("photo", file_name)))
    if photo.suffix.lower() not in layout.PHOTO_SUFFIXES:
        photo = photo.with_suffix(".png")
    return {
        "photo": str(photo),
        "category": str(record.get("person_category", "person")),
        "hides": hidden_ids(record.get("hides", [])),
        "extra": checked_extra(record.get("extra", {})),
    }


def read_list(path: Path) -> list[dict[str, Any]]:
    """The records of a file; [] if there is none. DeoccludeError if it is no list of records with ids."""
    if not path.exists():
        return []
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DeoccludeError(f"{path}: not JSON ({error}); remove it or convert again") from None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and isinstance(record.get("id"), str) for record in records
    ):
        raise DeoccludeError(f"{path}: no list of records with ids; remove it or convert again")
    return records


def write_list(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """The records, one a line."""
    lines = ",\n".join(json.dumps(record) for record in records)
    write_atomically(path, f"[\n{lines}\n]\n".encode())
