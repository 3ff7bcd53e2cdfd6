"""`deocclude demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deocclude.errors import DeoccludeError


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("out/demo"),
    model: Annotated[str, typer.Option(help="lite, paper, or a folder with your own weights.")] = "lite",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Put a cup in front of an astronaut, complete her, and compare with the truth."""
    from deocclude.cli.run import provenance
    from deocclude.demo import compare, make_scene, save_scene
    from deocclude.images import save_png
    from deocclude.output import write
    from deocclude.people import load_source
    from deocclude.pipeline import Deoccluder

    scene = make_scene()
    people = load_source("blazepose")
    deoccluder = Deoccluder.load(model, device=device, people=people)
    print(f"model {model} on {deoccluder.device}", flush=True)
    truth, result = people(scene.original), deoccluder(scene.occluded)
    if not truth or not result.people:
        raise DeoccludeError("the astronaut was not found; run `deocclude weights fetch` anew")
    picture, iou = compare(scene, max(truth, key=lambda person: person.score), result)
    photo = save_scene(scene, out)
    write(result, out / photo.stem, photo_name=photo.name, provenance=provenance(deoccluder))
    save_png(picture, out / "truth.png")
    print("IoU with the truth: " + ", ".join(f"{name} {value:.3f}" for name, value in iou.items()))
    print("The pictures:")
    for path in (photo, out / photo.stem / "overview.png", out / "truth.png"):
        print(f"  {path.resolve()}")
