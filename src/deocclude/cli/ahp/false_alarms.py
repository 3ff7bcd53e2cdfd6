"""`deocclude ahp false-alarms`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def false_alarms(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `build` writes it.")],
    coco: Annotated[Path, typer.Option(help="COCO: images/, annotations/.")],
) -> None:
    """Collect photos without people and the masks BlazePose gives there, to teach stage 1 to see nobody."""
    from deocclude.ahp.false_alarms import write_false_alarms
    from deocclude.people import BlazePose

    for split, masks in write_false_alarms(root, coco, BlazePose(doubtful=True)).items():
        typer.echo(f"{split}: {masks} masks in {root / 'false_alarms' / split}")
