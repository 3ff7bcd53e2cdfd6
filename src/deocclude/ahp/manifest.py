"""`manifest.json`: size and sha256 of every file of a data set, so that a copy can be verified."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from deocclude.ahp.layout import PREPARED
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError

MANIFEST = "manifest.json"

JOURNALS = frozenset({PREPARED})
"""Files at the top that say how the data set was made; the same data set may have another journal."""

_UNFINISHED = (".part", ".tmp")
_CHUNK = 1 << 20
_AT_ONCE = 256
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class FileEntry:
    """What the manifest knows of one file."""

    size: int
    sha256: str

    def __post_init__(self) -> None:
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 0:
            raise ValueError(f"bytes is {self.size!r}, not a size")
        if not isinstance(self.sha256, str) or len(self.sha256) != 64 or not _HEX.issuperset(self.sha256):
            raise ValueError(f"sha256 is {self.sha256!r}, not 64 hexadecimal digits")


@dataclass(frozen=True)
class Difference:
    """kind: missing, extra, changed, or refused (no plain file). path: relative, POSIX. detail: how."""

    kind: str
    path: str
    detail: str = ""

    def __str__(self) -> str:
        path = self.path if self.path.isprintable() else ascii(self.path)
        return f"{self.kind}: {path}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class Tree:
    """The files below a folder: sizes by relative POSIX path, and what is no plain file with its reason."""

    sizes: dict[str, int]
    refused: dict[str, str]


def scan(folder: Path) -> Tree:
    """Every file but the manifest, journals and what a killed run left unfinished; links are not followed."""
    if not folder.is_dir():
        raise DeoccludeError(f"{folder}: no such folder; give the folder of the data set")
    sizes: dict[str, int] = {}
    refused: dict[str, str] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if entry.is_symlink():
                    refused[path] = "a symbolic link"
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(f"{path}/")
                elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                    refused[path] = "not a plain file"
                elif not _is_left_out(path):
                    sizes[path] = entry.stat(follow_symlinks=False).st_size
    return Tree(dict(sorted(sizes.items())), dict(sorted(refused.items())))


def _is_left_out(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path == MANIFEST or path in JOURNALS or (name.startswith(".") and name.endswith(_UNFINISHED))


def write_manifest(folder: Path, workers: int = 1) -> dict[str, FileEntry]:
    """Writes `folder/manifest.json` and returns its entries; the same files give the same bytes.

    Raises DeoccludeError if the folder is missing, empty, or holds a link or another thing that is no file.
    """
    tree = scan(folder)
    for path, reason in tree.refused.items():
        raise DeoccludeError(f"{folder / path}: {reason}; a data set holds plain files only, put one there")
    if not tree.sizes:
        raise DeoccludeError(f"{folder}: holds no files; make the data set first")
    digests = hash_files(folder, list(tree.sizes), sum(tree.sizes.values()), workers)
    entries = {path: FileEntry(size, digests[path]) for path, size in tree.sizes.items()}
    lines = ",\n".join(
        f"{json.dumps(path)}: {json.dumps({'bytes': entry.size, 'sha256': entry.sha256})}"
        for path, entry in entries.items()
    )
    content = f'{{"version": 1, "files": {{\n{lines}\n}}}}\n'
    write_atomically(folder / MANIFEST, content.encode())
    return entries


def read_manifest(path: Path) -> dict[str, FileEntry]:
    """Inverse of `write_manifest`.

    Raises DeoccludeError if the file is missing or malformed, names a file twice, or names one by a path
    that is absolute, leaves the folder or is not in its plain form.
    """
    try:
        content = json.loads(path.read_text(), object_pairs_hook=_once_each)
        if content["version"] != 1:
            raise ValueError(f"version {content['version']!r} is not known")
        entries = {
            _plain(name): FileEntry(entry["bytes"], entry["sha256"])
            for name, entry in content["files"].items()
        }
    except FileNotFoundError:
        raise DeoccludeError(
            f"{path}: no such file; write it with `deocclude ahp verify {path.parent} --write`"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise DeoccludeError(
            f"{path}: not a manifest ({detail}); get it again from where the data set comes from"
        ) from None
    return entries


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return dict(pairs)


def _plain(name: str) -> str:
    parts = name.split("/")
    if "\\" in name or "\0" in name or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{name!r} is not a plain path inside the folder")
    return name


def verify(folder: Path, workers: int = 1) -> Iterator[Difference]:
    """Every difference between the folder and its manifest, by path; none if they agree.

    The folder is hashed as a whole before the first difference comes; only files that were found in it are
    opened. Raises DeoccludeError as `read_manifest` does, or if a file cannot be read.
    """
    expected = read_manifest(folder / MANIFEST)
    tree = scan(folder)
    same_size = [
        path for path, size in tree.sizes.items() if path in expected and expected[path].size == size
    ]
    digests = hash_files(folder, same_size, sum(tree.sizes[path] for path in same_size), workers)
    for path in sorted(expected.keys() | tree.sizes.keys() | tree.refused.keys()):
        if path in tree.refused:
            yield Difference("refused", path, tree.refused[path])
        elif path not in tree.sizes:
            yield Difference("missing", path)
        elif path not in expected:
            yield Difference("extra", path)
        elif expected[path].size != tree.sizes[path]:
            yield Difference("changed", path, f"{tree.sizes[path]} bytes instead of {expected[path].size}")
        elif expected[path].sha256 != digests[path]:
            yield Difference("changed", path, "same size, other content")


def hash_files(folder: Path, paths: Sequence[str], total: int, workers: int) -> dict[str, str]:
    """sha256 of each relative path, hashed by `workers` threads; `total` is the bytes of the progress bar."""
    bar = Progress(
        TextColumn("hashing"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    digests: dict[str, str] = {}
    with bar as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task("hashing", total=total)
        for batch in _batches(paths):
            for path, (digest, size) in zip(
                batch, pool.map(lambda path: _hash(folder / path), batch), strict=True
            ):
                digests[path] = digest
                progress.advance(task, size)
    return digests


def _batches(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    return (paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE))


def _hash(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise DeoccludeError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    return digest.hexdigest(), size
