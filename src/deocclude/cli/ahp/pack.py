"""`deocclude ahp pack`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deocclude.cli.density import Density
from deocclude.cli.shared_options import with_options
from deocclude.cli.shares import SampleShares


class StageName(str, Enum):
    """Stage 1 looks around the initial mask, stage 2 around the amodal one."""

    masks = "masks"
    content = "content"


@with_options(SampleShares)
def pack(
    shares: SampleShares,
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `build` writes it.")],
    out: Annotated[Path, typer.Option(help="Folder of the windows.")],
    count: Annotated[int, typer.Option(min=1, help="Windows to make.")] = 40_000,
    size: Annotated[
        int, typer.Option(min=32, help="Their side in pixels; the crops trained on are cut out of them.")
    ] = 288,
    stage: Annotated[StageName, typer.Option(help="Which stage they are for.")] = StageName.masks,
    detected: Annotated[
        float, typer.Option(min=0, max=1, help="Share with N_i's own mask; the rest is simulated.")
    ] = 0.8,
    density: Annotated[Density, typer.Option(help="Occlusion ratios; see `ahp.density`.")] = Density.wide,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Make training windows once, for `train --packed`; run again to continue."""
    from deocclude.ahp.packed import pack as write

    composites = shares.composites(
        root, size, seed, stage=stage.value, density=density.value, detected=detected
    )
    made = write(composites, out, count, workers)
    typer.echo(f"{made} of {count} windows made, all in {out}")
