"""A long job in parts on disk: killed at any moment, it goes on where it was, with the same result.

Items are cut into parts in their own order, whatever the number of processes; each part is one file, written
whole or not at all, with a digest of its items in the first line. A part is done if its file has that digest.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing.process import BaseProcess as ParentProcess
from pathlib import Path
from threading import Thread
from typing import Any

from deocclude.ahp.layout import write_atomically
from deocclude.errors import DeoccludeError

Work = Callable[[list[Any]], list[str]]
"""The lines that a part's items come to; a function that other processes can import."""


@dataclass(frozen=True)
class Part:
    """file: where its lines go. items: what `Work` gets."""

    file: Path
    items: list[Any]
    digest: str

    @property
    def done(self) -> bool:
        try:
            with self.file.open(encoding="utf-8") as stream:
                return stream.readline() == f"{self.digest}\n"
        except FileNotFoundError:
            return False


def cut(
    items: Iterable[Any], size: int, folder: Path, settings: str, facts: Callable[[Any], str] = repr
) -> Iterator[Part]:
    """Parts of `size` items, in files below `folder`.

    settings: what else the lines depend on. facts: what they depend on of an item.
    """
    stream = iter(items)
    number = 0
    while batch := list(islice(stream, size)):
        digest = hashlib.sha256(settings.encode())
        for item in batch:
            digest.update(b"\0" + facts(item).encode(errors="surrogatepass"))
        yield Part(folder / f"{number:06d}.part", batch, digest.hexdigest())
        number += 1


def finish(parts: Iterable[Part], work: Work, workers: int, start: Callable[[], None]) -> Iterator[Part]:
    """Does what is not done; yields every part, in order, once its file is there.

    start: called once in each process before any work. Raises DeoccludeError if a process dies.
    """
    if workers <= 1:
        started = False
        for part in parts:
            if not part.done:
                if not started:
                    start()
                    started = True
                _do(work, part)
            yield part
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, _begin, (start,)) as pool:
        ahead: deque[tuple[Part, Future[None] | None]] = deque()
        try:
            for part in parts:
                ahead.append((part, None if part.done else pool.submit(_do, work, part)))
                while len(ahead) > 2 * workers:
                    yield _wait(*ahead.popleft())
            while ahead:
                yield _wait(*ahead.popleft())
        except BrokenProcessPool:
            raise DeoccludeError(
                "a worker process died, perhaps for want of memory; run again with fewer --workers to go on"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def lines_of(part: Path) -> Iterator[str]:
    """The lines of a part's file, without the digest and without line ends."""
    with part.open(encoding="utf-8", newline="\n") as stream:
        next(stream)
        for line in stream:
            yield line.removesuffix("\n")


def _begin(start: Callable[[], None]) -> None:
    """In a worker. It ends with its parent even if that is killed; a pool's own workers would stay."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()
    start()


def _end_after(parent: ParentProcess) -> None:
    parent.join()
    os._exit(1)


def _wait(part: Part, pending: Future[None] | None) -> Part:
    if pending is not None:
        pending.result()
    return part


def _do(work: Work, part: Part) -> None:
    lines = (part.digest, *work(part.items))
    write_atomically(part.file, "".join(f"{line}\n" for line in lines).encode())
