"""`deocclude weights`: the model files that the package does not carry itself."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Fetch and list model weights.")


@app.callback()
def group() -> None:
    """Fetch and list model weights."""


@app.command()
def fetch() -> None:
    """Put the BlazePose models that find people into the cache folder (once; 36 MB download)."""
    from deocclude.people.model_files import fetch

    for name, path in fetch(say=typer.echo).items():
        typer.echo(f"{name}: {path}")


@app.command(name="list")
def list_() -> None:
    """List the weights inside the package: model, stage, file, size, sha256, licence."""
    from deocclude.weights.store import read_manifest

    manifest = read_manifest()
    if not manifest:
        typer.echo("no weights in this package")
    for model, stages in sorted(manifest.items()):
        for stage, entry in sorted(stages.items()):
            size = f"{entry['bytes'] / 1e6:.1f} MB"
            typer.echo("  ".join([model, stage, entry["file"], size, entry["sha256"], entry["licence"]]))
