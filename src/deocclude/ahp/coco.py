"""COCO 2017 instances: clean cut-outs to paste, people as far as they are seen, and photos without people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.ahp.acquire.checks import Unfit, fit_id, relative
from deocclude.ahp.acquire.segmentation import EMPTY, mask_of
from deocclude.ahp.reader import load_rgb, touches_border
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED

_LEAST_BOX = 95
_LEAST_OCCLUDER = 100
_LEAST_PERSON = 96
_BORDER = 3
_LEAST_FILL = 0.25
_UNFIT_OCCLUDERS = {"dining table", "bed", "couch"}
"""Their polygons include what stands on them."""


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


def _mask(annotation: dict[str, Any], height: int, width: int, job: str) -> np.ndarray:
    """bool HxW, perhaps empty. Raises Unfit if it is malformed."""
    try:
        mask = mask_of(annotation["segmentation"], height, width, f"{job}: annotation {annotation.get('id')}")
    except Unfit as fault:
        if fault.reason != EMPTY:
            raise
        mask = None
    return np.zeros((height, width), dtype=bool) if mask is None else mask


@dataclass(frozen=True)
class Rejected:
    """An instance that is no clean cut-out, and why."""

    id: str
    reason: str


class CocoReader:
    """`ROOT/images/*.jpg`, `ROOT/annotations/instances.json`.

    A cut-out is one polygon, clear of the border, at least 100 px long, and not covered by others.
    """

    name = "coco"

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _instances(self) -> dict[str, Any]:
        return _load_json(self.root / "annotations" / "instances.json")

    @cached_property
    def _images(self) -> dict[str, dict[str, Any]]:
        images = self._instances["images"]
        return {image["file_name"]: image for image in images if isinstance(image.get("file_name"), str)}

    @cached_property
    def _categories(self) -> dict[int, str]:
        return {category["id"]: category["name"] for category in self._instances["categories"]}

    @cached_property
    def _annotations(self) -> dict[int, list[dict[str, Any]]]:
        grouped = defaultdict(list)
        for annotation in self._instances["annotations"]:
            grouped[annotation.get("image_id")].append(annotation)
        return grouped

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

    def photo_path(self, job: str) -> Path:
        """The image's file. Raises Unfit for a file name that leads out of the folder."""
        return self.root / "images" / relative(job, str(self.root / "annotations" / "instances.json"))

    def cut_outs(self, job: str) -> Iterator[Occluder | Rejected]:
        """The occluders of one image; small and crowd instances are passed over.

        Raises Unfit or DeoccludeError if the image cannot be used; a malformed annotation raises whatever it
        comes to.
        """
        image = self._images[job]
        annotations = self._annotations[image["id"]]
        scene: tuple[np.ndarray, list[np.ndarray]] | None = None
        for index, annotation in enumerate(annotations):
            if annotation.get("iscrowd") or max(annotation["bbox"][2:]) < _LEAST_BOX:
                continue
            photo, masks = scene = scene or self._scene(job)
            others = np.zeros_like(masks[index])
            for other, mask in enumerate(masks):
                if other != index:
                    others |= mask
            category = self._categories[annotation["category_id"]]
            identity = f"{image['id']:012d}-{annotation['id']}"
            yield self._occluder(identity, category, annotation, photo, masks[index], others)

    def seen_people(self, job: str) -> list[WholePerson]:
        """The people of one image at least 96 px long, not complete: `amodal` is what is seen of them.

        Body parts are unlabelled; crowds, in which nobody has a mask, are unknown. Raises as `cut_outs` does.
        """
        image = self._images[job]
        people = [
            annotation
            for annotation in self._annotations[image["id"]]
            if self._categories[annotation["category_id"]] == "person"
        ]
        if not any(not one.get("iscrowd") and max(one["bbox"][2:]) >= _LEAST_PERSON for one in people):
            return []
        photo, masks = self._scene(job)
        by_id = {one["id"]: mask for one, mask in zip(self._annotations[image["id"]], masks, strict=True)}
        crowds = np.zeros(photo.shape[:2], dtype=bool)
        for one in people:
            if one.get("iscrowd"):
                crowds |= by_id[one["id"]]
        found = []
        for one in people:
            seen = by_id[one["id"]]
            box = box_of(seen)
            if one.get("iscrowd") or box is None or max(box[2] - box[0], box[3] - box[1]) < _LEAST_PERSON:
                continue
            number = f"{image['id']:012d}-{one['id']}"
            identity = f"{self.name}-{fit_id(number)}"
            parsing = np.where(seen, np.uint8(UNLABELLED), np.uint8(0))
            found.append(
                WholePerson(identity, self.name, photo, seen, parsing, crowds & ~seen, complete=False)
            )
        return found

    def _scene(self, job: str) -> tuple[np.ndarray, list[np.ndarray]]:
        """The photo, and the mask of each of its annotations."""
        image = self._images[job]
        photo = load_rgb(self.photo_path(job))
        height, width = photo.shape[:2]
        if (height, width) != (image["height"], image["width"]):
            raise DeoccludeError(
                f"{self.root / 'images' / job}: {width}x{height}, but the annotations say "
                f"{image['width']}x{image['height']}; fetch the image again"
            )
        return photo, [_mask(other, height, width, job) for other in self._annotations[image["id"]]]

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
            return Rejected(identity, reason or "too small")
        left, top, right, bottom = box
        return Occluder(
            identity, category, photo[top:bottom, left:right].copy(), mask[top:bottom, left:right].copy()
        )


@lru_cache(maxsize=1)
def coco_reader(root: Path) -> CocoReader:
    """The reader of a folder, one for all its photos in a process: it keeps the annotations."""
    return CocoReader(root)
