"""`deocclude train`: both stages, and the export of what they learned."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deocclude.cli.density import Density

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from deocclude.ahp.batches import CompositeDataset, Stage, ValidationDataset
    from deocclude.ahp.packed import PackedWindows
    from deocclude.mask_completion.network import MaskCompletionNetwork
    from deocclude.training import TrainConfig

app = typer.Typer(no_args_is_help=True, help="Train the two stages (section 5.1), export what they learned.")


class Preset(str, Enum):
    """Networks with their recipes."""

    lite = "lite"
    paper = "paper"


class Precision(str, Enum):
    """Autocast of the networks."""

    no = "no"
    bf16 = "bf16"
    fp16 = "fp16"


Data = Annotated[Path, typer.Option(help="Folder of the AHP layout; `deocclude ahp build` makes one.")]
Run = Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log.jsonl, sheets, tensorboard.")]
Presets = Annotated[Preset, typer.Option(help="Network and recipe.")]
Steps = Annotated[int | None, typer.Option(help="Updates of the whole run. [default: the recipe's]")]
Batch = Annotated[int | None, typer.Option(help="Samples of an update. [default: the recipe's]")]
Size = Annotated[int | None, typer.Option(help="Side of the person crops. [default: the preset's]")]
Rate = Annotated[float | None, typer.Option("--lr", help="Peak learning rate. [default: the preset's]")]
Workers = Annotated[int, typer.Option(min=0, help="Loader processes of each training process.")]
Seed = Annotated[int, typer.Option(min=0, help="Of networks and composites.")]
Resume = Annotated[bool, typer.Option(help="Go on where the run in --out stopped, if it did.")]
Init = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Exported weights to start from.")
]
Minutes = Annotated[float, typer.Option(min=0, help="Stop, to be resumed, after so long. [0: never]")]
Mixed = Annotated[Precision, typer.Option(help="bf16 also speeds up CPUs that have bf16 instructions.")]
Validate = Annotated[int | None, typer.Option(help="Updates between validations. [default: the recipe's]")]
Save = Annotated[float, typer.Option(min=0, help="Minutes between checkpoints.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads of each training process. [0: torch decides]")]
Detected = Annotated[
    float,
    typer.Option(min=0, max=1, help="Share of fresh composites with N_i's own masks; the rest is simulated."),
]
FalseAlarm = Annotated[
    float, typer.Option(min=0, max=1, help="Share of samples from false_alarms, where nobody is to be seen.")
]
Ratios = Annotated[Density, typer.Option(help="Occlusion ratios: the paper's two densities, or (0, 0.5].")]
Share = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Share of the run after which this loss joins; 1 never. [default: the preset's]"
    ),
]
Packed = Annotated[
    Path | None,
    typer.Option(help="Windows of `ahp pack`, instead of fresh composites; their side is the crops'."),
]
Cpu = Annotated[bool, typer.Option("--cpu", help="Stay on the CPU.")]


@app.command()
def masks(
    data: Data,
    out: Run,
    preset: Presets = Preset.lite,
    steps: Steps = None,
    batch: Batch = None,
    size: Size = None,
    lr: Rate = None,
    workers: Workers = 2,
    seed: Seed = 0,
    resume: Resume = True,
    init: Init = None,
    max_minutes: Minutes = 0.0,
    mixed_precision: Mixed = Precision.no,
    validate_every: Validate = None,
    checkpoint_minutes: Save = 10.0,
    threads: Threads = 0,
    detected_share: Detected = 0.0,
    false_alarm_share: FalseAlarm = 0.0,
    density: Ratios = Density.training,
    packed: Packed = None,
    cpu: Cpu = False,
) -> None:
    """Train mask completion (section 3.2)."""
    from deocclude.mask_completion.config import MASK_PRESETS
    from deocclude.mask_completion.task import MaskCompletionTask
    from deocclude.training import train

    network = _changed(MASK_PRESETS[preset.value], size=size, learning_rate=lr)
    config = _settings(
        "masks", preset, steps=steps, batch=batch, workers=workers, seed=seed, max_minutes=max_minutes,
        mixed_precision=mixed_precision.value, validate_every=validate_every, cpu=cpu,
        checkpoint_minutes=checkpoint_minutes, threads=threads,
    )  # fmt: skip
    composites, validation = _data(
        "masks", data, network.size, seed, density, packed, detected_share, false_alarm_share
    )
    config = replace(config, recipe=_recipe("masks", network, composites, init))
    fresh = init is None and not _begun(out)
    task = MaskCompletionTask(
        network, templates=_templates(data, network, seed) if fresh else None, pretrained=fresh
    )
    if init is not None:
        _start_from(init, "masks", task.networks["generator"])
    train(task, composites, validation, config, out, resume)


@app.command()
def content(
    data: Data,
    out: Run,
    masks: Annotated[
        str | None,
        typer.Option(help="Trained stage 1 (model, file or folder), to train on its masks too."),
    ] = None,
    perceptual_from: Share = None,
    adversarial_from: Share = None,
    preset: Presets = Preset.lite,
    steps: Steps = None,
    batch: Batch = None,
    size: Size = None,
    lr: Rate = None,
    workers: Workers = 2,
    seed: Seed = 0,
    resume: Resume = True,
    init: Init = None,
    max_minutes: Minutes = 0.0,
    mixed_precision: Mixed = Precision.no,
    validate_every: Validate = None,
    checkpoint_minutes: Save = 10.0,
    threads: Threads = 0,
    detected_share: Detected = 0.0,
    density: Ratios = Density.training,
    packed: Packed = None,
    cpu: Cpu = False,
) -> None:
    """Train content recovery (section 3.3)."""
    from deocclude.content_recovery.config import CONTENT_PRESETS, CONTENT_TRAINING
    from deocclude.content_recovery.task import ContentRecoveryTask
    from deocclude.training import train
    from deocclude.weights import store

    network = _changed(CONTENT_PRESETS[preset.value], size=size)
    losses = _changed(
        CONTENT_TRAINING[preset.value],
        learning_rate=lr,
        perceptual_from=perceptual_from,
        adversarial_from=adversarial_from,
    )
    config = _settings(
        "content", preset, steps=steps, batch=batch, workers=workers, seed=seed, max_minutes=max_minutes,
        mixed_precision=mixed_precision.value, validate_every=validate_every, cpu=cpu,
        checkpoint_minutes=checkpoint_minutes, threads=threads,
    )  # fmt: skip
    composites, validation = _data("content", data, network.size, seed, density, packed, detected_share)
    recipe = _recipe("content", network, composites, init) | {"losses": asdict(losses), "masks": None}
    stage1 = None
    if masks is not None:
        path = Path(masks)
        loaded = store.load_file("masks", path) if path.is_file() else store.load("masks", masks)
        stage1 = cast("MaskCompletionNetwork", loaded)
        recipe["masks"] = store.digest(path) if path.is_file() else store.sha256_of("masks", masks)
    task = ContentRecoveryTask(network, losses, mask_network=stage1)
    if init is not None:
        _start_from(init, "content", task.networks["generator"])
    train(task, composites, validation, replace(config, recipe=recipe), out, resume)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="The --out folder of a run.")],
    out: Annotated[Path, typer.Option(help="File to write: masks.safetensors or content.safetensors.")],
    best: Annotated[bool, typer.Option("--best/--last", help="Of the checkpoints.")] = True,
) -> None:
    """Write a run's averaged network as safetensors, half precision."""
    from deocclude.training.export import export as write

    step = write(run, out, best=best)
    typer.echo(f"{out}: step {step}, {out.stat().st_size / 1e6:.1f} MB")


def _settings(stage: str, preset: Preset, **given: Any) -> TrainConfig:
    """The recipe with the options that were given; a short run warms up for at most a tenth of it."""
    import torch

    from deocclude.training.recipes import RECIPES

    torch.manual_seed(given["seed"])
    config: TrainConfig = _changed(RECIPES[stage][preset.value], **given)
    return replace(config, warmup=min(config.warmup, config.steps // 10))


def _changed(config: Any, **values: Any) -> Any:
    return replace(config, **{name: value for name, value in values.items() if value is not None})


def _data(
    stage: Stage,
    root: Path,
    size: int,
    seed: int,
    density: Density,
    packed: Path | None,
    detected_share: float,
    false_alarm_share: float = 0.0,
) -> tuple[CompositeDataset | PackedWindows, ValidationDataset | None]:
    from deocclude.ahp.batches import BatchSettings, CompositeDataset, ValidationDataset
    from deocclude.ahp.density import DENSITIES
    from deocclude.ahp.layout import root_of
    from deocclude.ahp.packed import PackedWindows

    composites: CompositeDataset | PackedWindows
    if packed is not None:
        composites = PackedWindows.read(packed, stage, size, seed)
    else:
        settings = BatchSettings(stage=stage, detected=detected_share, false_alarms=false_alarm_share)
        composites = CompositeDataset(root, "train", size, seed, DENSITIES[density.value], settings)
    if not (root_of(root) / "val").is_dir():
        typer.echo(f"{root}: no val composites (deocclude ahp synthesize); training without validation")
        return composites, None
    return composites, ValidationDataset(root, "val", size, stage=stage)


def _recipe(
    stage: str, network: Any, composites: CompositeDataset | PackedWindows, init: Path | None
) -> dict[str, Any]:
    from deocclude.weights.store import digest

    return {
        "stage": stage,
        "network": asdict(network),
        "composites": composites.about,
        "init": digest(init) if init else None,
    }


def _templates(root: Path, network: Any, seed: int) -> np.ndarray:
    from deocclude.ahp.layout import People
    from deocclude.mask_completion.templates import fit_templates

    return fit_templates(
        [person.amodal for person in People(root, "train")],
        count=network.templates,
        size=network.template_size,
        seed=seed,
    )


def _begun(out: Path) -> bool:
    from deocclude.training.checkpoint import Checkpoints

    return Checkpoints(out).latest() is not None


def _start_from(init: Path, stage: Any, network: nn.Module) -> None:
    from deocclude.errors import DeoccludeError
    from deocclude.weights import store

    try:
        network.load_state_dict(store.load_file(stage, init).state_dict())
    except RuntimeError as error:
        raise DeoccludeError(f"{init}: weights of another preset or size; choose that preset") from error
