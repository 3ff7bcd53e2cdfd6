from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from awkward_people import Masks, api_encode, awkward_masks, write_photo


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """The awkward people as a `coco` data set made by the COCO API and json alone."""
    folder = tmp_path / "given"
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, ((height, width), people)) in enumerate(awkward_masks().items(), 1):
        write_photo(folder / "photos" / name, height, width, number)
        images.append({"id": 100 * number, "file_name": name, "height": height, "width": width, "license": 3})
        for category, modal, amodal in people:
            annotations.append(
                {
                    "id": 7 * len(annotations) + 11,
                    "image_id": 100 * number,
                    "category_id": 1 if category == "person" else 4,
                    "segmentation": api_encode(modal),
                    "amodal_segmentation": api_encode(amodal),
                    "score": 0.25,
                }
            )
    categories = [{"id": 1, "name": "person", "supercategory": "life"}, {"id": 4, "name": "cyclist"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def same_masks() -> Callable[[Masks, Masks], None]:
    def check(first: Masks, second: Masks) -> None:
        assert list(first) == list(second)
        for key, masks in first.items():
            for one, other in zip(masks, second[key], strict=True):
                assert np.array_equal(one, other), key

    return check
