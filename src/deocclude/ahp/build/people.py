"""Candidates and what was decided about them -> whole people on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.build.decisions import PRESERVE, Decision
from deocclude.ahp.build.outcome import KEPT, PERSON, Outcome
from deocclude.ahp.build.unknown import unknown_of
from deocclude.ahp.candidate import FIT_ID, Candidate
from deocclude.ahp.photo import photo_of
from deocclude.ahp.review.workspace import Segmentation, Workspace
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.shrink import shrink_person
from deocclude.ahp.split import split_of
from deocclude.ahp.work_files import mask_file, parsing_file, stamp
from deocclude.errors import DeoccludeError, described, one_line
from deocclude.parsing import UNLABELLED, inside

_NAMED_BY_STEM = ("ccp", "lspet")
"""Sources whose photos `split_of` knows without their suffix."""


class Judged(NamedTuple):
    """A line of `candidates.jsonl` and the verdict: `PRESERVE`, or why the person is not kept."""

    text: str
    id: str
    source: str
    photo: str
    verdict: str
    auto: bool = False
    refined: bool = False


def judged_people(
    path: Path,
    decisions: Mapping[str, Decision],
    segmentations: Mapping[str, Segmentation],
    faults: list[str],
) -> Iterator[Judged]:
    """Everybody in `candidates.jsonl`. Malformed lines, second lines of an id, and decisions about nobody are
    passed over, each with a message in `faults`."""
    seen: set[str] = set()
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                text = line.decode().strip()
                record = json.loads(text)
                identity, source, photo = record["id"], record["source"], record["photo"]
                if not FIT_ID.fullmatch(identity) or not identity.startswith(f"{source}-") or not source:
                    raise ValueError("the id is not fit for a file name, or lacks its source")
                photo.encode()
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                faults.append(
                    f"{path}:{number}: not a candidate ({described(error)}); acquire the people again"
                )
                continue
            if identity in seen:
                faults.append(f"{path}:{number}: {identity} is listed above; acquire the people again")
                continue
            seen.add(identity)
            decision = decisions.get(identity)
            if decision is not None:
                yield Judged(
                    text, identity, source, photo, decision.decision, decision.auto, decision.refined
                )
                continue
            segmentation = segmentations.get(identity)
            unmasked = segmentation is not None and segmentation.outcome != "ok"
            verdict = f"no mask: {segmentation.outcome}" if segmentation and unmasked else "not judged"
            yield Judged(text, identity, source, photo, verdict)
    for identity in sorted(decisions.keys() - seen):
        faults.append(f"{path}: {identity} was judged but is not listed; acquire its source again")


def facts_of(work: Path, person: Judged) -> str:
    """What the files of a person depend on: candidate, verdict, and the photo's and maps' files."""
    if person.verdict != PRESERVE:
        return f"{person.id}\0{person.verdict}\0{person.photo}\0{person.auto}"
    files = Path(person.photo), mask_file(work, person.id), parsing_file(work, person.id)
    return repr((*person, *map(stamp, files)))


def write_people(work: Path, out: Path, max_side: int, people: list[Judged]) -> list[str]:
    """Writes whoever is to be preserved; a line of `prepared.jsonl` for each."""
    workspace = _workspace(work)
    return [_write(workspace, out, max_side, person).to_json() for person in people]


@lru_cache(maxsize=1)
def _workspace(work: Path) -> Workspace:
    return Workspace(work)


def _write(workspace: Workspace, out: Path, max_side: int, judged: Judged) -> Outcome:
    job = job_of(judged.source, judged.photo)
    split = split_of(judged.source, job)

    def outcome(text: str, where: str = "", unknown: bool = False) -> Outcome:
        return Outcome(
            judged.source, job, judged.id, split, PERSON, text, where, judged.auto, judged.refined, unknown
        )

    if judged.verdict != PRESERVE:
        return outcome(judged.verdict)
    try:
        person = whole_person(workspace, judged.text)
        with _or_unfit("too small", judged.id):
            person = shrink_person(person, max_side)
    except Unfit as fault:
        return outcome(fault.reason, fault.where)
    layout.write_person(out, person)
    return outcome(KEPT, unknown=bool(person.unknown.any()))


def job_of(source: str, photo: str) -> str:
    """What `split_of` calls a photo: its name, of CCP and LSPet without the suffix."""
    path = Path(photo)
    return path.stem if source in _NAMED_BY_STEM else path.name


def whole_person(workspace: Workspace, line: str) -> WholePerson:
    """The person of a line of `candidates.jsonl` with mask, body parts, unknown pixels and whole photo.

    Body parts of pixels that the (mended) mask has gained are unlabelled. Raises Unfit.
    """
    with _or_unfit("malformed candidate", str(workspace.candidates)):
        candidate = Candidate.from_json(line)
    with _or_unfit("mask unreadable", candidate.id):
        mask = workspace.mask_of(candidate)
    if mask is None:
        raise Unfit("no mask", str(workspace.mask_path(candidate.id)))
    photo = photo_of(candidate)
    with _or_unfit("body parts unreadable", candidate.id):
        label = workspace.parsing_of(candidate)
    if label is None:
        label = np.full_like(mask, UNLABELLED, dtype=np.uint8)
    with _or_unfit("unknown regions unreadable", candidate.id):
        unknown = unknown_of(candidate, mask)
    parsing = inside(mask, label)
    with _or_unfit("malformed body parts", candidate.id):
        return WholePerson(candidate.id, candidate.source, photo, mask, parsing, unknown)


@contextmanager
def _or_unfit(reason: str, where: str) -> Iterator[None]:
    """Whatever is wrong with the data inside the block becomes `Unfit`; a failing disk does not."""
    try:
        yield
    except (Unfit, DeoccludeError, ValueError, TypeError, LookupError, ArithmeticError, cv2.error) as error:
        raise Unfit(reason, one_line(f"{where}: {error}")) from None
