"""Sources -> AHP layout on disk: `deocclude ahp prepare`. Restartable: what is done is not done again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from rich.progress import Progress

from deocclude.ahp import layout
from deocclude.ahp.reader import Reader, Rejected
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError

_CONTEXT = 1.0
_VALIDATION_SHARE = 0.1
_JOURNAL = "prepared.jsonl"

Sources = dict[str, Path]
Outcome = dict[str, str]
Statistics = dict[str, dict[str, dict[str, int]]]
"""Counts by source, kind of record, and what became of it."""


def split_of(source: str, job: str) -> str:
    """'val' for a tenth of the photos of each source, else 'train'; fixed for ever by a hash of the name."""
    digest = hashlib.sha256(f"{source}/{job}".encode()).digest()
    return "val" if int.from_bytes(digest[:8], "big") < _VALIDATION_SHARE * 2**64 else "train"


def _size_within(height: int, width: int, max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink_photo(photo: np.ndarray, max_side: int) -> np.ndarray:
    """uint8 HxWx3, area-averaged so that its long side is at most `max_side`."""
    size = _size_within(photo.shape[0], photo.shape[1], max_side)
    return cv2.resize(np.ascontiguousarray(photo), size, interpolation=cv2.INTER_AREA)


def shrink_person(person: WholePerson, max_side: int) -> WholePerson:
    """The person with at most one body length of surroundings a side, long side at most `max_side`.

    The photo is area-averaged, masks are averaged and cut at one half, parsing is nearest.
    """
    box = box_of(person.amodal)
    assert box is not None
    margin = round(_CONTEXT * max(box[2] - box[0], box[3] - box[1]))
    rows = slice(max(0, box[1] - margin), box[3] + margin)
    columns = slice(max(0, box[0] - margin), box[2] + margin)
    photo = person.photo[rows, columns]
    size = _size_within(photo.shape[0], photo.shape[1], max_side)
    amodal = _shrink_mask(person.amodal[rows, columns], size)
    parsing = cv2.resize(
        np.ascontiguousarray(person.parsing[rows, columns]), size, interpolation=cv2.INTER_NEAREST_EXACT
    )
    parsing = np.where(amodal, np.where(parsing == 0, 255, parsing), 0).astype(np.uint8)
    return WholePerson(
        id=person.id,
        source=person.source,
        photo=shrink_photo(photo, max_side),
        amodal=amodal,
        parsing=parsing,
        unknown=_shrink_mask(person.unknown[rows, columns], size),
    )


def shrink_occluder(occluder: Occluder, max_side: int) -> Occluder:
    """The cut-out with a long side of at most `max_side`."""
    size = _size_within(occluder.mask.shape[0], occluder.mask.shape[1], max_side)
    image = cv2.resize(occluder.image, size, interpolation=cv2.INTER_AREA)
    return Occluder(occluder.id, occluder.category, image, _shrink_mask(occluder.mask, size))


def _shrink_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128


def open_readers(sources: Sources) -> dict[str, Reader]:
    """A reader for each of the folders 'ccp', 'lspet' and 'coco' that is given."""
    readers: dict[str, Reader] = {}
    if "coco" in sources:
        from deocclude.ahp.coco import CocoReader

        readers["coco"] = CocoReader(sources["coco"])
    if "ccp" in sources or "lspet" in sources:
        from deocclude.ahp.ccp import CcpReader
        from deocclude.ahp.lspet import LspetReader
        from deocclude.people import BlazePose

        people = BlazePose()
        if "ccp" in sources:
            readers["ccp"] = CcpReader(sources["ccp"], people)
        if "lspet" in sources:
            readers["lspet"] = LspetReader(sources["lspet"], people)
    return readers


_worker: dict[str, Reader] = {}


def _start_worker(sources: Sources) -> None:
    cv2.setNumThreads(1)
    _worker.update(open_readers(sources))


def _prepare_in_worker(task: tuple[str, str, Path, int]) -> list[Outcome]:
    source, job, out, max_side = task
    return prepare_job(_worker[source], job, out, max_side)


def prepare_job(reader: Reader, job: str, out: Path, max_side: int) -> list[Outcome]:
    """Writes what one photo holds and says what became of each candidate."""
    split = split_of(reader.name, job)
    outcomes = []
    for record in reader.read(job):
        outcome = {"source": reader.name, "job": job, "id": record.id, "split": split}
        if isinstance(record, Rejected):
            outcome |= {"kind": record.kind, "outcome": record.reason}
        elif isinstance(record, WholePerson):
            layout.write_person(out, shrink_person(record, max_side))
            outcome |= {"kind": "person", "outcome": "kept"}
        else:
            layout.write_occluder(out, split, shrink_occluder(record, max_side))
            outcome |= {"kind": "occluder", "outcome": "kept"}
        outcomes.append(outcome)
    return outcomes or [
        {"source": reader.name, "job": job, "kind": "photo", "outcome": "nothing large enough"}
    ]


def _read_journal(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    outcomes = []
    for line in path.read_text().splitlines():
        try:
            outcomes.append(json.loads(line))
        except ValueError:
            continue
    return outcomes


def prepare(sources: Sources, out: Path, max_side: int = 384, workers: int = 1) -> Statistics:
    """Reads the sources and writes people, occluders, ImageSets and `statistics.json` below `out`.

    sources: folders by name ('ccp', 'lspet', 'coco'). A tenth of the photos of each source is 'val'. Returns
    the statistics: per source and kind how many were kept (by split) and why the others were not.
    Raises DeoccludeError if a source is malformed; what is written stays and is skipped by the next run.
    """
    if not sources:
        raise DeoccludeError("no source of people given; name at least one of --ccp, --lspet, --coco")
    for name, folder in sources.items():
        if not folder.is_dir():
            raise DeoccludeError(f"{folder}: no such folder; give --{name} the folder of the data set")
    out.mkdir(parents=True, exist_ok=True)
    journal = out / _JOURNAL
    outcomes = _read_journal(journal)
    done = {(outcome["source"], outcome["job"]) for outcome in outcomes}
    readers = open_readers(sources)
    tasks = [
        (name, job, out, max_side)
        for name, reader in readers.items()
        for job in reader.jobs()
        if (name, job) not in done
    ]
    with journal.open("a") as log, Progress() as progress:
        bar = progress.add_task("preparing photos", total=len(tasks))
        for batch in _run(tasks, readers, sources, workers):
            log.write("".join(json.dumps(outcome) + "\n" for outcome in batch))
            log.flush()
            outcomes += batch
            progress.advance(bar)
    return _conclude(out, outcomes)


def _run(
    tasks: list[tuple[str, str, Path, int]], readers: dict[str, Reader], sources: Sources, workers: int
) -> Iterator[Iterable[Outcome]]:
    if workers <= 1:
        for source, job, out, max_side in tasks:
            yield prepare_job(readers[source], job, out, max_side)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, _start_worker, (sources,)) as pool:
        yield from pool.map(_prepare_in_worker, tasks, chunksize=4)


def _conclude(out: Path, outcomes: list[Outcome]) -> Statistics:
    unique = {(o["source"], o["job"], o.get("id", ""), o["kind"]): o for o in outcomes}.values()
    statistics: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for outcome in unique:
        kept = outcome["outcome"] == "kept"
        label = f"kept in {outcome['split']}" if kept else f"dropped: {outcome['outcome']}"
        statistics[outcome["source"]][outcome["kind"]][label] += 1
    for split in ("train", "val"):
        people = [
            outcome["id"]
            for outcome in unique
            if outcome["kind"] == "person" and outcome["outcome"] == "kept" and outcome["split"] == split
        ]
        layout.write_ids(out, split, people)
    plain = {
        source: {kind: dict(sorted(counts.items())) for kind, counts in kinds.items()}
        for source, kinds in sorted(statistics.items())
    }
    layout.write_atomically(out / "statistics.json", (json.dumps(plain, indent=2) + "\n").encode())
    return plain
