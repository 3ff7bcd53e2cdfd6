"""`deocclude ahp prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def prepare(
    out: Annotated[Path, typer.Option(help="Folder of the AHP layout to write.")],
    ccp: Annotated[Optional[Path], typer.Option(help="Clothing Co-Parsing: photos/, labels/.")] = None,  # noqa: UP045
    lspet: Annotated[Optional[Path], typer.Option(help="Leeds Sports: images/, joints.json.")] = None,  # noqa: UP045
    coco: Annotated[Optional[Path], typer.Option(help="COCO: images/, annotations/.")] = None,  # noqa: UP045
    max_side: Annotated[int, typer.Option(min=64, help="Photos are shrunk to this long side.")] = 384,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Collect whole people and occluders from data sets; run again to continue."""
    from deocclude.ahp.prepare import prepare as run

    given = {"ccp": ccp, "lspet": lspet, "coco": coco}
    statistics = run({name: path for name, path in given.items() if path}, out, max_side, workers)
    typer.echo(f"statistics in {out / 'statistics.json'}:")
    for source, kinds in statistics.items():
        typer.echo(f"  {source}: {kinds}")
