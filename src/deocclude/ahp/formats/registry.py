"""The formats by name: how each is read, how it is written, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deocclude.ahp.formats.ahp_people import PeopleWriter, read_people
from deocclude.ahp.formats.ahp_test import SamplesWriter, read_samples
from deocclude.ahp.formats.coco_rle import COCO
from deocclude.ahp.formats.cocoa import CocoaWriter, read_cocoa
from deocclude.ahp.formats.cocoa_cls import COCOA_CLS, D2SA
from deocclude.ahp.formats.instances import InstanceFormat, InstanceWriter, read_instances
from deocclude.ahp.formats.kins import KINS_2019, KINS_2020
from deocclude.ahp.formats.person import AmodalPerson
from deocclude.ahp.formats.source import Source


class Writer(Protocol):
    """A data set being written. photos: how many were copied."""

    @property
    def photos(self) -> int: ...

    def add(self, person: AmodalPerson) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


@dataclass(frozen=True)
class Format:
    """read: (input, folder of photos or None, split). write: (folder, split). place: what the folder becomes.

    split: the default of AHP's splits, None for formats without.
    """

    read: Callable[[Path, Path | None, str], Source]
    write: Callable[[Path, str], Writer]
    place: Callable[[Path, str], Path]
    split: str | None = None


def _instances(dialect: InstanceFormat) -> Format:
    return Format(
        lambda given, photos, split: read_instances(dialect, given, photos),
        lambda folder, split: InstanceWriter(dialect, folder),
        lambda out, split: out,
    )


FORMATS: dict[str, Format] = {
    "ahp": Format(
        lambda given, photos, split: read_people(given, split),
        PeopleWriter,
        lambda out, split: out / "train",
        "train",
    ),
    "ahp-test": Format(
        lambda given, photos, split: read_samples(given, split),
        lambda folder, split: SamplesWriter(folder),
        lambda out, split: out / split,
        "test",
    ),
    "coco": _instances(COCO),
    "cocoa": Format(
        lambda given, photos, split: read_cocoa(given, photos),
        lambda folder, split: CocoaWriter(folder),
        lambda out, split: out,
    ),
    "cocoa-cls": _instances(COCOA_CLS),
    "d2sa": _instances(D2SA),
    "kins": _instances(KINS_2019),
    "kins2020": _instances(KINS_2020),
}
