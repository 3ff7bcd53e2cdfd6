"""`deocclude evaluate`."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deocclude.atomic import replacing
from deocclude.cli.exemplars import Exemplars
from deocclude.cli.targets import require_folders

if TYPE_CHECKING:
    from deocclude.evaluation.parallel import Evaluator

_SHEET_ROWS = 12


def evaluate(
    ahp_dir: Annotated[Path, typer.Argument(help="A data set in AHP's layout.")],
    split: Annotated[Literal["test", "val"], typer.Option(help="Which frozen composites.")] = "test",
    initial_masks: Annotated[
        str, typer.Option(help="predicted (by the cascade), truth, or a folder of ID.png masks.")
    ] = "predicted",
    model: Annotated[str, typer.Option(help="lite, paper, or a folder with your own weights.")] = "lite",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    stress: Annotated[
        Literal["grey", "dark", "blur", "jpeg20", "small", "in-front"] | None,
        typer.Option(
            help="Make it harder: change the photos (small: people 90 pixels tall), or ask for the people "
            "in front of others."
        ),
    ] = None,
    exemplars: Exemplars = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result is the same.")] = 1,
    looks: Annotated[
        bool, typer.Option(help="Also perceptual distance, FID and KID, where their networks are installed.")
    ] = True,
    json: Annotated[Path | None, typer.Option(help="Write every number to this file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one page with tables, a gallery and the worst samples.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help=f"Write a PNG of {_SHEET_ROWS} samples.")] = None,
    sheet_of: Annotated[
        Literal["worst", "even"], typer.Option(help="Samples on the sheet: the worst, or evenly spaced.")
    ] = "worst",
    against: Annotated[
        Path | None,
        typer.Option(help="A file of --json, of the photos as they are say: tell what IoU is lost since."),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(help='JSON {id: "ok" or what is wrong} on gallery pictures, for the page and a count.'),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many samples, evenly spaced, for a quick look.")
    ] = None,
) -> None:
    """Measure masks and recovered content against the truth, beside simple baselines."""
    from rich.console import Console
    from rich.progress import track

    from deocclude.evaluation.against import compare, read_earlier
    from deocclude.evaluation.page import render
    from deocclude.evaluation.parallel import Evaluator, Job, evaluate_all
    from deocclude.evaluation.run import evenly_spaced
    from deocclude.evaluation.shown import Shown, gallery_of
    from deocclude.evaluation.tables import show
    from deocclude.evaluation.verdicts import count_verdicts, read_verdicts

    require_folders(json, html, sheet)
    job = Job(
        ahp_dir, split, model, device, initial_masks, stress, exemplars, looks, pictures=html is not None
    )
    evaluator = Evaluator(job)
    fitting = evaluator.indices
    chosen = [fitting[place] for place in evenly_spaced(len(fitting), limit)]
    ids = evaluator.samples.ids
    gallery = [ids[index] for index in gallery_of(chosen)]
    said = None if verdicts is None else read_verdicts(verdicts, gallery)
    earlier = None if against is None else read_earlier(against, split, [ids[index] for index in chosen])
    shown = Shown(chosen)
    measured = []
    outcomes = evaluate_all(evaluator, chosen, workers)
    for outcome in track(outcomes, "evaluating", total=len(chosen)):
        measured.append(outcome.measured)
        shown.add(outcome)
    if sheet is not None:
        _write_sheet(sheet, sheet_of, evaluator, chosen, measured)
    report = {**_report(evaluator, measured), "gallery": gallery}
    if earlier is not None:
        report["against"] = compare(report, earlier)
    if said is not None:
        report["verdicts"] = count_verdicts(said, gallery)
    show(report, Console())
    if json is not None:
        _write(json, dumps(report, indent=1) + "\n")
    if html is not None:
        _write(html, render(report, shown.gallery, shown.worst, said))


def _report(evaluator: Evaluator, measured: list[Any]) -> dict[str, Any]:
    from deocclude import __version__
    from deocclude.cli.run import provenance
    from deocclude.evaluation.report import summarise

    job = evaluator.job
    if evaluator.appearance is None:
        notes = ["perceptual distance, FID-lite0 and KID-lite0 left out: --no-looks"]
    else:
        notes = list(evaluator.appearance.notes)
    return {
        "version": __version__,
        **provenance(evaluator.deoccluder),
        "set": job.ahp.name,
        "split": job.split,
        "stress": job.stress,
        "initial masks": evaluator.initial_masks.name,
        "notes": notes,
        **summarise(measured),
    }


def _write_sheet(
    path: Path, which: str, evaluator: Evaluator, chosen: list[int], measured: list[Any]
) -> None:
    from deocclude.evaluation.run import evenly_spaced
    from deocclude.evaluation.sheet import contact_sheet, worst_first
    from deocclude.images import save_png

    rows = worst_first(measured) if which == "worst" else evenly_spaced(len(measured), _SHEET_ROWS)
    shown = [evaluator.sample(chosen[index]) for index in rows[:_SHEET_ROWS]]
    save_png(contact_sheet(shown, evaluator.deoccluder, evaluator.initial_masks), path)


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
