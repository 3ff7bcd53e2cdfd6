"""`deocclude ahp acquire`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of

if TYPE_CHECKING:
    from deocclude.ahp.acquire.run import Summary

_Folder = Optional[Path]  # noqa: UP045


def acquire(
    out: Annotated[Path, typer.Option(metavar="WORK", help="Workspace to write.")],
    coco: Annotated[_Folder, typer.Option(help="COCO: annotations/instances*.json and photos.")] = None,
    voc: Annotated[_Folder, typer.Option(help="Pascal VOC: JPEGImages/, Annotations/, ...")] = None,
    sbd: Annotated[_Folder, typer.Option(help="SBD: img/, inst/*.mat (needs scipy).")] = None,
    lip: Annotated[_Folder, typer.Option(help="Look Into Person: photos, parsing PNGs, joints.")] = None,
    objects365: Annotated[_Folder, typer.Option(help="Objects365: JSON with boxes, and photos.")] = None,
    openimages: Annotated[_Folder, typer.Option(help="OpenImages: CSV with boxes, photos, masks.")] = None,
    ccp: Annotated[_Folder, typer.Option(help="Clothing Co-Parsing: photos/, labels/, tags.json.")] = None,
    lspet: Annotated[_Folder, typer.Option(help="Leeds Sports Pose: images/, joints.json or .mat.")] = None,
    photos: Annotated[_Folder, typer.Option(help="Photos without annotations: N_i finds the people.")] = None,
    ahp: Annotated[_Folder, typer.Option(help="AHP, or what `build` wrote.")] = None,
    folder: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="[NAME=]DIR", help="Any folder with COCO JSON; may be given again."),
    ] = None,
    min_pixels: Annotated[int, typer.Option(min=0, help="Smaller people are dropped.")] = 300,
    gutter: Annotated[int, typer.Option(min=0, help="Pixels a person keeps from the photo's border.")] = 5,
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Collect the people of data sets (section 4.1, step 1); a killed run goes on where it was."""
    from deocclude.ahp.acquire.limits import Limits
    from deocclude.ahp.acquire.registry import open_sources
    from deocclude.ahp.acquire.run import acquire as run
    from deocclude.ahp.work_files import CANDIDATES, DROPPED

    given = {
        "coco": coco, "voc": voc, "sbd": sbd, "lip": lip, "objects365": objects365, "openimages": openimages,
        "ccp": ccp, "lspet": lspet, "photos": photos, "ahp": ahp,
    }  # fmt: skip
    folders = {name: path for name, path in given.items() if path is not None}
    sources = open_sources(folders, [_named(text) for text in folder or []])
    summary = run(sources, out, engine_of(engine, workers), Limits(min_pixels, gutter))
    _print(summary)
    typer.echo(f"{out / CANDIDATES}, {out / DROPPED}")


def _named(text: str) -> tuple[str | None, Path]:
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals and "/" not in name else (None, Path(text))


def _print(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    from deocclude.ahp.acquire.run import KEPT

    table = Table("", *summary, title="people")
    reasons = sorted({reason for counts in summary.values() for reason in counts} - {KEPT})
    for label in (KEPT, *reasons):
        table.add_row(label, *(str(counts[label]) for counts in summary.values()))
    table.add_row("all", *(str(counts.total()) for counts in summary.values()))
    Console().print(table)
