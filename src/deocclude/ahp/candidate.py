"""A person that some data set speaks of, before anybody has judged it (section 4.1, step 1)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from deocclude.crops import Box
from deocclude.errors import DeoccludeError

FIT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Candidate:
    """One line of a workspace's `candidates.jsonl`.

    id: SOURCE-..., unique, fit for a file name. photo: its file. height, width: of the photo in pixels. box:
    left, top, right, bottom (exclusive) inside the photo. mask: bool HxW of the visible person, or None if
    the source gives none. joints: float64 Nx3 (x, y in pixels; 2 visible, 1 hidden, 0 unlabelled) or None.
    parsing: file of a map of LIP indices, or None. others: boxes of the photo's other instances.
    """

    id: str
    source: str
    photo: Path
    height: int
    width: int
    box: Box
    mask: np.ndarray | None = None
    joints: np.ndarray | None = None
    parsing: Path | None = None
    others: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if not FIT_ID.fullmatch(self.id) or not self.id.startswith(f"{self.source}-"):
            raise ValueError(f"id '{self.id}' is not fit for a file name or lacks its source '{self.source}'")
        left, top, right, bottom = self.box
        if not (0 <= left < right <= self.width and 0 <= top < bottom <= self.height):
            raise ValueError(f"{self.id}: box {self.box} is not inside a photo of {self.width}x{self.height}")
        if self.mask is not None and (
            self.mask.dtype != np.bool_ or self.mask.shape != (self.height, self.width)
        ):
            raise ValueError(f"{self.id}: mask must be bool {self.height}x{self.width}")
        if self.joints is not None and (self.joints.ndim != 2 or self.joints.shape[1] != 3):
            raise ValueError(f"{self.id}: joints must be Nx3, got {self.joints.shape}")

    def to_json(self) -> str:
        """One line; the mask as COCO's compressed RLE."""
        record: dict[str, Any] = {
            "id": self.id,
            "source": self.source,
            "photo": str(self.photo),
            "size": [self.height, self.width],
            "box": list(self.box),
        }
        if self.mask is not None:
            runs = rle.encode(np.asfortranarray(self.mask.astype(np.uint8)))
            record["mask"] = {"size": runs["size"], "counts": runs["counts"].decode()}
        if self.joints is not None:
            record["joints"] = [[round(float(value), 2) for value in joint] for joint in self.joints]
        if self.parsing is not None:
            record["parsing"] = str(self.parsing)
        if self.others:
            record["others"] = [list(box) for box in self.others]
        return json.dumps(record)

    @classmethod
    def from_json(cls, line: str) -> Candidate:
        """Inverse of `to_json`. Raises DeoccludeError if the line is no candidate."""
        try:
            record = json.loads(line)
            height, width = record["size"]
            runs = record.get("mask")
            mask = None if runs is None else rle.decode(runs).astype(bool)
            joints = record.get("joints")
            return cls(
                id=record["id"],
                source=record["source"],
                photo=Path(record["photo"]),
                height=height,
                width=width,
                box=_box(record["box"]),
                mask=mask,
                joints=None if joints is None else np.array(joints, dtype=np.float64).reshape(-1, 3),
                parsing=Path(record["parsing"]) if "parsing" in record else None,
                others=tuple(_box(box) for box in record.get("others", ())),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DeoccludeError(
                f"not a candidate ({type(error).__name__}: {error}); acquire the people again"
            ) from None


def _box(values: Any) -> Box:
    left, top, right, bottom = (int(value) for value in values)
    return left, top, right, bottom
