"""Any folder with photos and COCO JSON, as CVAT, Label Studio and others export it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.acquire.coco_json import AnnotationFile, CocoJson
from deocclude.errors import DeoccludeError

RESERVED = frozenset(
    {"coco", "voc", "sbd", "lip", "objects365", "openimages", "ccp", "lspet", "photos", "ahp"}
)


class Folder(CocoJson):
    """`*.json` or `annotations/*.json`; photos by their `file_name` below the folder or its `images/`.

    Without `categories` everything counts as a person. IDs: NAME-PHOTO-ANNOTATION, with the folder's name
    unless another is given.
    """

    people = frozenset({"person", "people", "human", "pedestrian", "man", "woman", "boy", "girl"})

    def __init__(self, root: Path, name: str | None = None) -> None:
        super().__init__(root)
        self.name = re.sub(r"[^A-Za-z0-9]+", "_", name or self.root.resolve().name).strip("_").lower()
        if not self.name or self.name in RESERVED:
            raise DeoccludeError(
                f"{root}: '{self.name}' cannot name a source; call it otherwise: --folder NAME={root}"
            )

    def files(self) -> list[AnnotationFile]:
        for folder in (self.root, self.root / "annotations"):
            found = sorted(folder.glob("*.json"))
            if found:
                return [AnnotationFile(path) for path in found]
        raise DeoccludeError(
            f"{self.root}: no *.json here or in annotations/; export the labels as COCO JSON"
        )

    def photo_paths(self, annotations: Path, name: Path) -> list[Path]:
        return [self.root / name, self.root / "images" / name, annotations.parent / name]

    def identity(self, image: dict[str, Any], number: Any) -> str:
        name = str(image.get("file_name", image["id"]))
        return f"{re.sub(r'[.][A-Za-z0-9]+$', '', name)}-{number}"

    def without_categories(self, path: Path, *, broken: bool) -> None:
        if broken:
            raise Unfit("not COCO JSON", str(path))
