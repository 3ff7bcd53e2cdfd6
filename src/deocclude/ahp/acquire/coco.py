"""COCO: `annotations/instances*.json`, with the joints of `person_keypoints*.json` where they are."""

from __future__ import annotations

from pathlib import Path

from deocclude.ahp.acquire.coco_json import AnnotationFile, CocoJson
from deocclude.errors import DeoccludeError


class Coco(CocoJson):
    """Photos in `images/`, `SPLIT/` or `images/SPLIT/` (instances_SPLIT.json). IDs: coco-IMAGE-ANNOTATION."""

    name = "coco"

    def files(self) -> list[AnnotationFile]:
        folder = self.root / "annotations"
        found = sorted(folder.glob("instances*.json"))
        if not found:
            raise DeoccludeError(
                f"{folder}: no instances*.json; point --coco to the folder that holds annotations/"
            )
        files = []
        for path in found:
            joints = path.with_name(path.name.replace("instances", "person_keypoints", 1))
            files.append(AnnotationFile(path, joints if joints.is_file() else None))
        return files

    def photo_paths(self, annotations: Path, name: Path) -> list[Path]:
        split = annotations.stem.removeprefix("instances").strip("_")
        folders = [self.root / "images"]
        if split:
            folders = [self.root / split, self.root / "images" / split, *folders]
        return [folder / name for folder in (*folders, self.root)]
