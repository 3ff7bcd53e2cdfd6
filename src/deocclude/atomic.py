"""Files that are either the old one or the whole new one, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, it takes the place of `path`.

    The new content is on the disk (fsync) before it gets the name. When the block raises, the temporary file
    is removed and `path` stays as it was. The folder is made if missing. One writer at a time: a file that a
    killed run left half written is written over by the next one.
    """
    with _draft(path, f".{path.name}.tmp") as temporary:
        yield temporary
        _flush(temporary)
    if os.name == "posix":
        _flush(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a small file whole or not at all, also while other processes write it. Makes its folder.

    Nothing waits for the disk, so thousands of files are quick: a killed process leaves none of them torn,
    but one that was written in the last seconds before a power cut may be.
    """
    with _draft(path, f".{path.name}.{os.getpid()}.part") as temporary:
        temporary.write_bytes(content)


@contextmanager
def _draft(path: Path, name: str) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(name)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
