"""How independent jobs are spread: in this process, over processes, or over machines with Ray."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing.process import BaseProcess as ParentProcess
from threading import Thread
from typing import Any, TypeVar

from deocclude.errors import DeoccludeError
from deocclude.threads import one_opencv_thread

SERIAL, PROCESSES, RAY = ENGINES = ("serial", "processes", "ray")
_A_WORKER = 2
"""Jobs under way or waiting for each worker."""

_WORKER_DIED = "a worker process died, perhaps for want of memory; run again with fewer --workers to go on"

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Engine:
    """name: one of `ENGINES`. workers: processes on this machine; a Ray cluster that is there has its own.
    Raises DeoccludeError for an unknown name, for no workers, and if Ray is asked for and not installed.

    Ray starts on this machine unless RAY_ADDRESS names a cluster, whose machines must have this package and
    see the same files under the same paths.
    """

    name: str = PROCESSES
    workers: int = 1

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise DeoccludeError(f"engine '{self.name}' is not known; choose one of {', '.join(ENGINES)}")
        if self.workers < 1:
            raise DeoccludeError(f"{self.workers} workers cannot do anything; give 1 or more")
        if self.name == RAY:
            _import_ray()

    def spread(
        self,
        work: Callable[[Job], Result],
        jobs: Iterable[Job],
        start: Callable[[], None] = one_opencv_thread,
    ) -> Generator[Result, None, None]:
        """`work` of every job, in the order of the jobs, which are taken few at a time.

        work, start: functions that other processes can import; a result depends on its job alone. start:
        called once in each process before any work. What a job raises is raised here.
        Raises DeoccludeError if a worker dies.
        """
        if self.name == RAY:
            return _over_ray(self.workers, work, jobs, start)
        if self.name == PROCESSES and self.workers > 1:
            return _over_processes(self.workers, work, jobs, start)
        return _in_turn(work, jobs, start)


HERE = Engine(SERIAL)
"""This process alone."""


def _in_turn(
    work: Callable[[Job], Result], jobs: Iterable[Job], start: Callable[[], None]
) -> Generator[Result, None, None]:
    start()
    for job in jobs:
        yield work(job)


def _ahead(jobs: Iterable[Job], most: int, submit: Callable[[Job], Any]) -> Iterator[Any]:
    """What `submit` gives for each job, in order, `most` of them ahead of the one asked for."""
    pending: deque[Any] = deque()
    for job in jobs:
        pending.append(submit(job))
        if len(pending) >= most:
            yield pending.popleft()
    yield from pending


def _over_processes(
    workers: int, work: Callable[[Job], Result], jobs: Iterable[Job], start: Callable[[], None]
) -> Generator[Result, None, None]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, _begin, (start,)) as pool:
        try:
            for future in _ahead(jobs, _A_WORKER * workers, lambda job: pool.submit(work, job)):
                yield future.result()
        except BrokenProcessPool:
            raise DeoccludeError(_WORKER_DIED) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(start: Callable[[], None]) -> None:
    """In a worker. It ends with its parent even if that is killed; a pool's own workers would stay."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()
    start()


def _end_after(parent: ParentProcess) -> None:
    parent.join()
    os._exit(1)


def _over_ray(
    workers: int, work: Callable[[Job], Result], jobs: Iterable[Job], start: Callable[[], None]
) -> Generator[Result, None, None]:
    ray = _import_ray()
    errors = ray.exceptions
    cores = _join(ray, workers)
    task = ray.remote(num_cpus=1)(_in_ray)
    held = ray.put((work, start, [*sys.path, os.getcwd()]))
    for reference in _ahead(jobs, _A_WORKER * cores, lambda job: task.remote(held, job)):
        try:
            result = ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause from None
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.ObjectLostError):
            raise DeoccludeError(_WORKER_DIED) from None
        yield result


def _in_ray(held: tuple[Callable[[Any], Any], Callable[[], None], list[str]], job: Any) -> Any:
    """The worker finds modules where its driver does: Ray may have started elsewhere."""
    work, start, paths = held
    sys.path.extend(path for path in paths if path not in sys.path)
    _once(start)
    return work(job)


@cache
def _once(start: Callable[[], None]) -> None:
    start()


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise DeoccludeError(
            "the engine 'ray' is not installed; run `pip install 'deocclude[ray]'`"
        ) from None
    return ray


def _join(ray: Any, workers: int) -> int:
    """Joins the cluster of RAY_ADDRESS, or starts Ray here, unless the process has Ray already; its cores.

    Ray ends with the process: starting it takes seconds, and a command has several steps.
    """
    if not ray.is_initialized():
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if os.environ.get("RAY_ADDRESS"):
            ray.init(**quiet)
        else:
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            ray.init(num_cpus=workers, include_dashboard=False, **quiet)
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
