"""`deocclude ahp parser-score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from deocclude.cli.targets import require_folders


def parser_score(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="A data set in AHP's layout, with labels.")],
    split: Annotated[Literal["train", "val"], typer.Option(help="Whose people.")] = "val",
    parser: Annotated[
        str, typer.Option(help="lite, paper, a folder with masks.safetensors, or MODULE:CALLABLE.")
    ] = "lite",
    segmenter: Annotated[
        str, typer.Option(help="Who draws the second mask: blazepose, maskrcnn, or MODULE:CALLABLE.")
    ] = "blazepose",
    json: Annotated[Optional[Path], typer.Option(help="Write every number to this file.")] = None,  # noqa: UP045
) -> None:
    """Measure the parser of `segment` on whole people against their own labels (docs/evaluation.md)."""
    from json import dumps

    from rich.console import Console
    from rich.progress import track

    from deocclude import __version__
    from deocclude.ahp.layout import People, write_atomically
    from deocclude.ahp.segment.segmenters import load_segmenter
    from deocclude.evaluation.parser_score import open_parser, score
    from deocclude.evaluation.part_tables import class_table, summary_table
    from deocclude.evaluation.wording import absent_line
    from deocclude.threads import one_thread

    require_folders(json)
    one_thread()
    people = People(root, split)
    who, drawer = open_parser(parser), load_segmenter(segmenter)
    numbers = score(people, who, drawer, lambda positions: track(positions, "parsing", len(positions)))
    report = {
        "version": __version__,
        "parser": who.name,
        "segmenter": drawer.name,
        "set": people.root.name,
        "split": split,
        **numbers,
    }
    console = Console()
    title = f"Body parts of {numbers['people']} whole people [95%]; {numbers['passed over']} without labels"
    console.print(summary_table(title, numbers["parsing"]))
    console.print(class_table(numbers["parsing"]))
    console.print(absent_line(numbers["parsing"]), highlight=False)
    if json is not None:
        write_atomically(json, (dumps(report, indent=1) + "\n").encode())
