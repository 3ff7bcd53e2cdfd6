"""`deocclude ahp segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of


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
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Draw masks and body parts of the acquired people (section 4.1, step 2); run again to continue."""
    from deocclude.ahp.segment.run import segment as run
    from deocclude.ahp.work_files import SEGMENTED

    for source, counts in run(work, engine_of(engine, workers), segmenter, parser).items():
        typer.echo(f"{source}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    typer.echo(f"{work / 'masks'}, {work / 'parsing'}, {work / SEGMENTED}")
