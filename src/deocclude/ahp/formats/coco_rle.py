"""Plain COCO with run lengths: `segmentation` is the visible mask, as every COCO tool takes it.

The whole body stands in `amodal_segmentation` (run lengths), with `amodal_bbox` and `amodal_area`; `bbox` and
`area` are the visible part's. Both masks come back bit for bit. Polygons are read too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deocclude.ahp.formats.instances import InstanceFormat
from deocclude.ahp.formats.masks import box_xywh, encode_rle, read_mask
from deocclude.ahp.formats.person import AmodalPerson, Malformed


def _decode(annotation: dict[str, Any], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    if "amodal_segmentation" not in annotation:
        raise Malformed("no 'amodal_segmentation', so only the visible part is known; choose another --from")
    modal = read_mask(annotation["segmentation"], height, width)
    return modal, read_mask(annotation["amodal_segmentation"], height, width)


def _encode(person: AmodalPerson) -> dict[str, Any]:
    return {
        "segmentation": encode_rle(person.modal),
        "bbox": box_xywh(person.modal),
        "area": int(person.modal.sum()),
        "amodal_segmentation": encode_rle(person.amodal),
        "amodal_bbox": box_xywh(person.amodal),
        "amodal_area": int(person.amodal.sum()),
        "occlude_rate": person.occlude_rate,
    }


COCO = InstanceFormat(
    "coco",
    frozenset(
        {
            "segmentation",
            "bbox",
            "area",
            "amodal_segmentation",
            "amodal_bbox",
            "amodal_area",
            "occlude_rate",
        }
    ),
    _decode,
    _encode,
)
