"""`deocclude train`: both stages, and the export of what they learned."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deocclude.cli.shared_options import with_options
from deocclude.cli.shares import SampleShares
from deocclude.cli.training_options import Share, TrainingOptions

if TYPE_CHECKING:
    import numpy as np

    from deocclude.ahp.batches import CompositeDataset, Stage, ValidationDataset
    from deocclude.ahp.packed import PackedWindows
    from deocclude.mask_completion.network import MaskCompletionNetwork
    from deocclude.training import TrainConfig

app = typer.Typer(no_args_is_help=True, help="Train the two stages (section 5.1), export what they learned.")


@app.command()
@with_options(TrainingOptions, SampleShares)
def masks(common: TrainingOptions, shares: SampleShares) -> None:
    """Train mask completion (section 3.2)."""
    from deocclude.mask_completion.config import MASK_PRESETS
    from deocclude.mask_completion.task import MaskCompletionTask
    from deocclude.training import train
    from deocclude.training.start import start_from

    network = _changed(MASK_PRESETS[common.preset.value], size=common.size, learning_rate=common.lr)
    config = _settings("masks", common)
    composites, validation = _data("masks", common, network.size, shares)
    config = replace(config, recipe=_recipe("masks", network, composites, common.init))
    fresh = common.init is None and not _begun(common.out)
    templates = _templates(common.data, network, common.seed) if fresh else None
    task = MaskCompletionTask(network, templates=templates, pretrained=fresh)
    if common.init is not None:
        start_from(common.init, "masks", task.networks["generator"])
    train(task, composites, validation, config, common.out, common.resume)


@app.command()
@with_options(TrainingOptions)
def content(
    common: TrainingOptions,
    masks: Annotated[
        str | None,
        typer.Option(help="Trained stage 1 (model, file or folder), to train on its masks too."),
    ] = None,
    attention: Annotated[
        bool, typer.Option(help="Parsing guided attention; without, the plain U-Net of Table 6, line 1.")
    ] = True,
    perceptual_from: Share = None,
    adversarial_from: Share = None,
) -> None:
    """Train content recovery (section 3.3)."""
    from deocclude.content_recovery.config import CONTENT_PRESETS, CONTENT_TRAINING
    from deocclude.content_recovery.task import ContentRecoveryTask
    from deocclude.training import train
    from deocclude.training.start import start_from
    from deocclude.weights import store

    network = _changed(CONTENT_PRESETS[common.preset.value], size=common.size)
    if not attention:
        network = replace(network, encoder_attention=(), decoder_attention=(), colour_attention=0)
    losses = _changed(
        CONTENT_TRAINING[common.preset.value],
        learning_rate=common.lr,
        perceptual_from=perceptual_from,
        adversarial_from=adversarial_from,
    )
    config = _settings("content", common)
    composites, validation = _data("content", common, network.size, SampleShares())
    recipe = _recipe("content", network, composites, common.init) | {"losses": asdict(losses), "masks": None}
    stage1 = None
    if masks is not None:
        path = Path(masks)
        loaded = store.load_file("masks", path) if path.is_file() else store.load("masks", masks)
        stage1 = cast("MaskCompletionNetwork", loaded)
        recipe["masks"] = store.digest(path) if path.is_file() else store.sha256_of("masks", masks)
    task = ContentRecoveryTask(network, losses, mask_network=stage1)
    if common.init is not None:
        start_from(common.init, "content", task.networks["generator"])
    train(task, composites, validation, replace(config, recipe=recipe), common.out, common.resume)


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


@app.command()
def mean(
    weights: Annotated[
        list[Path], typer.Argument(help="Exported stage 1 files, trained on from each other.")
    ],
    packed: Annotated[Path, typer.Option(help="Windows of `ahp pack`, for batch norm's statistics.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    windows: Annotated[int, typer.Option(min=16, help="How many of them.")] = 480,
    seed: Annotated[int, typer.Option(min=0, help="Which of them.")] = 0,
) -> None:
    """Write the mean of several stage 1 weights, to use or to train on."""
    from torch.utils.data import DataLoader, Subset

    from deocclude.ahp.packed import PackedWindows
    from deocclude.mask_completion.mean import fullest, mean_of
    from deocclude.weights import store

    networks = [cast("MaskCompletionNetwork", store.load_file("masks", path)) for path in weights]
    config = fullest(networks).config
    composites = PackedWindows.read([packed], "masks", config.size, seed)
    batches = DataLoader(Subset(composites, range(windows)), batch_size=16)
    store.save(mean_of(networks, batches), config, out)
    typer.echo(f"{out}: the mean of {len(networks)}, {out.stat().st_size / 1e6:.1f} MB")


def _settings(stage: str, common: TrainingOptions) -> TrainConfig:
    """The recipe with the options that were given; a short run warms up for at most a tenth of it."""
    import torch

    from deocclude.training.recipes import RECIPES

    torch.manual_seed(common.seed)
    config: TrainConfig = _changed(
        RECIPES[stage][common.preset.value],
        steps=common.steps,
        batch=common.batch,
        workers=common.workers,
        seed=common.seed,
        max_minutes=common.max_minutes,
        mixed_precision=common.mixed_precision.value,
        validate_every=common.validate_every,
        checkpoint_minutes=common.checkpoint_minutes,
        threads=common.threads,
        cpu=common.cpu,
    )
    return replace(config, warmup=min(config.warmup, config.steps // 10))


def _changed(config: Any, **values: Any) -> Any:
    return replace(config, **{name: value for name, value in values.items() if value is not None})


def _data(
    stage: Stage, common: TrainingOptions, size: int, shares: SampleShares
) -> tuple[CompositeDataset | PackedWindows, ValidationDataset | None]:
    from deocclude.ahp.batches import ValidationDataset
    from deocclude.ahp.layout import root_of
    from deocclude.ahp.packed import PackedWindows

    composites: CompositeDataset | PackedWindows
    if common.packed:
        composites = PackedWindows.read(common.packed, stage, size, common.seed)
    else:
        composites = shares.composites(
            common.data,
            size,
            common.seed,
            stage=stage,
            density=common.density.value,
            detected=common.detected_share,
        )
    if not (root_of(common.data) / "val").is_dir():
        typer.echo(
            f"{common.data}: no val composites (deocclude ahp synthesize); training without validation"
        )
        return composites, None
    return composites, ValidationDataset(common.data, "val", size, stage=stage)


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
