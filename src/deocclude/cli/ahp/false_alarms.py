"""`deocclude ahp false-alarms`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of
from deocclude.cli.ahp.faults import report


def false_alarms(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `build` writes it.")],
    coco: Annotated[Path, typer.Option(help="COCO: images/, annotations/.")],
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Collect photos without people and the masks BlazePose gives there, to teach stage 1 to see nobody."""
    from deocclude.ahp.false_alarms import write_false_alarms

    written, faults = write_false_alarms(root, coco, engine_of(engine, workers))
    report(faults)
    for split, masks in written.items():
        typer.echo(f"{split}: {masks} masks in {root / 'false_alarms' / split}")
