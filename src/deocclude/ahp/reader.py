"""What every source of people and occluders has in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.errors import DeoccludeError


@dataclass(frozen=True)
class Rejected:
    """A candidate that is no clean whole person or cut-out, and why (section 4.1, 'Discard')."""

    id: str
    kind: str
    reason: str


class Reader(Protocol):
    """A data set on disk. `jobs` names its photos; `read` turns one photo into records.

    Jobs are independent, so several processes may share them. A missing or malformed file raises
    `DeoccludeError`; a candidate that is not clean comes back as `Rejected`.
    """

    name: str

    def jobs(self) -> list[str]: ...

    def read(self, job: str) -> Iterator[WholePerson | Occluder | Rejected]: ...


def read_all(reader: Reader) -> Iterator[WholePerson | Occluder | Rejected]:
    """Every record of a reader, in the order of its jobs."""
    for job in reader.jobs():
        yield from reader.read(job)


def load_rgb(path: Path) -> np.ndarray:
    """uint8 HxWx3 RGB of an image file."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except FileNotFoundError:
        raise DeoccludeError(f"{path}: no such photo; complete the data set or remove its label") from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DeoccludeError(f"{path}: not a readable image ({error}); replace the file") from None


def load_label(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """uint8 HxW of a palette or grey PNG: the index itself, never the colour. `shape` is the photo's."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "L", "1", "I", "I;16"):
                raise DeoccludeError(
                    f"{path}: label map of mode {image.mode}; save it as a palette or grey PNG"
                )
            label = np.array(image)
    except FileNotFoundError:
        raise DeoccludeError(f"{path}: the label map is missing; add it or remove its photo") from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DeoccludeError(f"{path}: not a readable image ({error}); replace the file") from None
    if label.shape != shape:
        raise DeoccludeError(
            f"{path}: the label map is {label.shape[1]}x{label.shape[0]}, its photo {shape[1]}x{shape[0]}; "
            "they must have one size"
        )
    return label.astype(np.uint8)


def largest_component(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """The largest 8-connected part of a bool HxW mask, and its share of the mask's area."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask, 0.0
    areas = statistics[1:, cv2.CC_STAT_AREA]
    best = int(areas.argmax())
    return labels == best + 1, float(areas[best] / areas.sum())


def dilate(mask: np.ndarray, radius: int) -> np.ndarray:
    """bool HxW mask grown by a disc of `radius` pixels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def touches_border(mask: np.ndarray, margin: int = 1) -> bool:
    """Whether a bool HxW mask has a pixel within `margin` pixels of the photo's border."""
    return bool(
        mask[:margin].any() or mask[-margin:].any() or mask[:, :margin].any() or mask[:, -margin:].any()
    )


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool masks; 0 if both are empty."""
    return float((first & second).sum() / max(1, (first | second).sum()))
