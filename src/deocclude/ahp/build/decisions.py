"""The decisions of a review, from `review.sqlite` or from a file of JSON lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from deocclude.ahp.work_files import DECISIONS, REVIEW
from deocclude.errors import DeoccludeError, described

PRESERVE = "preserve"
_KNOWN = (PRESERVE, "refine", "discard")


@dataclass(frozen=True)
class Decision:
    """decision: preserve, refine or discard. auto: only `--auto` decided. refined: the mask was mended."""

    decision: str
    auto: bool = False
    refined: bool = False

    def __post_init__(self) -> None:
        if self.decision not in _KNOWN:
            raise ValueError(f"{self.decision!r} is none of {', '.join(_KNOWN)}")
        if not isinstance(self.auto, bool) or not isinstance(self.refined, bool):
            raise ValueError("auto and refined must be true or false")


def decisions_of(work: Path, given: Path | None, scratch: Path) -> tuple[dict[str, Decision], list[str]]:
    """Decisions by id, and a message with file and line for each line that is malformed and passed over.

    given: a file that `review --export` wrote; without one the workspace's review database counts, else its
    `decisions.jsonl`. scratch: folder for an export of the database. Raises DeoccludeError if there are none.
    """
    if given is not None:
        if not given.is_file():
            raise DeoccludeError(
                f"{given}: no such file; write it with `deocclude ahp review {work} --export`"
            )
        return read_decisions(given)
    if (work / REVIEW).is_file():
        from deocclude.ahp.review.database import Database
        from deocclude.ahp.review.decisions import export

        export(Database(work / REVIEW), scratch / DECISIONS)
        return read_decisions(scratch / DECISIONS)
    if (work / DECISIONS).is_file():
        return read_decisions(work / DECISIONS)
    raise DeoccludeError(
        f"{work}: neither {REVIEW} nor {DECISIONS}; judge the people with `deocclude ahp review {work}`"
    )


def read_decisions(path: Path) -> tuple[dict[str, Decision], list[str]]:
    """Of an id that is there twice only equal decisions count; otherwise it counts as not judged."""
    found: dict[str, Decision] = {}
    faults: list[str] = []
    contradicted: set[str] = set()
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                identity, decision = _parse(record)
            except (ValueError, KeyError, TypeError) as error:
                faults.append(
                    f"{path}:{number}: no decision ({described(error)}); export the decisions again"
                )
                continue
            if found.setdefault(identity, decision) != decision:
                faults.append(
                    f"{path}:{number}: {identity} was decided otherwise above; keep one of the lines"
                )
                contradicted.add(identity)
    return {key: value for key, value in found.items() if key not in contradicted}, faults


def _parse(record: dict[str, object]) -> tuple[str, Decision]:
    identity = record["id"]
    if not isinstance(identity, str) or not identity:
        raise ValueError("the id is no text")
    fields = {name: record.get(name, False) for name in ("auto", "refined")}
    return identity, Decision(record["decision"], **fields)  # type: ignore[arg-type]
