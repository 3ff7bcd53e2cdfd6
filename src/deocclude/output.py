"""A result as files: `DIR/STEM/{report.json, overview.png, person-K/*.png}`, all of them or none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deocclude import __version__, overview
from deocclude.errors import DeoccludeError
from deocclude.images import encode_png
from deocclude.parsing import to_palette_image
from deocclude.result import DeoccludedPhoto, Person

MASKS = ("initial", "modal", "amodal", "invisible")


def distinct_names(photos: Sequence[Path]) -> list[str]:
    """A folder name a photo: its stem, or STEM-2, STEM-3, ... where an earlier photo has taken that."""
    taken: set[str] = set()
    names = []
    for photo in photos:
        name, count = photo.stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{photo.stem}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def write(result: DeoccludedPhoto, folder: Path, *, photo_name: str, provenance: dict[str, Any]) -> None:
    """Write everything about a photo to `folder`, in place of an earlier result there.

    provenance: what report.json says besides version, photo, seconds and people (model, weights, device).
    The files appear together at the end; on failure there are none. Raises DeoccludeError when the folder
    cannot be written or is there and is no earlier result.
    """
    if folder.exists() and not (folder / "report.json").is_file() and not _is_empty_folder(folder):
        raise DeoccludeError(f"{folder}: exists and is not a result of deocclude; choose another --out")
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    made: list[Path] = []
    try:
        made = _make_parents(folder.parent)
        partial.mkdir()
        for number, person in enumerate(result.people, start=1):
            _write_person(person, partial / f"person-{number}")
        (partial / "overview.png").write_bytes(encode_png(overview.draw(result)))
        report = {"version": __version__, **provenance, **_report(result, photo_name)}
        (partial / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        _replace(partial, folder)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(OSError):
            for parent in made:
                parent.rmdir()
        if isinstance(error, OSError):
            raise DeoccludeError(
                f"{folder}: cannot be written ({error.strerror or error}); make room or choose another --out"
            ) from None
        raise


def _is_empty_folder(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _make_parents(folder: Path) -> list[Path]:
    """The folders that were missing and are there now, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _replace(partial: Path, folder: Path) -> None:
    if not folder.exists():
        partial.rename(folder)
        return
    earlier = folder.with_name(f".{folder.name}.earlier-{os.getpid()}")
    folder.rename(earlier)
    try:
        partial.rename(folder)
    except OSError:
        earlier.rename(folder)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _write_person(person: Person, folder: Path) -> None:
    folder.mkdir()
    for name in MASKS:
        (folder / f"{name}.png").write_bytes(encode_png(getattr(person, name)))
    for name in ("modal", "amodal"):
        parts = to_palette_image(getattr(person, f"parsing_{name}"))
        (folder / f"parsing-{name}.png").write_bytes(encode_png(parts))
    for name in ("recovered", "cutout"):
        (folder / f"{name}.png").write_bytes(encode_png(getattr(person, name)))


def _report(result: DeoccludedPhoto, photo_name: str) -> dict[str, Any]:
    height, width = result.photo.shape[:2]
    return {
        "photo": {"file": photo_name, "width": width, "height": height},
        "person_source": result.person_source,
        "seconds": {stage: round(seconds, 4) for stage, seconds in result.seconds.items()},
        "people": [
            {
                "folder": f"person-{number}",
                "box": list(person.box),
                "score": round(person.score, 4),
                "occlusion_ratio": round(person.occlusion_ratio, 6),
                "areas": {name: int(getattr(person, name).sum()) for name in MASKS},
            }
            for number, person in enumerate(result.people, start=1)
        ],
    }
