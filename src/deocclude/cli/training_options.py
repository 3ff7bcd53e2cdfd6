"""What both stages' trainings are told on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deocclude.cli.density import Density


class Preset(str, Enum):
    """Networks with their recipes."""

    lite = "lite"
    paper = "paper"


class Precision(str, Enum):
    """Autocast of the networks."""

    no = "no"
    bf16 = "bf16"
    fp16 = "fp16"


Share = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Share of the run after which this loss joins; 1 never. [default: the preset's]"
    ),
]


@dataclass(frozen=True)
class TrainingOptions:
    """Of `train masks` and `train content` alike."""

    data: Annotated[Path, typer.Option(help="Folder of the AHP layout; `deocclude ahp build` makes one.")]
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log.jsonl, sheets, tensorboard.")]
    preset: Annotated[Preset, typer.Option(help="Network and recipe.")] = Preset.lite
    steps: Annotated[int | None, typer.Option(help="Updates of the whole run. [default: the recipe's]")] = (
        None
    )
    batch: Annotated[int | None, typer.Option(help="Samples of an update. [default: the recipe's]")] = None
    size: Annotated[int | None, typer.Option(help="Side of the person crops. [default: the preset's]")] = None
    lr: Annotated[float | None, typer.Option("--lr", help="Peak learning rate. [default: the preset's]")] = (
        None
    )
    workers: Annotated[int, typer.Option(min=0, help="Loader processes of each training process.")] = 2
    seed: Annotated[int, typer.Option(min=0, help="Of networks and composites.")] = 0
    resume: Annotated[bool, typer.Option(help="Go on where the run in --out stopped, if it did.")] = True
    init: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Exported weights to start from.")
    ] = None
    max_minutes: Annotated[
        float, typer.Option(min=0, help="Stop, to be resumed, after so long. [0: never]")
    ] = 0.0
    mixed_precision: Annotated[
        Precision, typer.Option(help="bf16 also speeds up CPUs that have bf16 instructions.")
    ] = Precision.no
    validate_every: Annotated[
        int | None, typer.Option(help="Updates between validations. [default: the recipe's]")
    ] = None
    checkpoint_minutes: Annotated[float, typer.Option(min=0, help="Minutes between checkpoints.")] = 10.0
    threads: Annotated[
        int, typer.Option(min=0, help="CPU threads of each training process. [0: torch decides]")
    ] = 0
    detected_share: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of fresh composites with N_i's own masks; the rest is simulated."
        ),
    ] = 0.0
    density: Annotated[
        Density, typer.Option(help="Occlusion ratios: the paper's two densities, or (0, 0.5].")
    ] = Density.training
    packed: Annotated[
        list[Path] | None,
        typer.Option(help="Windows of `ahp pack`, instead of fresh composites; give it once a folder."),
    ] = None
    cpu: Annotated[bool, typer.Option("--cpu", help="Stay on the CPU.")] = False
