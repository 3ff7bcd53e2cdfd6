"""Data sets -> a finished data set, step by step, nobody asked: `deocclude ahp build --auto`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deocclude.ahp.build.run import SPLITS, Summary, build, scratch_of
from deocclude.ahp.engine import Engine
from deocclude.ahp.progress import progress_of


@dataclass(frozen=True)
class Step:
    """A finished step: its verb, its seconds, what it says, and what it passed over."""

    name: str
    seconds: float
    text: str
    faults: tuple[str, ...] = ()


Said = tuple[str, list[str]]


def run_all(
    sources: Mapping[str, Path], work: Path, out: Path, engine: Engine, max_side: int, parser: str
) -> Iterator[Step]:
    """Acquire, segment, review --auto, build, composites, false alarms, seen people, manifest; a `Step` each.

    sources: folders by the names that `acquire` knows. parser: as `segment` takes it.
    Every step goes on where a killed run left it. Raises DeoccludeError as the steps do.
    """
    coco = sources.get("coco")

    def acquired() -> Said:
        from deocclude.ahp.acquire.registry import open_sources
        from deocclude.ahp.acquire.run import KEPT, acquire

        counts = acquire(open_sources(sources), work, engine)
        return "; ".join(f"{name} {tally[KEPT]} of {tally.total()}" for name, tally in counts.items()), []

    def segmented() -> Said:
        from deocclude.ahp.segment.run import OK, segment

        counts = segment(work, engine, parser=parser)
        return "; ".join(f"{name} {tally[OK]} of {tally.total()}" for name, tally in counts.items()), []

    def built() -> Said:
        summary = build(work, out, engine, coco=coco, max_side=max_side)
        return described(summary), summary.faults

    steps: list[tuple[str, Callable[[], Said]]] = [
        ("acquire", acquired),
        ("segment", segmented),
        ("review --auto", lambda: _reviewed(work, engine)),
        ("build", built),
        ("synthesize", lambda: _frozen(work, out, engine)),
        ("false-alarms", lambda: _false_alarms(out, coco, engine)),
        ("seen-people", lambda: _seen_people(out, coco, engine)),
        ("verify --write", lambda: with_manifest(out, engine.workers)),
    ]
    for name, do in steps:
        before = time.perf_counter()
        text, faults = do()
        yield Step(name, time.perf_counter() - before, text, tuple(faults))


def described(summary: Summary) -> str:
    """One line."""
    parts = [
        f"{split}: {len(summary.people[split])} people, {summary.occluders[split]} occluders"
        for split in SPLITS
    ]
    text = "; ".join(parts)
    return f"{text}; {summary.automatic} of the people judged by --auto alone" if summary.automatic else text


def _reviewed(work: Path, engine: Engine) -> Said:
    from deocclude.ahp.review.database import Database
    from deocclude.ahp.review.decisions import decide_automatically, export
    from deocclude.ahp.review.index import index
    from deocclude.ahp.review.workspace import Workspace
    from deocclude.ahp.work_files import DECISIONS, REVIEW

    workspace, database = Workspace(work), Database(work / REVIEW)
    with progress_of("looking at masks", sum(1 for _ in workspace.lines())) as advance:
        report = index(workspace, database, progress=advance, engine=engine)
    decide_automatically(database, time.time())
    counts = export(database, work / DECISIONS)
    text = ", ".join(f"{counts[name]} {name}" for name in ("preserve", "refine", "discard"))
    return text, list(report.damaged)


def _frozen(work: Path, out: Path, engine: Engine) -> Said:
    from deocclude.ahp.build.composites import SPLIT, freeze
    from deocclude.ahp.layout import read_ids

    if not read_ids(out, SPLIT) or not any((out / "occluders" / SPLIT).glob("*.png")):
        return "left out: the validation split needs people and occluders (--coco)", []
    made, found = freeze(out, scratch_of(work, out), engine)
    return f"{made} composites, N_i finds the person in {found}", []


def _false_alarms(out: Path, coco: Path | None, engine: Engine) -> Said:
    from deocclude.ahp.false_alarms import write_false_alarms

    return _collected("masks", write_false_alarms, out, coco, engine)


def _seen_people(out: Path, coco: Path | None, engine: Engine) -> Said:
    from deocclude.ahp.seen_people import write_seen_people

    return _collected("people", write_seen_people, out, coco, engine)


def _collected(
    what: str,
    write: Callable[[Path, Path, Engine], tuple[dict[str, int], list[str]]],
    out: Path,
    coco: Path | None,
    engine: Engine,
) -> Said:
    if coco is None:
        return "left out: it needs COCO's photos (--coco)", []
    counts, faults = write(out, coco, engine)
    return ", ".join(f"{split}: {count} {what}" for split, count in counts.items()), faults


def with_manifest(out: Path, workers: int) -> Said:
    """Writes `manifest.json` of a finished data set, after what killed runs left half written is gone."""
    from deocclude.ahp.build.tree import sweep_unfinished
    from deocclude.ahp.manifest import write_manifest

    sweep_unfinished(out)
    entries = write_manifest(out, workers)
    return f"{len(entries)} files, {sum(entry.size for entry in entries.values())} bytes", []
