"""COCO's clean cut-outs -> `occluders/SPLIT/ID.png`, as `ahp.coco.CocoReader` chooses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2

from deocclude.ahp import layout
from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.build.outcome import KEPT, OCCLUDER, PHOTO, Outcome
from deocclude.ahp.coco import CocoReader, Rejected, coco_reader
from deocclude.ahp.shrink import shrink_occluder
from deocclude.ahp.split import split_of
from deocclude.ahp.work_files import stamp
from deocclude.errors import DeoccludeError, described

_FIT = re.compile(r"coco-[A-Za-z0-9._-]+")


def facts_of(coco: Path, job: str) -> str:
    """What the cut-outs of a photo depend on: the photo's file, and the annotations' file."""
    files = coco / "images" / job, coco / "annotations" / "instances.json"
    return repr((job, *map(stamp, files)))


def jobs_of(coco: Path) -> list[str]:
    """The annotated photos that are there. Raises DeoccludeError if `coco` is not COCO's folder."""
    return coco_reader(coco).jobs()


def write_occluders(coco: Path, out: Path, max_side: int, jobs: list[str]) -> list[str]:
    """Writes the cut-outs of some photos; lines of `prepared.jsonl`."""
    return [outcome.to_json() for job in jobs for outcome in _write(coco_reader(coco), out, max_side, job)]


def _write(reader: CocoReader, out: Path, max_side: int, job: str) -> Iterator[Outcome]:
    """A photo with anything malformed in it gives what comes before that, and a line that says so."""
    split = split_of(reader.name, job)
    try:
        for record in reader.cut_outs(job):
            if not _FIT.fullmatch(record.id):
                yield Outcome(reader.name, job, "", split, OCCLUDER, "malformed id", f"{job}: {record.id!r}")
            elif isinstance(record, Rejected):
                yield Outcome(reader.name, job, record.id, split, OCCLUDER, record.reason)
            else:
                layout.write_occluder(out, split, shrink_occluder(record, max_side))
                yield Outcome(reader.name, job, record.id, split, OCCLUDER, KEPT)
    except Unfit as fault:
        yield Outcome(reader.name, job, "", split, PHOTO, fault.reason, fault.where)
    except (DeoccludeError, ValueError, TypeError, LookupError, ArithmeticError, cv2.error) as error:
        yield Outcome(reader.name, job, "", split, PHOTO, "malformed annotation", described(error, job))
