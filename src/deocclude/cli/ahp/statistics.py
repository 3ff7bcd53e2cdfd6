"""`deocclude ahp statistics`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from deocclude.cli.targets import require_folders

_COMPOSITES = 24
_PEOPLE = "people"


def statistics(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="A data set in AHP's layout.")],
    work: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The workspace it was made in, if that is not the folder around it."),
    ] = None,
    scenes: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Scene classifier: module:callable, or the name of an installed one."),
    ] = None,
    json: Annotated[Optional[Path], typer.Option(help="Write every number to this file.")] = None,  # noqa: UP045
    html: Annotated[Optional[Path], typer.Option(help="Write a page of charts and pictures.")] = None,  # noqa: UP045
    sheet: Annotated[Optional[Path], typer.Option(help="Write a PNG of random samples.")] = None,  # noqa: UP045
    sheet_of: Annotated[
        str, typer.Option(help="Samples on the sheet: people, or a folder of composites such as val.")
    ] = _PEOPLE,
    count: Annotated[int, typer.Option(min=1, help="Samples on the sheet, people in the page.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Threads; all cores if not given.")] = os.cpu_count()
    or 1,
) -> None:
    """Count what a data set holds (section 4.2): tables, JSON, a page, contact sheets."""
    from json import dumps

    from rich.console import Console

    from deocclude.ahp.frozen import folder_of
    from deocclude.ahp.statistics import pictures
    from deocclude.ahp.statistics.count import count as count_everything
    from deocclude.ahp.statistics.report import page
    from deocclude.ahp.statistics.scenes import load_classifier
    from deocclude.ahp.statistics.terminal import show
    from deocclude.atomic import write_atomically

    require_folders(json, html, sheet)
    if sheet is not None and sheet_of != _PEOPLE:
        folder_of(root, sheet_of)
    classifier = None if scenes is None else load_classifier(scenes)
    numbers = count_everything(root, work, classifier, workers)
    show(numbers, Console())
    if json is not None:
        write_atomically(json, (dumps(numbers.as_json(), indent=1) + "\n").encode())
    if html is not None:
        people = pictures.random_people(root, count, seed)
        composites = {
            split: pictures.random_composites(root, split, _COMPOSITES, seed) for split in numbers.composites
        }
        write_atomically(html, page(numbers, people, composites).encode())
    if sheet is not None:
        _write_sheet(root, sheet, sheet_of, count, seed)


def _write_sheet(root: Path, target: Path, subject: str, count: int, seed: int) -> None:
    from deocclude.ahp.statistics.contact_sheet import contact_sheet
    from deocclude.ahp.statistics.pictures import random_composites, random_people
    from deocclude.images import save_png

    if subject == _PEOPLE:
        shown = random_people(root, count, seed)
    else:
        shown = random_composites(root, subject, count, seed)
    save_png(contact_sheet([s.tile for s in shown], [s.caption for s in shown]), target)
