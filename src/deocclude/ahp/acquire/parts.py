"""A long job in parts on disk: killed at any moment, it goes on where it was, with the same result.

Items are cut into parts in their own order, whatever the number of processes; each part is one file, written
whole or not at all, with a digest of its items in the first line. A part is done if its file has that digest.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from deocclude.ahp.engine import Engine
from deocclude.atomic import write_atomically
from deocclude.threads import one_opencv_thread

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


def finish(
    parts: Iterable[Part], work: Work, engine: Engine, start: Callable[[], None] = one_opencv_thread
) -> Generator[Part, None, None]:
    """Does what is not done; yields every part, in order, once its file is there.

    start: called once in each process before any work. The files are the same whatever the engine is; folders
    must be absolute for machines of a cluster. Raises DeoccludeError if a process dies.
    """
    ahead: deque[Part] = deque()

    def undone() -> Iterator[Part | None]:
        for part in parts:
            ahead.append(part)
            yield None if part.done else part

    with closing(engine.spread(partial(_do, work), undone(), start)) as finished:
        for _ in finished:
            yield ahead.popleft()


def lines_of(part: Path) -> Iterator[str]:
    """The lines of a part's file, without the digest and without line ends."""
    with part.open(encoding="utf-8", newline="\n") as stream:
        next(stream)
        for line in stream:
            yield line.removesuffix("\n")


def _do(work: Work, part: Part | None) -> None:
    if part is None:
        return
    lines = (part.digest, *work(part.items))
    write_atomically(part.file, "".join(f"{line}\n" for line in lines).encode())
