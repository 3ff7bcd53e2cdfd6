"""What a run loses against an earlier run over the same samples, a stressed one against a plain one say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.errors import DeoccludeError
from deocclude.evaluation.metrics import drawn_people
from deocclude.evaluation.run import MASKS

Numbers = dict[str, Any]

_COMPARED = ("version", "model", "weights", "set", "stress", "initial masks")


def read_earlier(path: Path, split: str, ids: Sequence[str]) -> Numbers:
    """A report that `deocclude evaluate --json` wrote, which must hold all `ids`; it may hold more.

    Raises DeoccludeError if it is no report, is of another split, lacks an id, or is too old to compare with.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        of_split, rows = report["split"], {row["id"]: row for row in report["each"]}
    except OSError as error:
        raise DeoccludeError(
            f"{path}: cannot be read ({error.strerror}); name a file of `evaluate --json`"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DeoccludeError(
            f"{path}: not a report ({type(error).__name__}: {error}); name a file of `evaluate --json`"
        ) from None
    if of_split != split:
        raise DeoccludeError(f"{path}: a report on split {of_split}, not {split}; give one on {split}")
    missing = [name for name in ids if name not in rows]
    if missing:
        raise DeoccludeError(
            f"{path}: says nothing of {missing[0]} and {len(missing) - 1} more; evaluate the whole set for it"
        )
    if any("pixels" not in rows[name] or "person" not in rows[name] for name in ids):
        raise DeoccludeError(f"{path}: made by an older version; make it again with `evaluate --json`")
    return {**report, "file": path.name, "each": [rows[name] for name in ids]}


def compare(report: Numbers, earlier: Numbers) -> Numbers:
    """For a report: the relative loss of the cascade's micro IoUs, 1 - now / earlier, over the same samples.

    earlier: what `read_earlier` gave for the ids of `report`. The interval is a paired bootstrap: every
    resample draws the same people from both runs. "differs" names the settings that are not the same.
    """
    people = [row["person"] for row in report["each"]]
    return {
        "file": earlier["file"],
        "stress": earlier["stress"],
        "differs": [key for key in _COMPARED if report.get(key) != earlier.get(key)],
        "samples": len(people),
        "masks": {
            name: _loss(
                [row["pixels"][name] for row in report["each"]],
                [row["pixels"][name] for row in earlier["each"]],
                people,
            )
            for name in MASKS
        },
    }


def _loss(now: Sequence[Sequence[int]], earlier: Sequence[Sequence[int]], people: Sequence[str]) -> Numbers:
    """now, earlier: intersection and union of each sample."""
    _, person = np.unique(np.asarray(people), return_inverse=True)
    count = int(person.max()) + 1
    table = np.zeros((count, 4))
    np.add.at(table, person, np.hstack([np.asarray(now, np.float64), np.asarray(earlier, np.float64)]))
    after, before, loss = _losses(table.sum(axis=0, keepdims=True))
    drawn = _losses(drawn_people(count) @ table)[2]
    drawn = drawn[np.isfinite(drawn)]
    ends = np.percentile(drawn, [2.5, 97.5]) if drawn.size else (np.nan, np.nan)
    return {
        "earlier": _plain(before[0]),
        "now": _plain(after[0]),
        "loss": _plain(loss[0]),
        "interval": [_plain(end) for end in ends],
    }


def _losses(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both micro IoUs and the relative loss of float64 Nx4; nan where a union or the earlier IoU is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        now, earlier = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
        loss = 1 - now / earlier
    return now, earlier, np.where(np.isfinite(loss), loss, np.nan)


def _plain(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
