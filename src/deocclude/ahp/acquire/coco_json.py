"""What COCO, Objects365 and folders with COCO JSON have in common."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import (
    Unfit,
    check_size,
    first_existing,
    fit_id,
    joints_of,
    photo_size,
    relative,
    whole_box,
)
from deocclude.ahp.acquire.json_stream import BrokenJson, array_items
from deocclude.ahp.acquire.photo_index import PhotoIndex, Record
from deocclude.ahp.acquire.segmentation import mask_of
from deocclude.ahp.candidate import Candidate
from deocclude.crops import Box, box_of
from deocclude.errors import DeoccludeError

_OF_THE_FILE = ""
_CATEGORY, _FAULT, _IMAGE, _JOINTS = "category", "fault", "image", "joints"
_ANNOTATION = "annotation "
_JOINT_KEYS = ("id", "image_id", "keypoints")


@dataclass(frozen=True)
class AnnotationFile:
    """A COCO JSON file, and the file of its people's joints, if that is another one."""

    path: Path
    joints: Path | None = None


class CocoJson(ABC):
    """People of COCO JSON files. Each file is read once, as a stream, into an index by photo."""

    name: str

    people: frozenset[str] = frozenset({"person"})
    """Categories that are people, in small letters."""
    worn: frozenset[str] = frozenset()
    """Categories that belong to their wearer: their boxes are nobody else's."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.files()

    @abstractmethod
    def files(self) -> list[AnnotationFile]:
        """The annotations. Raises DeoccludeError if there are none."""

    @abstractmethod
    def photo_paths(self, annotations: Path, name: Path) -> list[Path]:
        """Where the photo of that (safe, relative) file name may be, likeliest first."""

    def identity(self, image: dict[str, Any], number: Any) -> str:
        """The candidate's id without the source's name, of an image record and an annotation's id."""
        image_id = image["id"]
        photo = f"{image_id:012d}" if isinstance(image_id, int) and image_id >= 0 else str(image_id)
        return f"{photo}-{number}"

    def objection(self, annotation: dict[str, Any]) -> str | None:
        """Why this person is none to acquire, by the source's own flags, or None."""
        return "a crowd" if annotation.get("iscrowd") else None

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        files = self.files()
        for number, file in enumerate(files):
            both = [path for path in (file.path, file.joints) if path is not None]
            index = PhotoIndex.of(both, scratch, partial(_records, file))
            yield from self._listed(file.path, index, number, len(files))

    def _listed(
        self, path: Path, index: PhotoIndex, number: int, files: int
    ) -> Iterator[PhotoEntry | Dropped]:
        of_the_file = index.of_photo(_OF_THE_FILE)
        for kind, text in of_the_file:
            if kind == _FAULT:
                reason, _, where = text.partition("\t")
                yield Dropped(self.name, "", reason, where)
        try:
            people, worn = self._kinds(path, of_the_file)
        except Unfit as fault:
            yield Dropped(self.name, "", fault.reason, fault.where)
            return
        total = max(1, index.photos())
        for done, (key, records) in enumerate(index, 1):
            annotated = [kind for kind, _ in records if kind.startswith(_ANNOTATION)]
            if key == _OF_THE_FILE or not any(people is None or kind in people for kind in annotated):
                continue
            marked = tuple(
                (_ANNOTATION if people is None or kind in people else "worn" if kind in worn else kind, text)
                if kind.startswith(_ANNOTATION)
                else (kind, text)
                for kind, text in records
            )
            share = (number + done / total) / files
            yield PhotoEntry(f"{path.stem}-{key}", (str(path), key, marked), share)

    def _kinds(self, path: Path, of_the_file: list[tuple[str, str]]) -> tuple[set[str] | None, set[str]]:
        """Kinds of annotation that are people (None: all are) and those that are worn."""
        names = {}
        for kind, text in of_the_file:
            if kind == _CATEGORY:
                record = json.loads(text)
                names[f"{_ANNOTATION}{record.get('id')}"] = str(record.get("name")).strip().lower()
        if not names:
            self.without_categories(path, broken=any(kind == _FAULT for kind, _ in of_the_file))
            return None, set()
        people = {kind for kind, name in names.items() if name in self.people}
        if not people:
            raise DeoccludeError(
                f"{path}: no category is called {' or '.join(sorted(self.people))}; rename the one of people"
            )
        return people, {kind for kind, name in names.items() if name in self.worn}

    def without_categories(self, path: Path, *, broken: bool) -> None:
        """Refuses a file that says no categories (raises), or does not: then everybody in it is a person."""
        raise DeoccludeError(f"{path}: no categories can be read; fetch the file again")

    def read(self, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
        file, key, records = entry.payload
        path = Path(file)
        images = [json.loads(text) for kind, text in records if kind == _IMAGE]
        joints = {
            record["id"]: record for record in (json.loads(text) for kind, text in records if kind == _JOINTS)
        }
        annotated = [
            (kind == _ANNOTATION, json.loads(text))
            for kind, text in records
            if kind.startswith(_ANNOTATION) and kind != "worn"
        ]
        image = images[0] if images else {"id": key}
        try:
            if not images:
                raise Unfit("no such image", f"{path}: image {key}")
            photo, size = self._photo(path, image)
        except Unfit as fault:
            for is_person, annotation in annotated:
                if is_person:
                    yield self._dropped(image, annotation, fault)
            return
        for _ in images[1:]:
            yield Dropped(self.name, f"{self.name}-{entry.key}", "duplicate id", f"{path}: image {key}")
        boxes = [_box_or_none(annotation, size) for _, annotation in annotated]
        for index, (is_person, annotation) in enumerate(annotated):
            if is_person:
                others = tuple(box for i, box in enumerate(boxes) if box is not None and i != index)
                try:
                    yield self._person(path, image, photo, size, annotation, joints, others)
                except Unfit as fault:
                    yield self._dropped(image, annotation, fault)

    def _photo(self, path: Path, image: dict[str, Any]) -> tuple[Path, tuple[int, int]]:
        name = relative(image.get("file_name"), f"{path}: image {image['id']}")
        photo = first_existing(self.photo_paths(path, Path(name)))
        size = photo_size(photo)
        check_size(photo, size, (image.get("height"), image.get("width")))
        return photo, size

    def _person(
        self,
        path: Path,
        image: dict[str, Any],
        photo: Path,
        size: tuple[int, int],
        annotation: dict[str, Any],
        joints: dict[Any, dict[str, Any]],
        others: tuple[Box, ...],
    ) -> Candidate:
        if annotation.get("id") is None:
            raise Unfit("annotation without id", f"{path}: image {image['id']}")
        where = f"{path}: annotation {annotation['id']}"
        objection = self.objection(annotation)
        if objection is not None:
            raise Unfit(objection, where)
        box = _box(annotation, size, where)
        mask = mask_of(annotation.get("segmentation"), *size, where)
        if mask is not None:
            box = box_of(mask)
        if box is None:
            raise Unfit("neither mask nor box", where)
        flat = joints.get(annotation["id"], annotation).get("keypoints")
        return Candidate(
            id=self._id(image, annotation),
            source=self.name,
            photo=photo,
            height=size[0],
            width=size[1],
            box=box,
            mask=mask,
            joints=None if flat is None else joints_of(flat, where),
            others=others,
        )

    def _id(self, image: dict[str, Any], annotation: dict[str, Any]) -> str:
        return f"{self.name}-{fit_id(self.identity(image, annotation.get('id')))}"

    def _dropped(self, image: dict[str, Any], annotation: dict[str, Any], fault: Unfit) -> Dropped:
        return Dropped(self.name, self._id(image, annotation), fault.reason, fault.where)


def _box(annotation: dict[str, Any], size: tuple[int, int], where: str) -> Box | None:
    bbox = annotation.get("bbox")
    if bbox is None:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(isinstance(n, int | float) for n in bbox):
        raise Unfit("malformed box", f"{where}: {bbox!r:.100}")
    left, top, width, height = bbox
    return whole_box((left, top, left + width, top + height), *size, where)


def _box_or_none(annotation: dict[str, Any], size: tuple[int, int]) -> Box | None:
    try:
        return _box(annotation, size, "")
    except Unfit:
        return None


def _records(file: AnnotationFile) -> Iterator[Record]:
    """The index of an annotation file; records that no photo can have belong to the file itself."""
    yield from _records_of(file.path, {"images", "annotations", "categories"})
    if file.joints is not None:
        yield from _records_of(file.joints, {"annotations"}, joints=True)


def _records_of(path: Path, keys: set[str], *, joints: bool = False) -> Iterator[Record]:
    count = 0
    try:
        for key, item in array_items(path, keys):
            count += 1
            photo = item.get("id" if key == "images" else "image_id") if isinstance(item, dict) else None
            if key == "categories" and isinstance(item, dict):
                yield _OF_THE_FILE, _CATEGORY, json.dumps(item)
            elif photo is None or isinstance(photo, dict | list) or photo == _OF_THE_FILE:
                yield (
                    _OF_THE_FILE,
                    _FAULT,
                    f"malformed annotation\t{path}: item {count}, of {key}, has no image",
                )
            elif joints:
                yield str(photo), _JOINTS, json.dumps({name: item.get(name) for name in _JOINT_KEYS})
            elif key == "images":
                yield str(photo), _IMAGE, json.dumps(item)
            else:
                yield str(photo), f"{_ANNOTATION}{item.get('category_id')}", json.dumps(item)
    except BrokenJson as fault:
        yield _OF_THE_FILE, _FAULT, f"broken JSON\t{path}: {fault}; {count} items before it are read"
    except OSError as error:
        raise DeoccludeError(f"{path}: {error.strerror}; check the file") from None
