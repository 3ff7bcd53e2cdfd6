"""The folder that `build` fills: claimed once, and at the end free of what does not belong there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from deocclude.ahp.build.outcome import OCCLUDER, PERSON, Outcome
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError

MARK = "built.json"
_OWNED = ("train", "occluders")
_UNFINISHED = (".part", ".tmp")


def files_of(outcome: Outcome) -> list[str]:
    """Relative POSIX paths of the files of a kept person or occluder."""
    if outcome.kept and outcome.kind == PERSON:
        maps = ["Annotations", "PseudoParsingAnnotations", *(["UnknownRegions"] if outcome.unknown else [])]
        return [
            *(f"train/{folder}/{outcome.id}.png" for folder in maps),
            f"train/JPEGImages/{outcome.id}.jpg",
        ]
    if outcome.kept and outcome.kind == OCCLUDER:
        return [f"occluders/{outcome.split}/{outcome.id}.png"]
    return []


def claim(out: Path) -> None:
    """Makes the folder and marks it. Raises DeoccludeError if it holds anything and has no mark."""
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        unfinished = all(_is_unfinished(path.name) for path in out.iterdir())
        if not unfinished:
            raise DeoccludeError(f"{out}: holds files that `ahp build` did not write; give a new folder")
    write_atomically(out / MARK, b'{"version": 1, "made by": "deocclude ahp build"}\n')


def sweep(out: Path, expected: Collection[str]) -> None:
    """Removes files below `train` and `occluders` that are not expected; links are not followed."""
    for top in _OWNED:
        for path in _files(out / top):
            if path.relative_to(out).as_posix() not in expected:
                path.unlink()
    sweep_unfinished(out)


def sweep_unfinished(out: Path) -> None:
    """Removes what killed runs left half written, anywhere below the folder."""
    for path in _files(out):
        if _is_unfinished(path.name):
            path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in sorted(names))


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(_UNFINISHED)
