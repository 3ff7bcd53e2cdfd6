"""Any format into any other, in one pass over the people, all or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import track

from deocclude.ahp.formats.person import AmodalPerson, Fault, Malformed, check_id
from deocclude.ahp.formats.registry import FORMATS, Format, Writer
from deocclude.ahp.formats.source import Source
from deocclude.errors import DeoccludeError


@dataclass(frozen=True)
class Choice:
    """Who is converted. categories: only these, if any are named. whole: only people nobody hides.

    skip_bad: list malformed people instead of refusing them.
    """

    categories: tuple[str, ...] = ()
    whole: bool = False
    skip_bad: bool = False

    def takes(self, person: AmodalPerson) -> bool:
        """Whether the person is wanted."""
        if self.categories and person.category not in self.categories:
            return False
        return not (self.whole and person.invisible.any())


@dataclass
class Tally:
    """What a conversion did. left_out: by choice. without_original: people of whom no photo without the
    occluder is known. faults: the malformed people that were skipped, as `dropped.jsonl` lists them.
    """

    people: int = 0
    photos: int = 0
    left_out: int = 0
    without_original: int = 0
    faults: list[dict[str, str]] = field(default_factory=list)


def convert(
    given: Path,
    out: Path,
    source: str,
    target: str,
    *,
    photos: Path | None = None,
    split: str | None = None,
    choice: Choice | None = None,
) -> tuple[Path, Tally]:
    """Reads `given` as `source` and writes it to `out` as `target`; the folder written, and what was done.

    Photos stream from file to file. The result appears under its name when it is complete. Raises
    DeoccludeError for what is malformed, for wrong options, and if the place of the result is taken.
    """
    choice = choice or Choice()
    reader, writer = _format(source, "--from"), _format(target, "--to")
    if split is not None and reader.split is None and writer.split is None:
        raise DeoccludeError(f"--split {split}: neither {source} nor {target} has splits; leave it out")
    if photos is not None and reader.split is not None:
        raise DeoccludeError(f"--photos {photos}: {source} brings its photos along; leave it out")
    if photos is not None and not photos.is_dir():
        raise DeoccludeError(f"{photos}: no such folder; name the folder of the photos")
    try:
        read_split, write_split = (check_id(split or each.split or "all") for each in (reader, writer))
    except Malformed as error:
        raise DeoccludeError(f"--split {split}: {error}") from None
    place = writer.place(out, write_split)
    _check_free(place)
    read = reader.read(given, photos, read_split)
    with _staged(place) as folder:
        written = writer.write(folder, write_split)
        try:
            tally = _write_all(read, written, given, source, choice)
            written.close()
        except BaseException:
            written.abandon()
            raise
        if choice.skip_bad:
            lines = "".join(json.dumps(fault) + "\n" for fault in tally.faults)
            (folder / "dropped.jsonl").write_text(lines)
        if not tally.people:
            bad = len(tally.faults)
            raise DeoccludeError(f"{given}: nobody to convert ({tally.left_out} left out, {bad} malformed)")
    return place, tally


def _write_all(read: Source, written: Writer, given: Path, source: str, choice: Choice) -> Tally:
    tally = Tally()
    ids: set[str] = set()
    for person in track(read.people, "people", total=read.total):
        if isinstance(person, AmodalPerson) and not choice.takes(person):
            tally.left_out += 1
            continue
        fault = person if isinstance(person, Fault) else _add(person, written, given, ids)
        if fault is None:
            tally.people += 1
            tally.without_original += isinstance(person, AmodalPerson) and person.original is None
        elif not choice.skip_bad:
            raise DeoccludeError(fault.message)
        else:
            where = str(fault.where)
            tally.faults.append({"source": source, "id": fault.id, "reason": fault.message, "where": where})
    tally.photos = written.photos
    return tally


def _add(person: AmodalPerson, written: Writer, given: Path, ids: set[str]) -> Fault | None:
    if person.id in ids:
        message = f"{given}: {person.id}: the ID is there twice; name people differently"
        return Fault(person.id, given, message)
    ids.add(person.id)
    try:
        written.add(person)
    except Malformed as error:
        return Fault(person.id, given, f"{given}: {person.id}: {error}")
    return None


def _format(name: str, option: str) -> Format:
    if name not in FORMATS:
        raise DeoccludeError(f"{option} {name}: no such format; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _check_free(place: Path) -> None:
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise DeoccludeError(f"{place}: is there already; name another output or remove it first")


@contextmanager
def _staged(place: Path) -> Iterator[Path]:
    """A folder beside `place` that takes its name when the block ends well, and vanishes when it does not.

    What a killed run left there is removed first.
    """
    staging = place.with_name(f".{place.name}.part")
    made = [folder for folder in staging.parents if not folder.exists()]
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(parents=True)
        yield staging
        if place.exists():
            place.rmdir()
        staging.replace(place)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in made:
            if folder.exists():
                folder.rmdir()
        raise
