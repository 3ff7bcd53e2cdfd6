"""`deocclude ahp build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from deocclude.cli.ahp.engine import EngineName, EngineOption, Workers, engine_of
from deocclude.cli.ahp.faults import report
from deocclude.errors import DeoccludeError


def build(
    out: Annotated[Path, typer.Option(help="Folder of the AHP layout to write.")],
    given: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="WORK", help="Reviewed workspace of `acquire`, `segment` and `review`."),
    ] = None,
    occluders: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="COCO", help="Cut occluders out of COCO: images/, annotations/."),
    ] = None,
    decisions: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="What `review --export` wrote; else WORK/review.sqlite, else WORK/decisions.jsonl."
        ),
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="All steps from the data sets on, judged by the pre-sort alone.")
    ] = False,
    coco: Annotated[Optional[Path], typer.Option(help="With --auto: COCO (people and occluders).")] = None,  # noqa: UP045
    lspet: Annotated[Optional[Path], typer.Option(help="With --auto: Leeds Sports Pose.")] = None,  # noqa: UP045
    ccp: Annotated[Optional[Path], typer.Option(help="With --auto: Clothing Co-Parsing.")] = None,  # noqa: UP045
    photos: Annotated[Optional[Path], typer.Option(help="With --auto: photos without annotations.")] = None,  # noqa: UP045
    work: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="With --auto: the workspace. [default: OUT.work, beside OUT]"),
    ] = None,
    parser: Annotated[
        str, typer.Option(help="With --auto: body parts where a source has none, as `segment --parser`.")
    ] = "lite",
    max_side: Annotated[int, typer.Option(min=64, help="Photos are shrunk to this long side.")] = 384,
    engine: EngineOption = EngineName.processes,
    workers: Workers = None,
) -> None:
    """Make AHP's layout from a reviewed workspace, or all of it with --auto; run again to continue."""
    spread = engine_of(engine, workers)
    given_sources = {"coco": coco, "lspet": lspet, "ccp": ccp, "photos": photos}
    sources = {name: path for name, path in given_sources.items() if path}
    if auto:
        if given is not None or occluders is not None or decisions is not None:
            raise DeoccludeError(
                "--auto goes with --coco, --lspet, --ccp, --photos and --work, not with WORK, "
                "--occluders or --decisions; leave those out"
            )
        from deocclude.ahp.build.chain import run_all

        for step in run_all(
            sources, work or out.with_name(f"{out.name}.work"), out, spread, max_side, parser
        ):
            report(step.faults)
            typer.echo(f"{step.name:15} {step.seconds:8.1f} s  {step.text}")
        return
    if sources or work is not None:
        raise DeoccludeError(
            "--coco, --lspet, --ccp, --photos and --work go with --auto; add it, or give WORK alone"
        )
    if given is None:
        raise DeoccludeError("no workspace given; give WORK, or --auto with --coco, --lspet, --ccp, --photos")
    from deocclude.ahp.build.chain import described, with_manifest
    from deocclude.ahp.build.run import build as run

    summary = run(given, out, spread, coco=occluders, decisions=decisions, max_side=max_side)
    report(summary.faults)
    typer.echo(described(summary))
    typer.echo(f"{with_manifest(out, spread.workers)[0]} in {out}")
