"""Collects what stands beside the whole people of a data set, photo by photo, and counts it by split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.engine import Engine
from deocclude.ahp.progress import progress_of
from deocclude.errors import DeoccludeError, described, one_line

Job = TypeVar("Job")

UNUSABLE = (Unfit, DeoccludeError, ValueError, TypeError, LookupError)
"""What a photo, or its annotations, may be wrong with; any other exception is a fault of the program."""


def collect(
    title: str, engine: Engine, write: Callable[[str, Job], int], jobs: Sequence[tuple[str, str, Job]]
) -> tuple[dict[str, int], list[str]]:
    """Runs `write` on every job: it returns how many things it wrote, or raises one of `UNUSABLE`.

    jobs: the photo's name for messages, and what `write` takes, its split first. Returns the sums of "train"
    and "val", and a message for each photo that cannot be used.
    """
    counts, faults = {"train": 0, "val": 0}, list[str]()
    written = engine.spread(partial(_attempt, write), jobs)
    with progress_of(title, len(jobs)) as advance, closing(written):
        for (_, split, _), count in zip(jobs, written, strict=True):
            if isinstance(count, str):
                faults.append(count)
            else:
                counts[split] += count
            advance(1)
    return counts, faults


def _attempt(write: Callable[[str, Job], int], job: tuple[str, str, Job]) -> int | str:
    name, split, own = job
    try:
        return write(split, own)
    except UNUSABLE as error:
        return fault_of(name, error)


def fault_of(name: str, error: Exception) -> str:
    """One line; an error of our own names the file itself."""
    return one_line(error) if isinstance(error, DeoccludeError) else described(error, name)
