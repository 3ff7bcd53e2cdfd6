"""`deocclude ahp segment`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional

import typer


def segment(
    work: Annotated[Path, typer.Argument(metavar="WORK", help="Workspace, as `acquire` writes it.")],
    segmenter: Annotated[
        str, typer.Option(help="blazepose, maskrcnn, or your own: MODULE:CALLABLE.")
    ] = "blazepose",
    parser: Annotated[
        str,
        typer.Option(
            help="Body parts where a source has none: lite, paper, a folder, none, MODULE:CALLABLE."
        ),
    ] = "lite",
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Processes; as many as there are cores if not given."),
    ] = None,
) -> None:
    """Draw masks and body parts of the acquired people (section 4.1, step 2); run again to continue."""
    from deocclude.ahp.segment.run import SEGMENTED
    from deocclude.ahp.segment.run import segment as run

    for source, counts in run(work, segmenter, parser, workers or os.cpu_count() or 1).items():
        typer.echo(f"{source}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    typer.echo(f"{work / 'masks'}, {work / 'parsing'}, {work / SEGMENTED}")
