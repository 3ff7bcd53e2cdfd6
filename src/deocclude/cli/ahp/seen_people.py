"""`deocclude ahp seen-people`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of
from deocclude.cli.ahp.faults import report


def seen_people(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `build` writes it.")],
    coco: Annotated[Path, typer.Option(help="COCO: images/, annotations/.")],
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Collect people whose visible part alone is annotated, to teach stage 1 what is visible."""
    from deocclude.ahp.seen_people import write_seen_people

    written, faults = write_seen_people(root, coco, engine_of(engine, workers))
    report(faults)
    for split, people in written.items():
        typer.echo(f"{split}: {people} people in {root / 'seen' / split}")
