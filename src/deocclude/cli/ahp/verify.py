"""`deocclude ahp verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A data set with its manifest.json.")],
    write: Annotated[
        bool, typer.Option("--write", help="Write DIR/manifest.json from what is there.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Threads; all cores if not given.")] = os.cpu_count()
    or 1,
) -> None:
    """Compare every file with the manifest; name what is missing, extra or changed, and exit with 1 then."""
    from deocclude.ahp import manifest

    if write:
        entries = manifest.write_manifest(folder, workers)
        size = sum(entry.size for entry in entries.values())
        typer.echo(f"{len(entries)} files, {size} bytes in {folder / manifest.MANIFEST}")
        return
    differences = 0
    for difference in manifest.verify(folder, workers):
        differences += 1
        typer.echo(str(difference))
    if differences:
        typer.echo(f"{differences} differences from {folder / manifest.MANIFEST}", err=True)
        raise typer.Exit(1)
    typer.echo(f"every file is as in {folder / manifest.MANIFEST}")
