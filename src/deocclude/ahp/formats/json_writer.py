"""JSON data sets written as they come: annotations stream into the file, photos are copied beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from deocclude.ahp.formats.person import AmodalPerson
from deocclude.ahp.formats.photos import PhotoFolder
from deocclude.ahp.formats.side import level, notes_of
from deocclude.ahp.formats.source import ANNOTATIONS, ORIGINALS, PHOTOS


class Numbers:
    """Gives out numbers that are unique: the wanted one if it is free, else the next."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._next = 1

    def take(self, wanted: Any) -> int:
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted in self._taken:
            while self._next in self._taken:
                self._next += 1
            wanted = self._next
        self._taken.add(wanted)
        return int(wanted)


class JsonWriter:
    """`FOLDER/annotations.json`, `photos/` and, where known, `originals/` (photos without the occluder).

    Only images and categories are held in memory. Image, annotation and category ids that the same format
    gave are kept where they are free.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._photos = PhotoFolder(folder / PHOTOS)
        self._originals = PhotoFolder(folder / ORIGINALS)
        self._images: dict[str, dict[str, Any]] = {}
        self._categories: dict[str, dict[str, Any]] = {}
        self._image_numbers, self._category_numbers, self.annotation_numbers = Numbers(), Numbers(), Numbers()
        self._file = (folder / ANNOTATIONS).open("w", encoding="utf-8")
        self._file.write('{"annotations": [')
        self._first = True

    @property
    def photos(self) -> int:
        """How many photos were copied."""
        return len(self._photos)

    def image_id(self, person: AmodalPerson) -> int:
        """The number of the person's photo; copies the photo when it is new."""
        self._photos.add(person.photo, person.file)
        if person.photo not in self._images:
            kept = level(person, self.name, "image")
            height, width = person.amodal.shape
            self._images[person.photo] = {
                **kept,
                "id": self._image_numbers.take(kept.get("id")),
                "file_name": person.photo,
                "height": height,
                "width": width,
            }
        return int(self._images[person.photo]["id"])

    def category_id(self, person: AmodalPerson) -> int:
        """The number of the person's category."""
        if person.category not in self._categories:
            kept = level(person, self.name, "category")
            number = self._category_numbers.take(kept.get("id"))
            self._categories[person.category] = {**kept, "id": number, "name": person.category}
        return int(self._categories[person.category]["id"])

    def notes(self, person: AmodalPerson) -> dict[str, Any]:
        """The `deocclude` record of a person; copies the original photo, if there is one."""
        original = None
        if person.original is not None:
            original = str(
                PurePosixPath(person.photo).with_name(f"{person.id}{person.original.suffix.lower()}")
            )
            self._originals.add(original, person.original)
        return notes_of(person, self.name, original)

    def write(self, annotation: Mapping[str, Any]) -> None:
        """One annotation, one line."""
        self._file.write(("\n" if self._first else ",\n") + json.dumps(annotation))
        self._first = False

    def close(self) -> None:
        """Ends the file with images and, if any, categories."""
        self._file.write('\n],\n"images": ')
        json.dump(list(self._images.values()), self._file)
        if self._categories:
            self._file.write(',\n"categories": ')
            json.dump(list(self._categories.values()), self._file)
        self._file.write("}\n")
        self._file.close()

    def abandon(self) -> None:
        """Lets go of the half-written file."""
        self._file.close()
