"""An evaluation in one process or several, with the same result (on a CPU: bit for bit)."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.sample import OcclusionSample
from deocclude.errors import DeoccludeError
from deocclude.evaluation.matching import PREDICTED, open_initial_masks
from deocclude.evaluation.pictures import as_jpegs, tiles_of
from deocclude.evaluation.run import Measured, complete, measure
from deocclude.evaluation.stress import STRESSES, fits
from deocclude.people import load_source
from deocclude.pipeline import Deoccluder
from deocclude.threads import one_thread


@dataclass(frozen=True)
class Job:
    """What to evaluate on what. stress: a name of `STRESSES`, or None for the composites as they are.

    initial_masks: as for `matching.open_initial_masks`. exemplars: as for `Deoccluder`. looks: perceptual
    distance and features too, with the networks that are installed. pictures: JPEG tiles of every sample too.
    """

    ahp: Path
    split: str
    model: str
    device: str
    initial_masks: str = "predicted"
    stress: str | None = None
    exemplars: bool = True
    looks: bool = True
    pictures: bool = False

    def __post_init__(self) -> None:
        if self.stress is not None and self.stress not in STRESSES:
            raise DeoccludeError(f"unknown stress '{self.stress}'; choose {', '.join(STRESSES)}")
        own_masks = self.stress is not None and STRESSES[self.stress].own_masks
        if own_masks and self.initial_masks not in (PREDICTED, "truth"):
            raise DeoccludeError(
                f"{self.initial_masks}: these masks fit the composites as they are; --stress {self.stress} "
                "needs --initial-masks predicted or truth"
            )


@dataclass(frozen=True)
class Outcome:
    """One sample evaluated. pictures: JPEG files by tile name, None if the job wants none."""

    index: int
    measured: Measured
    pictures: dict[str, bytes] | None


class Evaluator:
    """A job with its networks loaded: call it with the index of a composite."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.samples = FrozenComposites(job.ahp, job.split)
        finder = load_source("blazepose", num_threads=1) if job.initial_masks == PREDICTED else None
        self.deoccluder = Deoccluder.load(
            job.model, device=job.device, people=finder, exemplars=job.exemplars
        )
        self.initial_masks = open_initial_masks(job.initial_masks, self.deoccluder)
        self.appearance = None
        if job.looks:
            from deocclude.evaluation.appearance import Appearance

            self.appearance = Appearance.load(self.deoccluder.device)

    @property
    def indices(self) -> list[int]:
        """The composites that the job can be done with. Raises DeoccludeError if there are none."""
        categories = (str(record.get("category", "")) for record in self.samples.records)
        fitting = [index for index, category in enumerate(categories) if fits(self.job.stress, category)]
        if not fitting:
            raise DeoccludeError(
                f"{self.samples.folder}: no occluder is known to be a person; --stress {self.job.stress} "
                "needs composites of `deocclude ahp synthesize`"
            )
        return fitting

    def sample(self, index: int) -> OcclusionSample:
        """The composite, stressed if the job says so."""
        sample = self.samples[index]
        return sample if self.job.stress is None else STRESSES[self.job.stress](sample)

    def __call__(self, index: int) -> Outcome:
        person = str(self.samples.records[index].get("person", self.samples.ids[index]))
        sample = self.sample(index)
        initial = self.initial_masks(sample)
        completed = complete(sample, initial, self.deoccluder)
        measured = measure(person, sample, initial, completed, self.deoccluder, self.appearance)
        pictures = as_jpegs(tiles_of(sample, initial, completed)) if self.job.pictures else None
        return Outcome(index, measured, pictures)


def evaluate_all(evaluator: Evaluator, indices: Sequence[int], workers: int = 1) -> Iterator[Outcome]:
    """One outcome an index, in order. Every process uses one thread, so results do not depend on `workers`.

    With several workers each loads the job anew, and `evaluator` itself does nothing.
    """
    if workers == 1 or len(indices) < 2:
        for index in indices:
            with _one_thread_for_now():
                outcome = evaluator(index)
            yield outcome
        return
    fresh = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(workers, len(indices)), fresh, _start, (evaluator.job,)) as pool:
            yield from pool.map(_evaluate, indices)
    except BrokenProcessPool:
        raise DeoccludeError(
            "a worker process ended early, for want of memory perhaps; run again with fewer --workers"
        ) from None


_evaluator: Evaluator | None = None


def _start(job: Job) -> None:
    global _evaluator
    one_thread()
    _evaluator = Evaluator(job)


def _evaluate(index: int) -> Outcome:
    assert _evaluator is not None
    return _evaluator(index)


@contextmanager
def _one_thread_for_now() -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
