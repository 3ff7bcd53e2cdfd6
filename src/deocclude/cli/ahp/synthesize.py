"""`deocclude ahp synthesize`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer


class Split(str, Enum):
    """Which people composites are made of."""

    train = "train"
    val = "val"


def synthesize(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `prepare` writes it.")],
    split: Annotated[Split, typer.Option(help="val: DIR/val; train: DIR/train_composites.")] = Split.val,
    per_person: Annotated[int, typer.Option(min=1, help="Occluders per person (val).")] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    count: Annotated[Optional[int], typer.Option(min=1, help="People (val) or composites (train).")] = None,  # noqa: UP045
    hard: Annotated[bool, typer.Option(help="Paste without feather into DIR/val_hard, to compare.")] = False,
    initial_masks: Annotated[bool, typer.Option(help="Also store the masks of BlazePose.")] = False,
) -> None:
    """Freeze occluded composites; the same seed gives the same bytes."""
    from deocclude.ahp import frozen
    from deocclude.ahp.layout import Occluders, People, root_of
    from deocclude.ahp.synthesis import SynthesisSettings

    root = root_of(root)
    people, occluders = People(root, split.value), Occluders(root, split.value)
    if hard and split is Split.train:
        raise typer.BadParameter("hard pastes are for comparing on val", param_hint="--hard")
    if split is Split.val:
        most = min(len(people), count or frozen.MOST_PEOPLE)
        samples = frozen.validation_samples(
            people, occluders, per_person, seed, most, SynthesisSettings(hard=hard)
        )
        folder, total = root / ("val_hard" if hard else "val"), most * per_person
    else:
        total = count or len(people)
        samples = frozen.training_samples(people, occluders, seed, total)
        folder = root / "train_composites"
    written = frozen.write_samples(folder, samples, total)
    typer.echo(f"{written} composites in {folder}")
    if initial_masks:
        from deocclude.people import BlazePose

        found = frozen.write_initial_masks(
            frozen.FrozenComposites(root, folder.name), BlazePose(doubtful=True)
        )
        typer.echo(f"initial masks of {found} of {written} people in {folder / 'InitialMasks'}")
