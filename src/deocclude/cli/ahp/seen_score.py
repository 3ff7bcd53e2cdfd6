"""`deocclude ahp seen-score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from deocclude.cli.targets import require_folders


def seen_score(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="A data set of `ahp build --auto`, or with seen-people.")
    ],
    split: Annotated[Literal["train", "val"], typer.Option(help="Whose photos.")] = "val",
    model: Annotated[str, typer.Option(help="lite, paper, or a folder with your own weights.")] = "lite",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json: Annotated[Optional[Path], typer.Option(help="Write every number to this file.")] = None,  # noqa: UP045
) -> None:
    """Measure visible masks behind real occluders, and false people (docs/evaluation.md)."""
    from json import dumps

    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from deocclude import __version__
    from deocclude.ahp.false_alarms import FalseAlarms
    from deocclude.ahp.layout import root_of, write_atomically
    from deocclude.ahp.seen_people import SeenPeople
    from deocclude.cli.run import provenance
    from deocclude.evaluation.seen_score import score_nobody, score_seen
    from deocclude.evaluation.wording import number, span
    from deocclude.people import load_source
    from deocclude.pipeline import Deoccluder
    from deocclude.threads import one_thread

    require_folders(json)
    one_thread()
    people, empty = SeenPeople(root, split), FalseAlarms(root, split).photos
    deoccluder = Deoccluder.load(model, device=device, people=load_source("blazepose", num_threads=1))
    seen = score_seen(people, deoccluder, lambda positions: track(positions, "seen people", len(positions)))
    nobody = score_nobody(track(empty, "photos without people"), deoccluder)
    table = Table("visible mask, IoU", "over", "micro", "mean", title_justify="left")
    table.title = f"People: {seen['people']}, {seen['found']} found, {seen['kept']} kept [95%]"
    for over, methods in seen["masks"].items():
        for method, ious in (methods or {}).items():
            micro = f"{number(ious['micro'])} {span(ious['interval'])}"
            table.add_row(method, over, micro, number(ious["mean"]))
    console = Console()
    console.print(table)
    console.print(
        f"Photos without people: {nobody['photos']}, {nobody['with somebody']} with somebody, "
        f"false people in all: {nobody['false people']}",
        highlight=False,
    )
    if json is not None:
        report = {
            "version": __version__,
            **provenance(deoccluder),
            "set": root_of(root).name,
            "split": split,
            "seen": seen,
            "nobody": nobody,
        }
        write_atomically(json, (dumps(report, indent=1) + "\n").encode())
