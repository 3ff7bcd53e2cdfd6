"""AHP's occluded people (`ROOT/test`, or `ROOT/val` with frozen composites): RGBErased and both masks.

`RGBImages` is the photo without the occluder. Where nobody knows it (real occlusions) the occluded photo
stands there too, and `samples.json` says `"content": "unknown"`: masks can be evaluated on such a set,
painted content cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.formats.ahp_records import RECORD_KEYS, read_record, record_of, write_list
from deocclude.ahp.formats.instances import without
from deocclude.ahp.formats.person import AmodalPerson, Fault, check_id
from deocclude.ahp.formats.photos import copy_as
from deocclude.ahp.formats.side import level
from deocclude.ahp.formats.source import Source, reason_of
from deocclude.ahp.frozen import FrozenComposites
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED

NAME = "ahp-test"
_OWN_KEYS = ("id", "source", "ratio", "content", *RECORD_KEYS)


def read_samples(root: Path, split: str) -> Source:
    """The occluded people of `ROOT/SPLIT`, in the order of `samples.json` if that is there."""
    frozen = FrozenComposites(root, split)
    return Source(_people(frozen), len(frozen))


def _people(frozen: FrozenComposites) -> Iterator[AmodalPerson | Fault]:
    folder = frozen.folder
    for index, identity in enumerate(frozen.ids):
        try:
            check_id(identity)
            sample, record = frozen[index], frozen.records[index]
            file = layout.find_photo(folder / "RGBErased", identity)
            fields = read_record(record, file.name)
            own = without(record, *_OWN_KEYS)
            if own:
                fields["extra"] = {**fields["extra"], NAME: {"sample": own}}
            known = record.get("content") != "unknown"
            yield AmodalPerson(
                id=identity,
                file=file,
                modal=sample.modal,
                amodal=sample.amodal,
                parsing_modal=_labelled(sample.parsing_modal),
                parsing_amodal=_labelled(sample.parsing_amodal),
                unknown=sample.unknown if sample.unknown.any() else None,
                original=layout.find_photo(folder / "RGBImages", identity) if known else None,
                **fields,
            )
        except DeoccludeError as error:
            yield Fault(identity, folder, str(error))
        except (ValueError, KeyError, TypeError) as error:
            yield Fault(identity, folder, f"{folder}: {identity}: {reason_of(error)}")


def _labelled(parsing: np.ndarray) -> np.ndarray | None:
    return parsing if ((parsing > 0) & (parsing != UNLABELLED)).any() else None


class SamplesWriter:
    """Writes occluded people to `FOLDER`, which becomes `ROOT/SPLIT`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: list[dict[str, Any]] = []
        self.photos = 0

    def add(self, person: AmodalPerson) -> None:
        """One person's files."""
        folder, name = self._folder, f"{person.id}.png"
        maps = {
            "ModalMasks": layout.encode_png(person.modal),
            "AmodalMasks": layout.encode_png(person.amodal),
        }
        if person.parsing_modal is not None:
            maps["ModalParsing"] = layout.encode_parsing(person.parsing_modal)
        if person.parsing_amodal is not None:
            maps["AmodalParsing"] = layout.encode_parsing(person.parsing_amodal)
        if person.unknown is not None and person.unknown.any():
            maps["UnknownRegions"] = layout.encode_png(person.unknown)
        for kind, content in maps.items():
            write_atomically(folder / kind / name, content)
        copy_as(person.original or person.file, folder / "RGBImages", person.id)
        copy_as(person.file, folder / "RGBErased", person.id)
        self.photos += 1
        record = {
            **level(person, NAME, "sample"),
            "id": person.id,
            "source": layout.source_of(person.id),
            "ratio": round(person.occlude_rate, 6),
            **record_of(person, NAME),
        }
        self._records.append(record if person.original else {**record, "content": "unknown"})

    def close(self) -> None:
        """Writes `samples.json`."""
        write_list(self._folder / "samples.json", self._records)

    def abandon(self) -> None:
        """Nothing is open."""
