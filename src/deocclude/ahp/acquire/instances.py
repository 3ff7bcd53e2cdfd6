"""People of a map in which every instance has its own number, as VOC and SBD draw them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.crops import Box, box_of

VOID = 255
PERSON = 15
"""VOC's number of the class; SBD has the same."""


def people_of(
    source: str, photo_id: str, photo: Path, instances: np.ndarray, is_person: Callable[[int], bool]
) -> Iterator[Candidate]:
    """instances: integer HxW, 0 background, 255 nobody's. IDs: SOURCE-PHOTO-NUMBER."""
    masks = {int(n): instances == n for n in np.unique(instances) if n not in (0, VOID)}
    boxes: dict[int, Box] = {}
    for number, mask in masks.items():
        box = box_of(mask)
        assert box is not None
        boxes[number] = box
    height, width = instances.shape
    for number, mask in masks.items():
        if is_person(number):
            yield Candidate(
                id=f"{source}-{photo_id}-{number}",
                source=source,
                photo=photo,
                height=height,
                width=width,
                box=boxes[number],
                mask=mask,
                others=tuple(box for other, box in boxes.items() if other != number),
            )
