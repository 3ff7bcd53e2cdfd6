"""`deocclude ahp review`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of

if TYPE_CHECKING:
    from deocclude.ahp.review.database import Database
    from deocclude.ahp.review.workspace import Workspace


def review(
    work: Annotated[Path, typer.Argument(metavar="WORK", help="Workspace of `acquire` and `segment`.")],
    host: Annotated[
        str, typer.Option(help="Address to serve at; 0.0.0.0 lets others on the network in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8765,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Share of samples that several people judge.")
    ] = 0.0,
    judges: Annotated[int, typer.Option(min=2, help="How many people judge those.")] = 2,
    lease: Annotated[float, typer.Option(min=0.1, help="Minutes for which a sample is one person's.")] = 10.0,
    auto: Annotated[
        bool, typer.Option("--auto", help="Decide by the pre-sort, marked so; do not serve.")
    ] = False,
    export: Annotated[Optional[Path], typer.Option(help="Write the decisions, JSON lines; do not serve.")] =  # noqa: UP045
    None,
    export_refine: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.json", help="Write what is to be refined as COCO JSON; do not serve."),
    ] = None,
    import_refined: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.json", help="Take refined masks back from COCO JSON; do not serve."),
    ] = None,
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Discard, Preserve or Refine every candidate, on a local web page (section 4.1, step 3)."""
    import time

    from deocclude.ahp.progress import progress_of
    from deocclude.ahp.review import decisions, exchange
    from deocclude.ahp.review.database import Database
    from deocclude.ahp.review.index import index
    from deocclude.ahp.review.workspace import Workspace
    from deocclude.ahp.work_files import REVIEW

    workspace = Workspace(work)
    database = Database(work / REVIEW)
    with progress_of("looking at masks", sum(1 for _ in workspace.lines())) as advance:
        report = index(workspace, database, overlap, judges, advance, engine_of(engine, workers))
    for line in report.damaged:
        typer.echo(f"left out: {line}", err=True)
    if report.without_mask:
        typer.echo(
            f"{report.without_mask} candidates have no mask: run `deocclude ahp segment {work}`", err=True
        )
    typer.echo(f"{report.samples} samples to review in {work}")
    if import_refined is not None:
        taken = exchange.import_refined(workspace, database, import_refined)
        for line in taken.passed_over:
            typer.echo(f"passed over: {line}", err=True)
        typer.echo(f"{taken.changed} masks refined, {taken.unchanged} came back as they were")
    if auto:
        typer.echo(f"decided automatically: {_listed(decisions.decide_automatically(database, time.time()))}")
    if export_refine is not None:
        typer.echo(f"{exchange.export_refine(workspace, database, export_refine)} samples in {export_refine}")
    if export is not None:
        typer.echo(f"{_listed(decisions.export(database, export))}, in {export}")
        with database.transaction() as connection:
            found = decisions.agreement(connection)
        if found is not None:
            typer.echo(f"agreement: {found}")
    if not (auto or export or export_refine or import_refined):
        _serve(host, port, lease, workspace, database)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts.get(name, 0)} {name}" for name in ("preserve", "refine", "discard"))


def _serve(host: str, port: int, lease: float, workspace: Workspace, database: Database) -> None:
    from deocclude.ahp.review.api import ReviewApi
    from deocclude.ahp.review.server import ReviewServer

    server = ReviewServer(host, port, workspace, ReviewApi(workspace, database, 60 * lease))
    typer.echo(f"review at {server.url} (stop with Ctrl+C; nothing is lost)")
    server.serve_until_stopped()
    typer.echo("stopped")
