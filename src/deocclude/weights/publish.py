"""Put exported weights into the package: `python -m deocclude.weights.publish masks FILE --data "..."`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError
from deocclude.weights import store


def publish(
    source: Path,
    stage: store.Stage,
    model: str,
    *,
    licence: str,
    data: str,
    metrics: dict[str, Any],
    folder: Path = store.FOLDER,
) -> Path:
    """Copy an exported file to `folder/MODEL-STAGE.safetensors` and enter it in the manifest.

    The file comes first and the manifest last, both atomically; between the two, loading the model refuses.
    Raises DeoccludeError for a name that is no model and for a file that does not load.
    """
    if model not in store.MODELS:
        raise DeoccludeError(f"unknown model '{model}': choose {', '.join(store.MODELS)}")
    store.load_file(stage, source)
    target = folder / f"{model}-{stage}.safetensors"
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
    manifest = store.read_manifest(folder)
    manifest.setdefault(model, {})[stage] = {
        "file": target.name,
        "sha256": store.digest(target),
        "bytes": target.stat().st_size,
        "licence": licence,
        "data": data,
        "metrics": metrics,
    }
    with replacing(folder / store.MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return target


def _command(
    stage: Annotated[str, typer.Argument(help="masks or content")],
    source: Annotated[Path, typer.Argument(help="what `deocclude train export` wrote")],
    data: Annotated[str, typer.Option(help="what it was trained on")],
    model: Annotated[str, typer.Option(help="the name it is loaded by")] = "lite",
    licence: Annotated[str, typer.Option(help="licence of the weights")] = "Apache-2.0",
    metrics: Annotated[Path | None, typer.Option(help="JSON file of its metrics")] = None,
) -> None:
    if stage not in ("masks", "content"):
        raise DeoccludeError(f"unknown stage '{stage}': choose masks or content")
    measured = json.loads(metrics.read_text()) if metrics else {}
    kind: store.Stage = "masks" if stage == "masks" else "content"
    print(publish(source, kind, model, licence=licence, data=data, metrics=measured))


if __name__ == "__main__":
    try:
        typer.run(_command)
    except DeoccludeError as error:
        sys.exit(f"error: {error}")
