"""What reading a data set gives: people one by one, and how many records there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.ahp.formats.person import AmodalPerson, Fault, Malformed
from deocclude.errors import DeoccludeError, described

ANNOTATIONS = "annotations.json"
PHOTOS = "photos"
ORIGINALS = "originals"


@dataclass(frozen=True)
class Source:
    """people: each decoded when asked for, malformed ones as `Fault`. total: how many records there are."""

    people: Iterator[AmodalPerson | Fault]
    total: int


@dataclass(frozen=True)
class JsonPlace:
    """The JSON file and the folder of photos behind what the user named as input."""

    file: Path
    photos: Path

    @classmethod
    def of(cls, given: Path, photos: Path | None) -> JsonPlace:
        """A JSON file, or a folder with `annotations.json`; photos in `photos/` beside it if not named."""
        file = given / ANNOTATIONS if given.is_dir() else given
        return cls(file, photos or file.parent / PHOTOS)

    @property
    def originals(self) -> Path:
        return self.file.parent / ORIGINALS

    def load(self) -> tuple[dict[Any, dict[str, Any]], list[Any], dict[str, Any]]:
        """Images by id, annotations, and the whole content. Raises DeoccludeError with file and line."""
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DeoccludeError(f"{self.file}: {error.strerror}; name the JSON file or its folder") from None
        except json.JSONDecodeError as error:
            raise DeoccludeError(
                f"{self.file}: line {error.lineno}: not JSON ({error.msg}); fetch the file again"
            ) from None
        except (ValueError, RecursionError) as error:
            raise DeoccludeError(f"{self.file}: not JSON ({error}); fetch the file again") from None
        annotations = content.get("annotations") if isinstance(content, dict) else None
        images = content.get("images") if isinstance(content, dict) else None
        if not isinstance(images, list) or not isinstance(annotations, list):
            raise DeoccludeError(f"{self.file}: no lists 'images' and 'annotations'; choose another --from")
        table: dict[Any, dict[str, Any]] = {}
        for number, image in enumerate(images):
            identity = image.get("id") if isinstance(image, dict) else None
            if not isinstance(identity, int | str) or identity in table:
                raise DeoccludeError(f"{self.file}: image {identity} (number {number}): {_wrong(identity)}")
            table[identity] = image
        return table, annotations, content

    def checked(
        self, annotations: list[Any], images: dict[Any, dict[str, Any]]
    ) -> Iterator[dict[str, Any] | Fault]:
        """The annotations that have an id of their own and a listed image; a `Fault` for each other one."""
        seen = set()
        for number, annotation in enumerate(annotations):
            identity = annotation.get("id") if isinstance(annotation, dict) else None
            if not isinstance(identity, int | str):
                yield self.fault("annotation", f"number {number}", "is no record with an id; export it again")
                continue
            image = annotation.get("image_id")
            if identity in seen:
                yield self.fault("annotation", identity, "its id is there twice; number them anew")
            elif not isinstance(image, int | str) or image not in images:
                yield self.fault("annotation", identity, f"image {image!r} is not listed; add it to 'images'")
            else:
                seen.add(identity)
                yield annotation

    def fault(self, kind: str, identity: Any, reason: object) -> Fault:
        """A fault of one record of the file."""
        name = " ".join(str(identity).split())
        return Fault(name, self.file, f"{self.file}: {kind} {name}: {reason}")


def _wrong(identity: Any) -> str:
    if identity is None:
        return "is no record with an id; fetch the file again"
    return "its id is no number or is there twice; number the images anew"


def reason_of(error: Exception) -> str:
    """One line for whatever a malformed record raised."""
    if isinstance(error, Malformed | DeoccludeError):
        return str(error)
    if isinstance(error, KeyError):
        return f"{error} is missing; export it again"
    return f"{described(error)}; export it again"
