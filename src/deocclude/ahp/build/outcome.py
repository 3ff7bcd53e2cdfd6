"""What became of one candidate, occluder or photo: a line of `prepared.jsonl`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

KEPT = "kept"
PERSON, OCCLUDER, PHOTO = "person", "occluder", "photo"


@dataclass(frozen=True)
class Outcome:
    """source, job: the photo (what `split_of` takes). id: "" where a photo or a line has none.

    kind: `PERSON`, `OCCLUDER` or `PHOTO`. outcome: `KEPT`, or one of a few phrases to be counted. where: what
    exactly is wrong, "" if nothing is. auto: only `review --auto` decided. refined: the mask was mended.
    unknown: the person has pixels that nobody can judge.
    """

    source: str
    job: str
    id: str
    split: str
    kind: str
    outcome: str
    where: str = ""
    auto: bool = False
    refined: bool = False
    unknown: bool = False

    @property
    def kept(self) -> bool:
        return self.outcome == KEPT

    def to_json(self) -> str:
        """One line; what is empty or false is left out."""
        return json.dumps({name: value for name, value in asdict(self).items() if value not in ("", False)})

    @classmethod
    def from_json(cls, line: str) -> Outcome:
        """Inverse of `to_json`."""
        return cls(**{"job": "", "id": "", "split": ""} | json.loads(line))
