"""`deocclude ahp convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

_FORMATS = "ahp, ahp-test, coco, cocoa, cocoa-cls, d2sa, kins, kins2020"


def convert(
    given: Annotated[Path, typer.Argument(metavar="IN", help="JSON file, folder of one, or AHP root.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder.")],
    source: Annotated[str, typer.Option("--from", metavar="FORMAT", help=_FORMATS)],
    target: Annotated[str, typer.Option("--to", metavar="FORMAT", help=_FORMATS)],
    photos: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder of the photos; else photos/ beside the JSON file."),
    ] = None,
    split: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="AHP's split; else train (ahp) or test (ahp-test)."),
    ] = None,
    category: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="NAME", help="Take these categories only; may be given again."),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Take people only of whom nothing is hidden.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="List malformed people in dropped.jsonl instead of refusing.")
    ] = False,
) -> None:
    """Convert amodal data sets into one another; masks come through bit for bit (docs/formats.md)."""
    from deocclude.ahp.formats.conversion import Choice
    from deocclude.ahp.formats.conversion import convert as run

    choice = Choice(tuple(category or ()), whole, skip_bad)
    place, tally = run(given, out, source, target, photos=photos, split=split, choice=choice)
    typer.echo(f"{tally.people} people, {tally.photos} photos in {place}")
    if tally.left_out:
        typer.echo(f"{tally.left_out} left out as asked")
    if target == "ahp-test" and tally.without_original:
        typer.echo(
            f"of {tally.without_original} no photo without the occluder is known: evaluate their masks only"
        )
    if tally.faults:
        typer.echo(f"{len(tally.faults)} malformed, listed in {place / 'dropped.jsonl'}")
