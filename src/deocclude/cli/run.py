"""`deocclude run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deocclude.cli.exemplars import Exemplars
from deocclude.errors import DeoccludeError

if TYPE_CHECKING:
    from deocclude.people.person import PersonSource
    from deocclude.pipeline import Deoccluder


def run(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")],
    out: Annotated[Path, typer.Option(help="Folder for the results: one folder a photo.")],
    masks: Annotated[
        Path | None,
        typer.Option(help="Your own initial masks: a PNG, a folder of PNGs, or a COCO JSON file."),
    ] = None,
    model: Annotated[str, typer.Option(help="lite, paper, or a folder with your own weights.")] = "lite",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    people: Annotated[str, typer.Option(help="Who finds the people: blazepose or maskrcnn.")] = "blazepose",
    exemplars: Exemplars = True,
) -> None:
    """Complete every person in photos: masks, body parts, hidden content, and a figure of it all."""
    files, failures = _expand(photos)
    if out.exists() and not out.is_dir():
        raise DeoccludeError(f"{out}: is a file; choose a folder for --out")
    if files:
        failures += _run_all(files, out, masks, model, device, people, exemplars)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _run_all(
    files: list[Path], out: Path, masks: Path | None, model: str, device: str, people: str, exemplars: bool
) -> list[str]:
    """One line for each photo that failed."""
    from deocclude.output import distinct_names
    from deocclude.people import SuppliedMasks
    from deocclude.pipeline import Deoccluder

    supplied = None if masks is None else SuppliedMasks(masks, photos=len(files))
    deoccluder = Deoccluder.load(
        model, device=device, people=people if supplied is None else None, exemplars=exemplars
    )
    print(f"model {model} on {deoccluder.device}", flush=True)
    about = provenance(deoccluder)
    failures = []
    for file, name in zip(files, distinct_names(files), strict=True):
        try:
            source = None if supplied is None else supplied.for_photo(file)
            count = _complete(deoccluder, file, source, out / name, about)
            print(f"{file}: {count} {'person' if count == 1 else 'people'} in {out / name}", flush=True)
        except DeoccludeError as error:
            message = str(error)
            failures.append(message if str(file) in message else f"{file}: {message}")
    return failures


def provenance(deoccluder: Deoccluder) -> dict[str, Any]:
    """What report.json says about how a result was made."""
    from deocclude.weights import store

    return {
        "model": deoccluder.model,
        "weights": {stage: store.sha256_of(stage, deoccluder.model) for stage in ("masks", "content")},
        "device": str(deoccluder.device),
        "exemplars": deoccluder.exemplars,
    }


def _complete(
    deoccluder: Deoccluder,
    file: Path,
    people: PersonSource | None,
    folder: Path,
    about: dict[str, Any],
) -> int:
    from deocclude.output import write

    result = deoccluder(file, people)
    if not result.people:
        raise DeoccludeError(f"{file}: no people found; mark them yourself with --masks")
    write(result, folder, photo_name=file.name, provenance=about)
    return len(result.people)


def _expand(photos: list[Path]) -> tuple[list[Path], list[str]]:
    """The photos, with folders replaced by what they hold, and a line for each folder without photos."""
    from deocclude.images import PHOTO_SUFFIXES

    files: list[Path] = []
    failures = []
    for photo in photos:
        if not photo.is_dir():
            files.append(photo)
            continue
        inside = sorted(p for p in photo.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES and p.is_file())
        files += inside
        if not inside:
            failures.append(
                f"{photo}: no photos in this folder; they end in {', '.join(sorted(PHOTO_SUFFIXES))}"
            )
    return files, failures
