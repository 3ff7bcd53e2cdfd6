from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from deocclude.ahp import layout
from deocclude.ahp.sample import Occluder, WholePerson


def _textured(rng: np.random.Generator, shape: tuple[int, int], colour: np.ndarray) -> np.ndarray:
    noise = rng.normal(0, 12, (*shape, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


def draw_figure(number: int = 0, height: int = 151, width: int = 97, source: str = "ccp") -> WholePerson:
    """A standing figure of ellipses and limbs with labelled parts and a carried bag."""
    rng = np.random.default_rng([7, number])
    parsing = np.zeros((height, width), np.uint8)
    centre = width // 2 + int(rng.integers(-5, 6))

    def limb(label: int, start: tuple[float, float], end: tuple[float, float], thickness: float) -> None:
        first, last = ((round(centre + x * height), round(y * height)) for x, y in (start, end))
        cv2.line(parsing, first, last, label, max(2, round(thickness * height)))

    spread = float(rng.uniform(0.03, 0.1))
    limb(16, (0.04, 0.55), (0.04 + spread, 0.9), 0.08)
    limb(17, (-0.04, 0.55), (-0.04 - spread, 0.9), 0.08)
    limb(14, (0.08, 0.27), (0.13 + spread, 0.5), 0.05)
    limb(15, (-0.08, 0.27), (-0.13 - spread, 0.5), 0.05)
    limb(5, (0, 0.28), (0, 0.52), 0.16)
    cv2.circle(parsing, (centre, round(0.16 * height)), round(0.08 * height), 13, -1)
    amodal = parsing > 0
    photo = _textured(rng, (height, width), rng.uniform(60, 200, 3))
    for label in np.unique(parsing[amodal]):
        photo[parsing == label] = _textured(rng, (height, width), rng.uniform(0, 255, 3))[parsing == label]
    unknown = np.zeros_like(amodal)
    unknown[round(0.5 * height) : round(0.6 * height), 5:12] = True
    unknown &= ~amodal
    if source != "ccp":
        parsing = np.where(amodal, 255, 0).astype(np.uint8)
    return WholePerson(f"{source}-{number:03d}", source, photo, amodal, parsing, unknown)


def draw_object(number: int = 0, height: int = 61, width: int = 83) -> Occluder:
    rng = np.random.default_rng([8, number])
    mask = np.zeros((height, width), np.uint8)
    axes = round(0.45 * width), round(0.45 * height)
    cv2.ellipse(mask, (width // 2, height // 2), axes, float(rng.uniform(0, 20)), 0, 360, 1, -1)
    image = _textured(rng, (height, width), rng.uniform(0, 255, 3))
    return Occluder(f"coco-big_ball-{number}", "big ball", image, mask > 0)


@pytest.fixture(scope="session")
def figures() -> list[WholePerson]:
    sources = ("ccp", "lspet")
    return [draw_figure(i, 151 + 2 * i, 97 + 3 * i, sources[i % 2]) for i in range(8)]


@pytest.fixture(scope="session")
def objects() -> list[Occluder]:
    return [draw_object(i, 61 + 4 * i, 83 - 5 * i) for i in range(5)]


@pytest.fixture(scope="session")
def ahp_folder(tmp_path_factory: pytest.TempPathFactory, figures: list, objects: list) -> Path:
    """Four people and five cut-outs in each split."""
    root = tmp_path_factory.mktemp("ahp")
    for person in figures:
        layout.write_person(root, person)
    for split, people in (("train", figures[:4]), ("val", figures[4:])):
        layout.write_ids(root, split, [person.id for person in people])
        for occluder in objects:
            layout.write_occluder(root, split, occluder)
    return root


@pytest.fixture
def write_coco(tmp_path):
    """Writes a folder of COCO: noise of the given (height, width) in 0.jpg, 1.jpg, ..., and annotations."""

    def write(sizes, annotations):
        folder = tmp_path / "coco"
        (folder / "images").mkdir(parents=True)
        (folder / "annotations").mkdir()
        rng = np.random.default_rng(0)
        images = []
        for number, (height, width) in enumerate(sizes):
            photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / "images" / f"{number}.jpg"), photo)
            images.append({"id": number, "file_name": f"{number}.jpg", "height": height, "width": width})
        names = {1: "person", 37: "sports ball", 62: "chair"}
        categories = [{"id": number, "name": name} for number, name in names.items()]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations" / "instances.json").write_text(json.dumps(content))
        return folder

    return write
