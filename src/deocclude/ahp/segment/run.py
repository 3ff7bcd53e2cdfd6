"""`deocclude ahp segment`: a workspace's candidates -> `masks/`, `parsing/` and `segmented.jsonl`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import cv2

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.acquire.parts import Part, cut, finish, lines_of
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.engine import Engine
from deocclude.ahp.layout import encode_parsing, encode_png
from deocclude.ahp.photo import photo_of
from deocclude.ahp.progress import progress_of
from deocclude.ahp.segment import parsers, segmenters
from deocclude.ahp.segment.faults import faults_of
from deocclude.ahp.segment.parsers import Parser, load_parser
from deocclude.ahp.segment.person import segment_person
from deocclude.ahp.segment.segmenters import Segmenter, load_segmenter
from deocclude.ahp.work_files import CANDIDATES, SEGMENTED, mask_file, parsing_file, stamp
from deocclude.atomic import replacing, write_atomically
from deocclude.errors import DeoccludeError, described

OK = "ok"

_SCRATCH = ".segment"
_PEOPLE_A_PART = 32


class _Line(NamedTuple):
    number: int
    text: str
    photo: str


def segment(
    work: Path, engine: Engine, segmenter: str = segmenters.DEFAULT, parser: str = parsers.DEFAULT
) -> dict[str, Counter[str]]:
    """Writes masks, body parts and `segmented.jsonl` (sorted by id) of all candidates; counts the outcomes.

    segmenter, parser: names for `load_segmenter` and `load_parser`. What is done for the same candidate,
    photo file, segmenter and parser is not done again, whether the last run was killed or complete; the
    bytes do not depend on the engine. Raises DeoccludeError if the workspace has no candidates, or for
    unknown names.
    """
    work = work.absolute()
    path = work / CANDIDATES
    if not path.is_file():
        raise DeoccludeError(f"{path}: no such file; run `deocclude ahp acquire --out {work}` first")
    settings = f"{load_segmenter(segmenter).name}\0{load_parser(parser).name}"
    with path.open("rb") as stream:
        total = sum(1 for _ in stream)
    summary: dict[str, Counter[str]] = {}
    parts = finish(
        _parts(path, work, settings), partial(_segment_all, work, segmenter, parser), engine, _start
    )
    with (
        progress_of("segmenting people", total) as advance,
        replacing(work / SEGMENTED) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as out,
        closing(parts),
    ):
        for part in parts:
            counts = summary.setdefault(part.file.parent.name, Counter())
            for line in lines_of(part.file):
                out.write(f"{line}\n")
                counts[json.loads(line)["outcome"]] += 1
            advance(len(part.items))
    return summary


def _parts(path: Path, work: Path, settings: str) -> Iterator[Part]:
    """No part has two sources, so that acquiring another one changes no other's parts."""
    for source, lines in groupby(_read(path), key=lambda pair: pair[0]):
        items = (line for _, line in lines)
        yield from cut(items, _PEOPLE_A_PART, work / _SCRATCH / source, settings, _facts)


def _read(path: Path) -> Iterator[tuple[str, _Line]]:
    with path.open(encoding="utf-8") as stream:
        for number, text in enumerate(stream, 1):
            try:
                record = json.loads(text)
                yield record["source"], _Line(number, text, record["photo"])
            except (ValueError, KeyError, TypeError):
                raise DeoccludeError(
                    f"{path}: line {number}: not a candidate; acquire the people again"
                ) from None


def _facts(line: _Line) -> str:
    """What a result depends on: the candidate, and the photo's file."""
    return f"{line.text}\0{stamp(Path(line.photo))}"


def _start() -> None:
    from deocclude.threads import one_thread

    one_thread()


@cache
def _models(segmenter: str, parser: str) -> tuple[Segmenter, Parser]:
    return load_segmenter(segmenter), load_parser(parser)


def _segment_all(work: Path, segmenter: str, parser: str, lines: list[_Line]) -> list[str]:
    draw, parse = _models(segmenter, parser)
    return [_segment_one(work, Candidate.from_json(line.text), draw, parse) for line in lines]


def _segment_one(work: Path, candidate: Candidate, draw: Segmenter, parse: Parser) -> str:
    """Writes one person's files and returns the line; without a mask no file stays."""
    mask_path, parsing_path = mask_file(work, candidate.id), parsing_file(work, candidate.id)
    faults: dict[str, float] = {}
    parsing = None
    try:
        photo = photo_of(candidate)
        person = segment_person(candidate, photo, draw)
        outcome = person if isinstance(person, str) else OK
        if not isinstance(person, str):
            parsing = parse(person, photo)
            faults = faults_of(person)
            write_atomically(mask_path, encode_png(person.mask))
    except Unfit as fault:
        outcome = fault.reason
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, cv2.error) as error:
        outcome = described(error, "failed")
    if outcome != OK:
        mask_path.unlink(missing_ok=True)
    if parsing is not None and outcome == OK:
        write_atomically(parsing_path, encode_parsing(parsing))
    else:
        parsing_path.unlink(missing_ok=True)
    return json.dumps({"id": candidate.id, "outcome": outcome, "faults": faults})
