"""People of COCO JSON files: polygons, compressed and uncompressed run lengths."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from pycocotools import mask as run_lengths

from deocclude.errors import DeoccludeError


class CocoPeople:
    """Instances of a COCO JSON file with `images` and `annotations`.

    Only the category `person` counts if there is one, else every category; crowds (`iscrowd`) never count.
    Raises DeoccludeError if the file is not such JSON.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            self._images: list[dict[str, Any]] = [dict(image) for image in content["images"]]
            self._annotations: list[dict[str, Any]] = [dict(one) for one in content["annotations"]]
            categories = content.get("categories", [])
            self._person = {one["id"] for one in categories if one["name"] == "person"}
        except OSError as error:
            raise DeoccludeError(f"{file}: {error.strerror}; check the file") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeoccludeError(
                f"{file}: not COCO JSON with images and annotations; export it again"
            ) from error

    def masks(self, photo: Path | None, height: int, width: int) -> list[np.ndarray]:
        """bool height x width masks, none empty, of the people in the photo whose `file_name` it is.

        photo None: the only image of the file. Raises DeoccludeError if the photo is not listed, or listed
        twice, if it or a mask has another size there, or if a mask cannot be read.
        """
        image = self._image(photo)
        self._check_size(image.get("height", height), image.get("width", width), photo, height, width)
        masks = []
        for annotation in self._annotations:
            if annotation.get("image_id") != image.get("id") or annotation.get("iscrowd"):
                continue
            if self._person and annotation.get("category_id") not in self._person:
                continue
            mask = self._decode(annotation, photo, height, width)
            if mask.any():
                masks.append(mask)
        return masks

    def _image(self, photo: Path | None) -> dict[str, Any]:
        found = self._images
        if photo is not None:
            named = [(image, PurePath(str(image.get("file_name", "")))) for image in self._images]
            found = [image for image, name in named if name.name == photo.name]
            if len(found) > 1:
                parts = photo.parts
                found = [image for image, name in named if parts[-len(name.parts) :] == name.parts] or found
        if len(found) != 1:
            wanted = f"file_name {photo.name}" if photo else "a single image"
            raise DeoccludeError(f"{self._file}: {len(found)} images match {wanted}; name each photo once")
        return found[0]

    def _decode(self, annotation: dict[str, Any], photo: Path | None, height: int, width: int) -> np.ndarray:
        shape = annotation.get("segmentation")
        if shape == []:
            return np.zeros((height, width), dtype=bool)
        try:
            if isinstance(shape, dict):
                rows, columns = shape["size"]
                self._check_size(rows, columns, photo, height, width)
            packed = isinstance(shape, dict) and isinstance(shape["counts"], str | bytes)
            encoded = shape if packed else run_lengths.frPyObjects(shape, height, width)
            if isinstance(encoded, list):
                encoded = run_lengths.merge(encoded)
            return run_lengths.decode(encoded).astype(bool)
        except DeoccludeError:
            raise
        except Exception as error:  # pycocotools raises bare Exception for input of a wrong kind
            number = annotation.get("id", "?")
            raise DeoccludeError(
                f"{self._file}: annotation {number} is damaged ({error}); export it again"
            ) from error

    def _check_size(
        self, listed_height: int, listed_width: int, photo: Path | None, height: int, width: int
    ) -> None:
        if (listed_height, listed_width) != (height, width):
            raise DeoccludeError(
                f"{self._file} is for {listed_width}x{listed_height} but {photo or 'the photo'} is "
                f"{width}x{height} (upright); make the masks for the photo's own size"
            )
