"""`deocclude evaluate`."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError

if TYPE_CHECKING:
    from deocclude.evaluation.matching import InitialMasks

_SHEET_ROWS = 12


def evaluate(
    ahp_dir: Annotated[Path, typer.Argument(help="A data set in AHP's layout.")],
    split: Annotated[Literal["test", "val"], typer.Option(help="Which frozen composites.")] = "test",
    initial_masks: Annotated[
        str, typer.Option(help="predicted (by BlazePose), truth, or a folder of ID.png masks.")
    ] = "predicted",
    model: Annotated[str, typer.Option(help="lite, paper, or a folder with your own weights.")] = "lite",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json: Annotated[Path | None, typer.Option(help="Write every number to this file.")] = None,
    sheet: Annotated[Path | None, typer.Option(help=f"Write a PNG of {_SHEET_ROWS} samples.")] = None,
    sheet_of: Annotated[
        Literal["worst", "even"], typer.Option(help="Samples on the sheet: the worst, or evenly spaced.")
    ] = "worst",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many samples, evenly spaced, for a quick look.")
    ] = None,
) -> None:
    """Measure masks and recovered content against the truth, beside simple baselines."""
    from rich.console import Console

    from deocclude.evaluation.report import show

    for target in (json, sheet):
        if target is not None and not target.parent.is_dir():
            raise DeoccludeError(f"{target}: the folder {target.parent} does not exist; make it first")
    report = _evaluate(ahp_dir, split, initial_masks, model, device, limit, sheet, sheet_of)
    show(report, Console())
    if json is not None:
        with replacing(json) as path:
            path.write_text(dumps(report, indent=1) + "\n")


def _evaluate(
    ahp_dir: Path,
    split: str,
    initial_masks: str,
    model: str,
    device: str,
    limit: int | None,
    sheet: Path | None,
    sheet_of: str,
) -> dict[str, Any]:
    from rich.progress import track

    from deocclude import __version__
    from deocclude.ahp.frozen import FrozenComposites
    from deocclude.evaluation.report import summarise
    from deocclude.evaluation.run import evenly_spaced, measure_set
    from deocclude.evaluation.sheet import contact_sheet, worst_first
    from deocclude.images import save_png
    from deocclude.pipeline import Deoccluder
    from deocclude.weights import store

    samples = FrozenComposites(ahp_dir, split)
    chosen = evenly_spaced(len(samples), limit)
    source = _initial_masks(initial_masks)
    deoccluder = Deoccluder.load(model, device=device, people=None)
    pairs = ((samples.records[index].get("person", samples.ids[index]), samples[index]) for index in chosen)
    measured = list(measure_set(track(pairs, "evaluating", total=len(chosen)), deoccluder, source))
    if sheet is not None:
        rows = worst_first(measured) if sheet_of == "worst" else evenly_spaced(len(measured), _SHEET_ROWS)
        shown = [samples[chosen[index]] for index in rows[:_SHEET_ROWS]]
        save_png(contact_sheet(shown, deoccluder, source), sheet)
    return {
        "version": __version__,
        "model": model,
        "weights": {stage: store.sha256_of(stage, model) for stage in ("masks", "content")},
        "device": str(deoccluder.device),
        "set": ahp_dir.name,
        "split": split,
        "initial masks": source.name,
        **summarise(measured),
    }


def _initial_masks(choice: str) -> InitialMasks:
    from deocclude.evaluation.matching import MasksFromFolder, PredictedMasks, TrueMasks
    from deocclude.people import load_source

    if choice == "predicted":
        return PredictedMasks(load_source("blazepose"))
    return TrueMasks() if choice == "truth" else MasksFromFolder(Path(choice))
