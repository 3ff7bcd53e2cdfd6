"""Objects365: boxes only, in COCO-like JSON (`zhiyuan_objv2_SPLIT.json` of version 2, or your own name)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deocclude.ahp.acquire.coco_json import AnnotationFile, CocoJson
from deocclude.errors import DeoccludeError

_FLAGS = {"iscrowd": "a crowd", "isfake": "a depiction", "isreflected": "a reflection"}


class Objects365(CocoJson):
    """Photos under the name in the file (`images/v1/patch8/NAME.jpg`) or in `[SPLIT/]patch8/NAME.jpg`.

    IDs: objects365-IMAGE-ANNOTATION. Shoes, hats and the like are no other instances: their wearer's.
    """

    name = "objects365"
    worn = frozenset(
        {
            "sneakers", "other shoes", "leather shoes", "boots", "sandals", "high heels", "slippers",
            "skating and skiing shoes", "hat", "helmet", "glasses", "gloves", "belt", "tie", "bow tie",
            "bracelet", "necklace", "ring", "watch", "mask", "earphone",
        }
    )  # fmt: skip

    def files(self) -> list[AnnotationFile]:
        for folder in (self.root, self.root / "annotations", self.root / "train", self.root / "val"):
            found = sorted((*folder.glob("zhiyuan_objv2_*.json"), *folder.glob("objects365*.json")))
            if found:
                return [AnnotationFile(path) for path in found]
        raise DeoccludeError(
            f"{self.root}: no zhiyuan_objv2_*.json or objects365*.json here or in annotations/; add them"
        )

    def photo_paths(self, annotations: Path, name: Path) -> list[Path]:
        short = Path(*name.parts[-2:])
        folders = [self.root, self.root / "images"]
        for split in ("train", "val"):
            if split in annotations.stem:
                folders += [self.root / split, self.root / "images" / split]
        return [self.root / name, *(folder / short for folder in folders), self.root / "images" / name.name]

    def objection(self, annotation: dict[str, Any]) -> str | None:
        return next((reason for flag, reason in _FLAGS.items() if annotation.get(flag)), None)
