"""A handful of people with awkward masks, in photos of odd sizes with awkward names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as api

JSON_FORMATS = ("coco", "cocoa", "cocoa-cls", "d2sa", "kins", "kins2020")

Masks = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def api_decode(runs: dict[str, Any]) -> np.ndarray:
    return api.decode(runs).astype(bool)


def api_fill(polygons: list[list[float]], height: int, width: int) -> np.ndarray:
    """By the COCO API alone."""
    if not polygons:
        return np.zeros((height, width), bool)
    return api.decode(api.merge(api.frPyObjects(polygons, height, width))).astype(bool)


def api_encode(mask: np.ndarray) -> dict[str, Any]:
    runs = api.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


def awkward_masks() -> dict[str, tuple[tuple[int, int], list[tuple[str, np.ndarray, np.ndarray]]]]:
    """By photo: its (height, width) and, per person, category, modal, amodal."""
    rng = np.random.default_rng(5)

    def empty() -> np.ndarray:
        return np.zeros((23, 37), bool)

    ring = empty()
    ring[3:20, 5:30] = True
    ring[7:12, 9:14] = False
    ring[14:16, 20:25] = False
    ring_seen = ring.copy()
    ring_seen[:, 17:] = False
    parts = empty()
    parts[0:4, 0:4] = parts[4:8, 4:8] = parts[20:23, 33:37] = True
    parts_seen = parts.copy()
    parts_seen[1, 1] = False
    pixel = empty()
    pixel[22, 36] = True
    gone = empty()
    gone[5:9, 2:31] = True
    lonely = np.zeros((31, 17), bool)
    lonely[4:29, 3:12] = True
    noise = rng.random((19, 41)) < 0.4
    return {
        "straße/été 1.jpg": (
            (23, 37),
            [
                ("person", ring_seen, ring),
                ("person", parts_seen, parts),
                ("cyclist", pixel, pixel),
                ("person", empty(), gone),
            ],
        ),
        "plain.png": ((31, 17), [("person", lonely, lonely)]),
        "人.PNG": ((19, 41), [("person", noise & (rng.random((19, 41)) < 0.5), noise)]),
    }


def write_photo(path: Path, height: int, width: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def load(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "annotations.json").read_text(encoding="utf-8"))


def masks_of_coco(folder: Path) -> Masks:
    """(photo, ID or number) -> modal, amodal, decoded by the COCO API."""
    content = load(folder)
    names = {image["id"]: image["file_name"] for image in content["images"]}
    return {
        (names[one["image_id"]], one.get("deocclude", {}).get("id", f"coco-{one['image_id']}-{one['id']}")): (
            api_decode(one["segmentation"]),
            api_decode(one["amodal_segmentation"]),
        )
        for one in content["annotations"]
    }
