"""AHP's whole people (`ROOT/train`), with what the layout has no place for in `train/people.json`.

People here are whole: modal is amodal. Photos are copied byte for byte, masks are PNG.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deocclude.ahp import layout
from deocclude.ahp.formats.ahp_records import read_list, read_record, record_of, write_list
from deocclude.ahp.formats.person import AmodalPerson, Fault, Malformed, check_id
from deocclude.ahp.formats.photos import copy_as
from deocclude.ahp.formats.source import Source, reason_of
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED

NAME = "ahp"
_PEOPLE = "people.json"


def read_people(root: Path, split: str) -> Source:
    """Whole people of `train/ImageSets/SPLIT.txt`, in the order of `people.json` if that is there."""
    people = layout.People(root, split)
    folder = people.root / "train"
    records = {record["id"]: record for record in read_list(folder / _PEOPLE)}
    positions = {identity: index for index, identity in enumerate(people.ids)}
    order = [identity for identity in records if identity in positions]
    order += [identity for identity in people.ids if identity not in records]
    return Source(_people(people, folder, records, positions, order), len(order))


def _people(
    people: layout.People,
    folder: Path,
    records: dict[str, dict[str, Any]],
    positions: dict[str, int],
    order: list[str],
) -> Iterator[AmodalPerson | Fault]:
    listing = folder / "ImageSets"
    for identity in order:
        try:
            whole = people[positions[check_id(identity)]]
            file = layout.find_photo(folder / "JPEGImages", identity)
            labelled = (whole.parsing[whole.amodal] != UNLABELLED).any()
            parsing = whole.parsing if labelled else None
            yield AmodalPerson(
                id=identity,
                file=file,
                modal=whole.amodal,
                amodal=whole.amodal,
                parsing_modal=parsing,
                parsing_amodal=parsing,
                unknown=whole.unknown if whole.unknown.any() else None,
                **read_record(records.get(identity, {}), file.name),
            )
        except DeoccludeError as error:
            yield Fault(identity, listing, str(error))
        except (ValueError, KeyError, TypeError) as error:
            yield Fault(identity, listing, f"{listing}: {identity}: {reason_of(error)}")


class PeopleWriter:
    """Writes whole people to `FOLDER`, which becomes `ROOT/train`."""

    def __init__(self, folder: Path, split: str) -> None:
        self._folder, self._split = folder, split
        self._records: list[dict[str, Any]] = []
        self.photos = 0

    def add(self, person: AmodalPerson) -> None:
        """One person's files; Malformed if part of it is hidden."""
        if person.invisible.any():
            raise Malformed(
                f"{person.occlude_rate:.0%} of the person is hidden, AHP's train split holds whole people; "
                "leave such people out with --whole, or convert to ahp-test"
            )
        folder, name = self._folder, f"{person.id}.png"
        write_atomically(folder / "Annotations" / name, layout.encode_png(person.amodal))
        if person.parsing_amodal is not None:
            content = layout.encode_parsing(person.parsing_amodal)
            write_atomically(folder / "PseudoParsingAnnotations" / name, content)
        if person.unknown is not None and person.unknown.any():
            write_atomically(folder / "UnknownRegions" / name, layout.encode_png(person.unknown))
        copy_as(person.file, folder / "JPEGImages", person.id)
        self.photos += 1
        self._records.append({"id": person.id, **record_of(person, NAME)})

    def close(self) -> None:
        """Writes the list of IDs and `people.json`."""
        lines = "".join(f"{identity}\n" for identity in sorted(record["id"] for record in self._records))
        write_atomically(self._folder / "ImageSets" / f"{self._split}.txt", lines.encode())
        write_list(self._folder / _PEOPLE, self._records)

    def abandon(self) -> None:
        """Nothing is open."""
