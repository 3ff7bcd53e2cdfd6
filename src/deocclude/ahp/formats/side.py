"""The one key, `deocclude`, that holds in every JSON format what the format itself has no place for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deocclude.ahp.formats.masks import decode_rle, encode_rle
from deocclude.ahp.formats.person import AmodalPerson, Malformed, check_id
from deocclude.parsing import UNLABELLED

KEY = "deocclude"


def notes_of(person: AmodalPerson, written_by: str, original: str | None) -> dict[str, Any]:
    """ID, hides, body parts, unknown pixels, original photo's name, and the extras of other formats.

    Masks are run lengths, a parsing map one mask per LIP class present. `written_by` names the format whose
    own extras are written elsewhere.
    """
    notes: dict[str, Any] = {"id": person.id}
    if person.hides:
        notes["hides"] = list(person.hides)
    for name in ("parsing_modal", "parsing_amodal"):
        parsing = getattr(person, name)
        if parsing is not None:
            notes[name] = {
                str(label): encode_rle(parsing == label) for label in np.unique(parsing).tolist() if label
            }
    if person.unknown is not None:
        notes["unknown"] = encode_rle(person.unknown)
    if original is not None:
        notes["original"] = original
    foreign = {name: levels for name, levels in person.extra.items() if name != written_by}
    if foreign:
        notes["extra"] = foreign
    return notes


def read_notes(notes: Any, height: int, width: int) -> dict[str, Any]:
    """Fields of `AmodalPerson` out of `notes_of`'s record, `original` still a name; {} where there is none.

    Raises Malformed if the record is not such.
    """
    if notes is None:
        return {}
    if not isinstance(notes, dict):
        raise Malformed(f"'{KEY}' is no record; remove it")
    fields: dict[str, Any] = {}
    if "id" in notes:
        fields["id"] = check_id(notes["id"])
    if "hides" in notes:
        fields["hides"] = hidden_ids(notes["hides"])
    for name in ("parsing_modal", "parsing_amodal"):
        if name in notes:
            fields[name] = _parsing(notes[name], height, width)
    if "unknown" in notes:
        fields["unknown"] = decode_rle(notes["unknown"], height, width)
    if "original" in notes:
        fields["original"] = notes["original"]
    fields["extra"] = checked_extra(notes.get("extra", {}))
    return fields


def hidden_ids(values: Any) -> tuple[str, ...]:
    """IDs out of a JSON list; Malformed if it is none."""
    if not isinstance(values, list):
        raise Malformed("'hides' is no list of IDs; correct it")
    return tuple(check_id(value) for value in values)


def checked_extra(extra: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Extras by format and level; Malformed if a level is no record."""
    if not isinstance(extra, dict) or not all(
        isinstance(levels, dict) and all(isinstance(level, dict) for level in levels.values())
        for levels in extra.values()
    ):
        raise Malformed("'extra' is no record of formats; remove it")
    return extra


def level(person: AmodalPerson, name: str, of: str) -> Mapping[str, Any]:
    """What the format `name` keeps at the level `of` ('image', 'annotation', ...); empty where nothing."""
    return person.extra.get(name, {}).get(of, {})


def _parsing(record: Any, height: int, width: int) -> np.ndarray:
    if not isinstance(record, dict):
        raise Malformed("a parsing map that is no record of classes; remove it")
    parsing = np.zeros((height, width), dtype=np.uint8)
    for label, runs in record.items():
        if not str(label).isdecimal() or int(label) > UNLABELLED:
            raise Malformed(f"a parsing map with the class {label!r}; use LIP's 0..19 and {UNLABELLED}")
        parsing[decode_rle(runs, height, width)] = int(label)
    return parsing
