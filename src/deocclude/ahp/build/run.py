"""`deocclude ahp build`: a reviewed workspace -> AHP's layout, whole or to be gone on with."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from deocclude.ahp import layout
from deocclude.ahp.acquire.parts import Part, cut, lines_of
from deocclude.ahp.build import occluders, people
from deocclude.ahp.build.decisions import decisions_of
from deocclude.ahp.build.outcome import OCCLUDER, PERSON, Outcome
from deocclude.ahp.build.tree import claim, files_of, sweep
from deocclude.ahp.engine import Engine
from deocclude.ahp.layout import PREPARED
from deocclude.ahp.progress import progress_of
from deocclude.ahp.review.workspace import Workspace
from deocclude.ahp.shrink import MAX_SIDE
from deocclude.atomic import replacing, write_atomically
from deocclude.errors import DeoccludeError

STATISTICS = "statistics.json"
SPLITS = ("train", "val")

_SCRATCH = ".build"
_VERSION = 1
"""Change it when the same candidate comes to other bytes."""
_PEOPLE_A_PART = 16
_PHOTOS_A_PART = 8

Write = Callable[[list[Any]], list[str]]


@dataclass
class Summary:
    """people: ids by split. occluders: how many by split. automatic: people preserved by `--auto` alone.

    counts: how many, by source, kind and what became of them. faults: what was passed over, a line each.
    """

    people: dict[str, list[str]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    occluders: Counter[str] = field(default_factory=Counter)
    automatic: int = 0
    counts: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        label = f"kept in {outcome.split}" if outcome.kept else f"dropped: {outcome.outcome}"
        self.counts.setdefault(outcome.source, {}).setdefault(outcome.kind, Counter())[label] += 1
        if outcome.where:
            self.faults.append(f"{outcome.outcome}: {outcome.where}")
        if outcome.kept and outcome.kind == PERSON:
            self.people[outcome.split].append(outcome.id)
            self.automatic += outcome.auto
        elif outcome.kept and outcome.kind == OCCLUDER:
            self.occluders[outcome.split] += 1


def scratch_of(work: Path, out: Path) -> Path:
    """Where a workspace keeps what it knows of one data set made from it."""
    return work / _SCRATCH / hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:12]


def build(
    work: Path,
    out: Path,
    engine: Engine,
    *,
    coco: Path | None = None,
    decisions: Path | None = None,
    max_side: int = MAX_SIDE,
) -> Summary:
    """Writes people, occluders (of `coco`), `ImageSets`, `prepared.jsonl` and `statistics.json` below `out`.

    decisions: as `decisions_of` takes them. What is done for the same candidate, decision and files is not
    done again; the bytes depend neither on the engine nor on earlier or killed runs. Files of people and
    occluders that no longer belong there are removed, from a folder that `build` has made only.
    Raises DeoccludeError if the workspace is not reviewed, if nobody is to be preserved, or if `out` holds
    something else.
    """
    work, out, coco = work.absolute(), out.absolute(), coco.absolute() if coco is not None else None
    workspace = Workspace(work)
    scratch = scratch_of(work, out)
    summary = Summary()
    decided, faults = decisions_of(work, decisions, scratch)
    summary.faults += faults
    judged = partial(
        people.judged_people, workspace.candidates, decided, workspace.segmentations(), summary.faults
    )
    jobs = [] if coco is None else occluders.jobs_of(coco)
    claim(out)
    settings = f"{_VERSION} {max_side}"
    with workspace.candidates.open("rb") as stream:
        total = sum(1 for _ in stream)
    expected: set[str] = set()
    with replacing(out / PREPARED) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as log:

        def take(outcome: Outcome, line: str) -> None:
            log.write(f"{line}\n")
            summary.add(outcome)
            expected.update(files_of(outcome))

        parts = _parts_of_people(judged(), work, scratch, settings)
        write = partial(people.write_people, work, out, max_side)
        _finish("people", total, parts, write, out, engine, take)
        if coco is not None:
            folder = scratch / "occluders"
            parts = cut(jobs, _PHOTOS_A_PART, folder, f"{settings} {coco}", partial(occluders.facts_of, coco))
            write = partial(occluders.write_occluders, coco, out, max_side)
            _finish("occluders", len(jobs), parts, write, out, engine, take)
        if not any(summary.people.values()):
            raise DeoccludeError(
                f"{work}: nobody to preserve; judge people with `deocclude ahp review {work}`"
            )
    for split in SPLITS:
        layout.write_ids(out, split, summary.people[split])
        expected.add(f"train/ImageSets/{split}.txt")
    write_atomically(out / STATISTICS, _plain(summary.counts))
    sweep(out, expected)
    return summary


def _parts_of_people(
    judged: Iterator[people.Judged], work: Path, scratch: Path, settings: str
) -> Iterator[Part]:
    """No part has two sources, so that acquiring another one changes no other's parts."""
    turns: Counter[str] = Counter()
    for source, group in groupby(judged, key=lambda person: person.source):
        turns[source] += 1
        folder = scratch / "people" / f"{source}.{turns[source]}"
        yield from cut(group, _PEOPLE_A_PART, folder, settings, partial(people.facts_of, work))


def _finish(
    what: str,
    total: int,
    parts: Iterator[Part],
    write: Write,
    out: Path,
    engine: Engine,
    take: Callable[[Outcome, str], None],
) -> None:
    done = engine.spread(partial(_do, write, out), parts)
    with progress_of(what, total) as advance, closing(done):
        for file, count in done:
            for line in lines_of(file):
                take(Outcome.from_json(line), line)
            advance(count)


def _do(write: Write, out: Path, part: Part) -> tuple[Path, int]:
    """Does a part unless its lines and the files they speak of are there."""
    if not part.done or not all(
        (out / name).is_file() for line in lines_of(part.file) for name in files_of(Outcome.from_json(line))
    ):
        lines = (part.digest, *write(part.items))
        write_atomically(part.file, "".join(f"{line}\n" for line in lines).encode())
    return part.file, len(part.items)


def _plain(counts: dict[str, dict[str, Counter[str]]]) -> bytes:
    plain = {
        source: {kind: dict(sorted(labels.items())) for kind, labels in sorted(kinds.items())}
        for source, kinds in sorted(counts.items())
    }
    return (json.dumps(plain, indent=2) + "\n").encode()
