"""OpenImages: boxes in CSV files of millions of lines, and mask PNGs where they were fetched."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, first_existing, label_map, photo_size, whole_box
from deocclude.ahp.acquire.csv_rows import Row, read_rows
from deocclude.ahp.acquire.photo_index import PhotoIndex, Record
from deocclude.ahp.candidate import Candidate
from deocclude.crops import Box, box_of
from deocclude.errors import DeoccludeError

PEOPLE = frozenset({"/m/01g317", "/m/04yx4", "/m/03bt1vf", "/m/05r655", "/m/01bl7v"})
"""Person, Man, Woman, Girl, Boy."""

_EDGES = ("XMin", "YMin", "XMax", "YMax")
_FLAGS = {"IsGroupOf": "a crowd", "IsDepiction": "a depiction"}
_COLUMNS = ("ImageID", "LabelName", *_EDGES)
_MASK_COLUMNS = ("MaskPath", "ImageID", "LabelName", *(f"Box{edge}" for edge in _EDGES))
_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SAME_BOX = 0.002
_SAME_SHAPE = 0.02


class OpenImages:
    """`*-annotations-bbox.csv`, here or in `annotations/`; beside it `*-annotations-object-segmentation.csv`.

    Photos: `SPLIT/ID.jpg`, `SPLIT/data/`, `SPLIT_X/` (X: the ID's first letter), `images/SPLIT/`, `images/`.
    Masks: `masks/`, `masks/SPLIT/`, `SPLIT-masks/`, `SPLIT-masks-X/`. Other people are the only other
    instances: most boxes of this set are clothes and faces. IDs: openimages-IMAGE-HASH, of label and box.
    """

    name = "openimages"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.files = sorted(
            path
            for folder in (self.root, self.root / "annotations")
            for path in folder.glob("*annotations-bbox.csv")
        )
        if not self.files:
            raise DeoccludeError(
                f"{root}: no *-annotations-bbox.csv here or in annotations/; add the boxes' CSV"
            )

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        for number, path in enumerate(self.files):
            masks = self._masks(path, scratch)
            rows = self._people(read_rows(path, _COLUMNS))
            for image, group in groupby(rows, key=_image_of):
                if isinstance(image, Dropped):
                    yield image
                    continue
                found = [row for row in group if isinstance(row, Row)]
                payload = (
                    str(path),
                    tuple((row.line, tuple(sorted(row.values.items()))) for row in found),
                    tuple(text for _, text in masks.of_photo(image)) if masks is not None else (),
                )
                yield PhotoEntry(image, payload, (number + found[-1].share) / len(self.files))

    def _people(self, rows: Iterator[Row | str]) -> Iterator[Row | Dropped]:
        for row in rows:
            if isinstance(row, str):
                yield Dropped(self.name, "", "malformed line", row)
            elif row.values["LabelName"] in PEOPLE:
                yield row

    def _masks(self, boxes: Path, scratch: Path) -> PhotoIndex | None:
        """The people's lines of the segmentation CSV that belongs to a CSV of boxes, by image."""
        split = _split_of(boxes)
        for path in sorted(boxes.parent.glob("*annotations-object-segmentation.csv")):
            if _split_of(path) == split:
                return PhotoIndex.of([path], scratch, partial(_mask_records, path))
        return None

    def read(self, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
        file, rows, mask_lines = entry.payload
        path = Path(file)
        people = [(line, dict(values)) for line, values in rows]
        try:
            if not _IMAGE_ID.fullmatch(entry.key):
                raise Unfit("path leaves the data set", f"{path}: line {people[0][0]}: {entry.key[:80]!r}")
            split = _split_of(path)
            photo = first_existing(
                [folder / f"{entry.key}.jpg" for folder in self._folders(split, entry.key)]
            )
            height, width = photo_size(photo)
        except Unfit as fault:
            for _, values in people:
                yield Dropped(self.name, self._id(values), fault.reason, fault.where)
            return
        masks = [line.split("\t") for line in mask_lines]
        boxes = [_box(values, height, width, f"{path}: line {line}") for line, values in people]
        for index, ((line, values), box) in enumerate(zip(people, boxes, strict=True)):
            try:
                if isinstance(box, Unfit):
                    raise box
                for flag, reason in _FLAGS.items():
                    if values.get(flag) == "1":
                        raise Unfit(reason, f"{path}: line {line}")
                mask = self._mask(split, values, masks, height, width)
            except Unfit as fault:
                yield Dropped(self.name, self._id(values), fault.reason, fault.where)
                continue
            yield Candidate(
                id=self._id(values),
                source=self.name,
                photo=photo,
                height=height,
                width=width,
                box=box if mask is None else box_of(mask) or box,
                mask=mask,
                others=tuple(b for i, b in enumerate(boxes) if i != index and not isinstance(b, Unfit)),
            )

    def _id(self, values: dict[str, str]) -> str:
        what = "\t".join(values[column] for column in ("LabelName", *_EDGES))
        image = values["ImageID"] if _IMAGE_ID.fullmatch(values["ImageID"]) else "unsafe"
        return f"{self.name}-{image}-{hashlib.sha256(what.encode()).hexdigest()[:10]}"

    def _folders(self, split: str, image: str) -> list[Path]:
        names = [split, f"{split}/data", f"{split}_{image[0]}", f"images/{split}", "images", "data", ""]
        return [self.root / name for name in names]

    def _mask(
        self, split: str, values: dict[str, str], masks: list[list[str]], height: int, width: int
    ) -> np.ndarray | None:
        """bool HxW of the person's mask file, None if there is none: not every box has one."""
        name = _closest(values, masks)
        if name is None:
            return None
        places = [
            "masks", f"masks/{split}", f"{split}-masks", f"{split}-masks-{name[0]}",
            f"masks/{name[0].upper()}", f"{split}/labels/masks/{name[0].upper()}",
        ]  # fmt: skip
        try:
            path = first_existing([self.root / place / name for place in places])
        except Unfit:
            return None
        mask = label_map(path, None) > 0
        if abs(mask.shape[0] * width - mask.shape[1] * height) > _SAME_SHAPE * mask.shape[0] * width:
            raise Unfit(
                "mask of another size", f"{path}: {mask.shape[1]}x{mask.shape[0]}, the photo {width}x{height}"
            )
        if mask.shape != (height, width):
            nearest = cv2.INTER_NEAREST_EXACT
            mask = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=nearest) > 0
        if not mask.any():
            raise Unfit("empty mask", str(path))
        return mask


def _image_of(row: Row | Dropped) -> Any:
    return row if isinstance(row, Dropped) else row.values["ImageID"]


def _split_of(path: Path) -> str:
    found = re.search(r"train|validation|test", path.name)
    return found.group() if found else ""


def _box(values: dict[str, str], height: int, width: int, where: str) -> Box | Unfit:
    try:
        left, top, right, bottom = (float(values[edge]) for edge in _EDGES)
        return whole_box((left * width, top * height, right * width, bottom * height), height, width, where)
    except ValueError:
        return Unfit("malformed box", where)
    except Unfit as fault:
        return fault


def _closest(values: dict[str, str], masks: list[list[str]]) -> str | None:
    """The mask file that was drawn for the same label and box."""
    edges = np.array([float(values[edge]) for edge in _EDGES])
    best, best_name = _SAME_BOX, None
    for name, label, *box in masks:
        gap = float(np.abs(np.array(box, dtype=np.float64) - edges).max())
        if label == values["LabelName"] and gap < best:
            best, best_name = gap, name
    return best_name


def _mask_records(path: Path) -> Iterator[Record]:
    for row in read_rows(path, _MASK_COLUMNS):
        if isinstance(row, str) or row.values["LabelName"] not in PEOPLE:
            continue
        name, image, label, *edges = (row.values[column] for column in _MASK_COLUMNS)
        if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) and _numbers(edges):
            yield image, "mask", "\t".join((name, label, *edges))


def _numbers(texts: list[str]) -> bool:
    try:
        return all(np.isfinite(float(text)) for text in texts)
    except ValueError:
        return False
