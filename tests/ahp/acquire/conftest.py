from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deocclude.ahp.acquire import Dropped, Source, candidates
from deocclude.ahp.candidate import Candidate


@pytest.fixture
def photo() -> Callable[..., Path]:
    """Writes a JPEG of that size; a file with the EXIF orientation, if one is given."""

    def write(path: Path, height: int = 61, width: int = 83, orientation: int | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.full((height, width, 3), 120, np.uint8))
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        image.save(path, exif=exif)
        return path

    return write


@pytest.fixture
def indexed() -> Callable[[Path, np.ndarray], Path]:
    """Writes a palette PNG whose indices are the array."""

    def write(path: Path, labels: np.ndarray) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(labels.astype(np.uint8), mode="P")
        image.putpalette([(7 * value) % 256 for value in range(768)])
        image.save(path)
        return path

    return write


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Source], tuple[dict[str, Candidate], list[Dropped]]]:
    """Everybody in a source: candidates by id, and what was dropped."""

    def everybody(source: Source) -> tuple[dict[str, Candidate], list[Dropped]]:
        found = list(candidates(source, tmp_path / "scratch"))
        kept = [one for one in found if isinstance(one, Candidate)]
        assert len({one.id for one in kept}) == len(kept)
        return {one.id: one for one in kept}, [one for one in found if isinstance(one, Dropped)]

    return everybody


@pytest.fixture
def coco_json() -> Callable[..., Path]:
    """Writes COCO JSON with person as category 1 and dog as category 18, categories last as COCO has them."""

    def write(path: Path, images: list[Any], annotations: list[Any], **more: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        categories = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}]
        content = {"info": {"a": [1, {"b": "]}"}]}, "images": images, "annotations": annotations}
        path.write_text(json.dumps(content | {"categories": categories} | more))
        return path

    return write


@pytest.fixture
def kneeling() -> list[float]:
    """A polygon with whole-pixel edges: an L of 10 x 30 and 20 x 10 pixels, at (21, 12)."""
    return [21, 12, 31, 12, 31, 32, 51, 32, 51, 42, 21, 42]
