"""`deocclude ahp compose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def compose(
    root: Annotated[
        Path, typer.Argument(metavar="AHP", help="AHP layout, as `build` or `prepare` writes it.")
    ],
    out: Annotated[Path, typer.Option(metavar="TEST", help="Where --export puts the test set.")],
    work: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Composites and votes. [default: TEST.work, beside TEST]"),
    ] = None,
    split: Annotated[str, typer.Option(help="Whose people and cut-outs: val or train.")] = "val",
    votes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="People who have to pass a composite. [default: as before, at first 2]"),
    ] = None,
    per_person: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Composites wanted of each person. [default: as before, at first 1]"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve at; 0.0.0.0 lets others on the network in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8766,
    lease: Annotated[float, typer.Option(min=0.1, help="Minutes for which a sample is one person's.")] = 10.0,
    export: Annotated[
        bool, typer.Option("--export", help="Write what all voters passed to TEST; do not serve.")
    ] = False,
) -> None:
    """Drag cut-outs onto whole people, vote on each other's, on a local web page (section 5.1)."""
    from rich.console import Console
    from rich.progress import Progress

    from deocclude.ahp.compose.api import ComposeApi
    from deocclude.ahp.compose.database import Database
    from deocclude.ahp.compose.export import export as write_test_set
    from deocclude.ahp.compose.library import Library
    from deocclude.ahp.compose.server import ComposeServer
    from deocclude.errors import DeoccludeError

    out = out.resolve()
    work = work or out.with_name(f"{out.name}.work")
    path = work / "compose.sqlite"
    if export and not path.is_file():
        raise DeoccludeError(f"{path}: no such file; make composites with `deocclude ahp compose` first")
    library = None
    if not export:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("looking at people and cut-outs", total=None)
            library = Library(root, split, lambda count: bar.advance(task, count))
    database = Database(path)
    for name, value in (("votes", votes), ("per_person", per_person)):
        if value is not None:
            database.set(name, value)
    if library is None:
        report = write_test_set(database, work / "composites", out)
        typer.echo(
            f"{report.passed} passed, in {out}; {report.failed} failed, {report.waiting} wait for votes"
        )
        return
    for line in library.damaged:
        typer.echo(f"left out: {line}", err=True)
    database.list_people(library.people)
    server = ComposeServer(host, port, ComposeApi(library, database, work / "composites", 60 * lease))
    typer.echo(f"{len(library.people)} people and {len(library.cutouts)} cut-outs of {split}")
    typer.echo(f"compose at {server.url} (stop with Ctrl+C; nothing is lost)")
    server.serve_until_stopped()
    typer.echo("stopped")
