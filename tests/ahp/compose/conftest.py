from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_compose import Compose, Room

from deocclude.ahp import layout
from deocclude.ahp.compose.library import Library
from deocclude.ahp.sample import Occluder, WholePerson

CATEGORIES = ("chair", "chair", "train", "spoon", "thingummy")


@pytest.fixture(scope="session")
def folder(
    tmp_path_factory: pytest.TempPathFactory, figures: list[WholePerson], objects: list[Occluder]
) -> Path:
    """Six people and five cut-outs of val."""
    root = tmp_path_factory.mktemp("ahp")
    for person in figures[:6]:
        layout.write_person(root, person)
    layout.write_ids(root, "val", [person.id for person in figures[:6]])
    for number, (category, thing) in enumerate(zip(CATEGORIES, objects, strict=True)):
        named = Occluder(f"coco-{category}-{number}", category, thing.image, thing.mask)
        layout.write_occluder(root, "val", named)
    return root


@pytest.fixture(scope="session")
def library(folder: Path) -> Library:
    return Library(folder, "val")


@pytest.fixture
def room(library: Library, tmp_path: Path) -> Room:
    return Room(library, tmp_path / "work")


@pytest.fixture
def make_compose(library: Library, tmp_path: Path) -> Iterator[Callable[..., Compose]]:
    running: list[Compose] = []

    def make(**settings: int) -> Compose:
        running.append(Compose(library, tmp_path / "work", **settings))
        return running[-1]

    yield make
    for one in running:
        one.stop()
