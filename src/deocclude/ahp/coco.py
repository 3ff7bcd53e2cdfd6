"""COCO 2017 instances: clean cut-outs to paste, and whole people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from deocclude.ahp.reader import Rejected, dilate, largest_component, load_rgb, touches_border
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED

_LEAST_OCCLUDER = 100
_LEAST_PERSON = 95
_BORDER = 3
_TOUCH = 5
_MOST_COVERED = 0.03
_LEAST_FILL = 0.25
_UNFIT_OCCLUDERS = {"dining table", "bed", "couch"}
"""Their polygons include what stands on them."""


def decode(segmentation: Any, height: int, width: int) -> np.ndarray:
    """bool HxW of a COCO `segmentation` (polygons, RLE, compressed RLE)."""
    if isinstance(segmentation, list):
        runs = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = rle.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return rle.decode(runs).astype(bool)


def _load_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
        content["images"], content["annotations"]
    except FileNotFoundError:
        raise DeoccludeError(
            f"{path}: no such file; point to the folder that holds images/ and annotations/"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DeoccludeError(
            f"{path}: not COCO annotations ({type(error).__name__}: {error}); fetch the file again"
        ) from None
    return content


class CocoReader:
    """`ROOT/images/*.jpg`, `ROOT/annotations/instances.json`, optionally `person_keypoints.json`.

    An occluder is one polygon, clear of the border, at least 100 px long, and not covered by others. A whole
    person is at least 95 px tall, clear of the border and of the other instances, with all 13 joints from
    shoulders to ankles and the head visible; parsing is unlabelled.
    """

    name = "coco"

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _instances(self) -> dict[str, Any]:
        return _load_json(self.root / "annotations" / "instances.json")

    @cached_property
    def _images(self) -> dict[str, dict[str, Any]]:
        return {image["file_name"]: image for image in self._instances["images"]}

    @cached_property
    def _categories(self) -> dict[int, str]:
        return {category["id"]: category["name"] for category in self._instances["categories"]}

    @cached_property
    def _annotations(self) -> dict[int, list[dict[str, Any]]]:
        grouped = defaultdict(list)
        for annotation in self._instances["annotations"]:
            grouped[annotation["image_id"]].append(annotation)
        return grouped

    @cached_property
    def _joints_visible(self) -> dict[int, bool]:
        path = self.root / "annotations" / "person_keypoints.json"
        if not path.exists():
            return {}
        visible = {}
        for annotation in _load_json(path)["annotations"]:
            flags = np.array(annotation["keypoints"]).reshape(-1, 3)[:, 2]
            visible[annotation["id"]] = bool((flags[5:] == 2).all() and (flags[:5] > 0).any())
        return visible

    def jobs(self) -> list[str]:
        """File names of the images that are there."""
        jobs = sorted(name for name in self._images if (self.root / "images" / name).exists())
        if not jobs:
            raise DeoccludeError(f"{self.root / 'images'}: none of the annotated images is here; add them")
        return jobs

    def shows_people(self, job: str) -> bool:
        """Whether a person, or a crowd of them, is annotated in that image."""
        annotations = self._annotations[self._images[job]["id"]]
        return any(self._categories[annotation["category_id"]] == "person" for annotation in annotations)

    def read(self, job: str) -> Iterator[WholePerson | Occluder | Rejected]:
        """The occluders and whole people of one image; small and crowd instances are passed over."""
        image = self._images[job]
        annotations = self._annotations[image["id"]]
        photo: np.ndarray | None = None
        masks: list[np.ndarray] | None = None
        for index, annotation in enumerate(annotations):
            if annotation.get("iscrowd") or max(annotation["bbox"][2:]) < min(_LEAST_OCCLUDER, _LEAST_PERSON):
                continue
            if photo is None or masks is None:
                photo = load_rgb(self.root / "images" / job)
                height, width = photo.shape[:2]
                if (height, width) != (image["height"], image["width"]):
                    raise DeoccludeError(
                        f"{self.root / 'images' / job}: {width}x{height}, but the annotations say "
                        f"{image['width']}x{image['height']}; fetch the image again"
                    )
                masks = [decode(other["segmentation"], height, width) for other in annotations]
            others = np.zeros_like(masks[index])
            for other, mask in enumerate(masks):
                if other != index:
                    others |= mask
            category = self._categories[annotation["category_id"]]
            identity = f"{image['id']:012d}-{annotation['id']}"
            yield self._occluder(identity, category, annotation, photo, masks[index], others)
            if category == "person":
                yield self._person(identity, annotation, photo, masks[index], others)

    def _occluder(
        self,
        identity: str,
        category: str,
        annotation: dict[str, Any],
        photo: np.ndarray,
        mask: np.ndarray,
        others: np.ndarray,
    ) -> Occluder | Rejected:
        identity = f"{self.name}-{category.replace(' ', '_')}-{identity}"
        box = box_of(mask)
        reason = None
        if category in _UNFIT_OCCLUDERS:
            reason = "a surface with things on it"
        elif box is None or max(box[2] - box[0], box[3] - box[1]) < _LEAST_OCCLUDER:
            reason = "too small"
        elif not isinstance(annotation["segmentation"], list) or len(annotation["segmentation"]) != 1:
            reason = "several polygons"
        elif touches_border(mask, _BORDER):
            reason = "touches the border"
        elif (mask & others).sum() > 0.1 * mask.sum():
            reason = "covered by others"
        elif mask.sum() < _LEAST_FILL * (box[2] - box[0]) * (box[3] - box[1]):
            reason = "too thin"
        if reason is not None or box is None:
            return Rejected(identity, "occluder", reason or "too small")
        left, top, right, bottom = box
        return Occluder(
            identity, category, photo[top:bottom, left:right].copy(), mask[top:bottom, left:right].copy()
        )

    def _person(
        self,
        identity: str,
        annotation: dict[str, Any],
        photo: np.ndarray,
        mask: np.ndarray,
        others: np.ndarray,
    ) -> WholePerson | Rejected:
        identity = f"{self.name}-{identity}"
        box = box_of(mask)
        touching = others & dilate(mask, _TOUCH)
        reason = None
        if box is None or max(box[2] - box[0], box[3] - box[1]) < _LEAST_PERSON:
            reason = "too small"
        elif not self._joints_visible.get(annotation["id"], False):
            reason = "a joint is hidden"
        elif touches_border(mask, _BORDER):
            reason = "touches the border"
        elif touching.sum() > _MOST_COVERED * mask.sum():
            reason = "touched by others"
        elif largest_component(mask)[1] < 0.97:
            reason = "falls into parts"
        if reason is not None:
            return Rejected(identity, "person", reason)
        body = mask & ~others
        parsing = np.where(body, UNLABELLED, 0).astype(np.uint8)
        return WholePerson(identity, self.name, photo, body, parsing, touching)
