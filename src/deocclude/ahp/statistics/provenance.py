"""Table 1: how many people each source showed, how many were preserved, and why the others were not."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.ahp import layout
from deocclude.ahp.layout import PREPARED
from deocclude.ahp.work_files import CANDIDATES, DECISIONS, DROPPED, REVIEW, SEGMENTED
from deocclude.errors import DeoccludeError

_PRESERVE = "preserve"


@dataclass(frozen=True)
class SourceCount:
    """One column of Table 1. humans: people seen, None if nobody wrote them down. preserved: in the lists.

    others: what became of the people that are not in the lists. dropped: people put aside when they were
    acquired, who do not count as seen.
    """

    source: str
    humans: int | None
    preserved: int
    others: dict[str, int]
    dropped: dict[str, int]

    @property
    def ratio(self) -> float | None:
        """Preserved over seen."""
        return self.preserved / self.humans if self.humans else None


@dataclass(frozen=True)
class Provenance:
    """Table 1 and where it comes from. seconds: mean time of the `judged` decisions that people made."""

    record: str
    sources: tuple[SourceCount, ...]
    judged: int = 0
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> SourceCount:
        """All sources together; humans is None if one source lacks it."""
        seen = [row.humans for row in self.sources]
        return SourceCount(
            "all",
            None if None in seen else sum(n for n in seen if n is not None),
            sum(row.preserved for row in self.sources),
            dict(sum((Counter(row.others) for row in self.sources), Counter())),
            dict(sum((Counter(row.dropped) for row in self.sources), Counter())),
        )


def provenance_of(root: Path, listed: Collection[str], work: Path | None = None) -> Provenance:
    """Table 1 of the people in `listed` (their ids).

    Read from the workspace `work` (`candidates.jsonl`, and `dropped`, `segmented`, `decisions.jsonl` beside
    it) if one is given; else from `prepared.jsonl` of `deocclude ahp build`; else from the workspace the
    data set lies in; else the people seen are not known. Raises DeoccludeError if `work` is no workspace or
    one of its lines is malformed.
    """
    top = layout.root_of(root)
    if work is not None and not (work / CANDIDATES).is_file():
        raise DeoccludeError(f"{work / CANDIDATES}: no such file; make it with `deocclude ahp acquire`")
    if work is None and not (top / PREPARED).is_file():
        work = next((folder for folder in (root, top, top.parent) if (folder / CANDIDATES).is_file()), None)
    people = frozenset(listed)
    if work is not None:
        return _from_workspace(work, people)
    if (top / PREPARED).is_file():
        return _from_journal(top / PREPARED, people)
    counts = Counter(layout.source_of(identity) for identity in people)
    return Provenance(
        record="",
        sources=tuple(SourceCount(source, None, n, {}, {}) for source, n in sorted(counts.items())),
        notes=("no record of the people seen: human counts and preserved ratios are not known",),
    )


def _from_journal(path: Path, people: frozenset[str]) -> Provenance:
    outcomes = {}
    for line in _lines(path, torn=True):
        record = line.record
        if record.get("kind") == "person":
            key = (record.get("source"), record.get("job"), record.get("id"))
            outcomes[key] = str(record.get("outcome"))
    tally = _Tally(people)
    for (source, _, identity), outcome in outcomes.items():
        tally.see(str(source), str(identity), "kept, not in the lists" if outcome == "kept" else outcome)
    return tally.close(path.name)


def _from_workspace(work: Path, people: frozenset[str]) -> Provenance:
    decisions: dict[str, str] = {}
    times = []
    notes = []
    if (work / SEGMENTED).is_file():
        for line in _lines(work / SEGMENTED):
            if line.text("outcome") != "ok":
                decisions[line.text("id")] = f"no mask: {line.text('outcome')}"
    if (work / DECISIONS).is_file():
        for line in _lines(work / DECISIONS):
            decisions[line.text("id")] = line.text("decision").lower()
            if not line.record.get("auto") and line.record.get("seconds") is not None:
                times.append(line.seconds())
    elif (work / REVIEW).is_file():
        notes.append(
            f"{work / REVIEW} is not read; write `deocclude ahp review {work} --export {work / DECISIONS}`"
        )
    tally = _Tally(people)
    for line in _lines(work / CANDIDATES):
        decision = decisions.get(line.text("id"), "not judged")
        outcome = f"{decision}, not in the lists" if decision == _PRESERVE else decision
        tally.see(line.text("source"), line.text("id"), outcome)
    if (work / DROPPED).is_file():
        for line in _lines(work / DROPPED):
            tally.dropped[line.text("source")][line.text("reason")] += 1
    seconds = sum(times) / len(times) if times else None
    return tally.close(CANDIDATES, len(times), seconds, tuple(notes))


class _Tally:
    """Counts by source; each listed person is looked for once."""

    def __init__(self, people: frozenset[str]) -> None:
        self.missing = set(people)
        self.humans: Counter[str] = Counter()
        self.preserved: Counter[str] = Counter()
        self.others: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.dropped: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def see(self, source: str, identity: str, outcome: str) -> None:
        self.humans[source] += 1
        if identity in self.missing:
            self.missing.remove(identity)
            self.preserved[source] += 1
        else:
            self.others[source][outcome] += 1

    def close(
        self, record: str, judged: int = 0, seconds: float | None = None, notes: tuple[str, ...] = ()
    ) -> Provenance:
        if self.missing:
            notes = (
                *notes,
                f"{len(self.missing)} people of the lists are not in {record}: neither seen nor preserved",
            )
        sources = tuple(
            SourceCount(
                source,
                self.humans[source],
                self.preserved[source],
                dict(sorted(self.others[source].items())),
                dict(sorted(self.dropped[source].items())),
            )
            for source in sorted(self.humans.keys() | self.dropped.keys())
        )
        return Provenance(record, sources, judged, seconds, notes)


@dataclass(frozen=True)
class _Line:
    """An object of a JSON Lines file, and where it stands, for the message."""

    where: str
    record: dict[str, Any]

    def text(self, key: str) -> str:
        value = self.record.get(key)
        if not isinstance(value, str) or not value:
            raise DeoccludeError(f"{self.where}: no '{key}'; make the file again")
        return value

    def seconds(self) -> float:
        value = self.record["seconds"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DeoccludeError(f"{self.where}: seconds is {value!r}; export the decisions again")
        return float(value)


def _lines(path: Path, *, torn: bool = False) -> Iterator[_Line]:
    """One object a line; with `torn`, lines that a killed run left half written are passed over."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, text in enumerate(lines, start=1):
            where = f"{path}, line {number}"
            try:
                record = json.loads(text)
            except ValueError as error:
                if torn:
                    continue
                raise DeoccludeError(f"{where}: not JSON ({error}); make the file again") from None
            if isinstance(record, dict):
                yield _Line(where, record)
            elif not torn:
                raise DeoccludeError(f"{where}: not an object; make the file again")
