"""COCO-like files, one annotation an object: what plain COCO, COCOA-cls, D2SA and KINS have in common."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.ahp.formats import photos
from deocclude.ahp.formats.json_writer import JsonWriter
from deocclude.ahp.formats.person import AmodalPerson, Fault, Malformed, check_name
from deocclude.ahp.formats.side import KEY, level, read_notes
from deocclude.ahp.formats.source import JsonPlace, Source, reason_of
from deocclude.errors import DeoccludeError

Masks = tuple[np.ndarray, np.ndarray]
"""modal and amodal, bool HxW."""


@dataclass(frozen=True)
class InstanceFormat:
    """One dialect. decode: (annotation, height, width) -> masks; encode: the keys that hold them.

    keys: every key that `encode` writes. decode raises Malformed or KeyError where a mask is unfit.
    """

    name: str
    keys: frozenset[str]
    decode: Callable[[dict[str, Any], int, int], Masks]
    encode: Callable[[AmodalPerson], dict[str, Any]]


_COMMON = frozenset({"image_id", "category_id", KEY})


def read_instances(dialect: InstanceFormat, given: Path, photo_folder: Path | None) -> Source:
    """People of a COCO-like file, photo by photo in the file's order.

    Where modal reaches outside amodal (other tools' rounding), amodal is widened. IDs are
    FORMAT-IMAGE-ANNOTATION unless the file was written here. Raises DeoccludeError if the file as a whole is
    malformed; a malformed annotation comes as `Fault`.
    """
    place = JsonPlace.of(given, photo_folder)
    images, annotations, content = place.load()
    categories = _categories(place, content.get("categories", []))
    return Source(_people(dialect, place, images, annotations, categories), len(annotations))


def _categories(place: JsonPlace, records: Any) -> dict[Any, dict[str, Any]]:
    try:
        return {record["id"]: {**record, "name": str(record["name"])} for record in records}
    except (TypeError, KeyError):
        raise DeoccludeError(f"{place.file}: a category without id and name; correct 'categories'") from None


def _people(
    dialect: InstanceFormat,
    place: JsonPlace,
    images: dict[Any, dict[str, Any]],
    annotations: list[Any],
    categories: dict[Any, dict[str, Any]],
) -> Iterator[AmodalPerson | Fault]:
    grouped: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in place.checked(annotations, images):
        if isinstance(annotation, Fault):
            yield annotation
        else:
            grouped[annotation["image_id"]].append(annotation)
    for image_id, image in images.items():
        group = grouped.pop(image_id, [])
        if not group:
            continue
        try:
            name, file, size = find_photo(place, image)
        except (ValueError, TypeError) as error:
            reason = f"image {image_id}: {reason_of(error)}"
            yield from (place.fault("annotation", annotation["id"], reason) for annotation in group)
            continue
        for annotation in group:
            try:
                fields = _fields(dialect, place, annotation, size, categories)
                fields["extra"][dialect.name]["image"] = without(image, "file_name", "height", "width")
                yield AmodalPerson(photo=name, file=file, **fields)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                yield place.fault("annotation", annotation["id"], reason_of(error))


def find_photo(place: JsonPlace, image: dict[str, Any]) -> tuple[str, Path, tuple[int, int]]:
    """Name, file and upright (height, width) of an image record; Malformed if name, file or size is wrong."""
    file = photos.find(place.photos, image.get("file_name"))
    stated = (image["height"], image["width"]) if "height" in image and "width" in image else None
    return check_name(image["file_name"]), file, photos.check_size(file, stated)


def _fields(
    dialect: InstanceFormat,
    place: JsonPlace,
    annotation: dict[str, Any],
    size: tuple[int, int],
    categories: dict[Any, dict[str, Any]],
) -> dict[str, Any]:
    modal, amodal = dialect.decode(annotation, *size)
    fields = side_fields(place, annotation.get(KEY), size)
    category = {"name": "person"}
    if categories:
        if annotation.get("category_id") not in categories:
            raise Malformed(
                f"category {annotation.get('category_id')!r} is not listed; add it to 'categories'"
            )
        category = categories[annotation["category_id"]]
    own = {
        "annotation": without(annotation, *dialect.keys, *_COMMON),
        "category": without(category, "name"),
    }
    fields.setdefault("id", derived_id(dialect.name, annotation["image_id"], annotation["id"]))
    fields["extra"] = {**fields["extra"], dialect.name: own}
    return {**fields, "modal": modal, "amodal": amodal | modal, "category": category["name"]}


def side_fields(place: JsonPlace, notes: Any, size: tuple[int, int]) -> dict[str, Any]:
    """What the `deocclude` record holds, the original photo looked up; `extra` is always there."""
    fields = {"extra": {}, **read_notes(notes, *size)}
    if "original" in fields:
        fields["original"] = photos.find(place.originals, fields["original"])
        photos.check_size(fields["original"], size)
    return fields


def without(record: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The record less some keys."""
    return {key: value for key, value in record.items() if key not in keys}


def derived_id(*parts: Any) -> str:
    """An ID fit for file names, the parts joined by dashes."""
    return "-".join(re.sub(r"[^\w.]", "_", str(part)) for part in parts)


class InstanceWriter:
    """Writes a COCO-like data set; see `json_writer.JsonWriter` for its files."""

    def __init__(self, dialect: InstanceFormat, folder: Path) -> None:
        self._dialect = dialect
        self._json = JsonWriter(folder, dialect.name)
        self.abandon = self._json.abandon
        self.close = self._json.close

    @property
    def photos(self) -> int:
        return self._json.photos

    def add(self, person: AmodalPerson) -> None:
        """One annotation; `iscrowd` is 0 unless the same format said otherwise."""
        kept = level(person, self._dialect.name, "annotation")
        self._json.write(
            {
                "iscrowd": 0,
                **kept,
                "id": self._json.annotation_numbers.take(kept.get("id")),
                "image_id": self._json.image_id(person),
                "category_id": self._json.category_id(person),
                **self._dialect.encode(person),
                KEY: self._json.notes(person),
            }
        )
