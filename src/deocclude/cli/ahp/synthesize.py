"""`deocclude ahp synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of


def synthesize(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="AHP layout, as `build` writes it.")],
    per_person: Annotated[int, typer.Option(min=1, help="Occluders per person.")] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    count: Annotated[Optional[int], typer.Option(min=1, help="People. [default: 297, or all]")] = None,  # noqa: UP045
    hard: Annotated[bool, typer.Option(help="Paste without feather into DIR/val_hard, to compare.")] = False,
    initial_masks: Annotated[bool, typer.Option(help="Also store the masks of BlazePose.")] = False,
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Freeze the validation composites in DIR/val; the same seed gives the same bytes."""
    from deocclude.ahp import frozen
    from deocclude.ahp.layout import Occluders, People, root_of
    from deocclude.ahp.synthesis import SynthesisSettings

    spread, root = engine_of(engine, workers), root_of(root)
    people, occluders = People(root, "val"), Occluders(root, "val")
    most = min(len(people), count or frozen.MOST_PEOPLE)
    settings = SynthesisSettings(hard=hard)
    samples = frozen.validation_samples(people, occluders, per_person, seed, most, settings)
    folder = root / ("val_hard" if hard else "val")
    written = frozen.write_samples(folder, samples, most * per_person)
    typer.echo(f"{written} composites in {folder}")
    if initial_masks:
        from deocclude.ahp.build.composites import write_initial_masks

        found = write_initial_masks(root, folder.name, spread)
        typer.echo(f"initial masks of {found} of {written} people in {folder / 'InitialMasks'}")
