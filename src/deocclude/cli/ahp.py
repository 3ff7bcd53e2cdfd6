"""`deocclude ahp`: whole people and their composites on disk (section 4)."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(no_args_is_help=True, help="Make whole people and their occluded composites (section 4).")


class Split(str, Enum):
    """Which people composites are made of."""

    train = "train"
    val = "val"


@app.command()
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


@app.command()
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


@app.command("false-alarms")
def false_alarms(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `prepare` writes it.")],
    coco: Annotated[Path, typer.Option(help="COCO: images/, annotations/.")],
) -> None:
    """Collect photos without people and the masks BlazePose gives there, to teach stage 1 to see nobody."""
    from deocclude.ahp.false_alarms import write_false_alarms
    from deocclude.people import BlazePose

    for split, masks in write_false_alarms(root, coco, BlazePose(doubtful=True)).items():
        typer.echo(f"{split}: {masks} masks in {root / 'false_alarms' / split}")
