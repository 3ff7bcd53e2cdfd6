"""KINS (Qi et al., CVPR 2019) in both editions.

2019 (`instances_train.json`): `segmentation` polygons, `bbox` and `area` of the whole object, `inmodal_seg`
run lengths and `inmodal_bbox` of the visible part. 2020 (`update_train_2020.json`): `a_segm`, `a_bbox`,
`a_area` and `i_segm`, `i_bbox`, `i_area`, both masks polygons; `oco_id` and `ico_id`, the cluster and the
order in it, are kept as they are.

Where the edition has polygons, written here is one polygon that the COCO API fills back bit for bit
(`outline`); an empty mask is an empty list. Run lengths are read in every place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deocclude.ahp.formats.instances import InstanceFormat
from deocclude.ahp.formats.masks import box_xywh, encode_rle, read_mask
from deocclude.ahp.formats.outline import outline
from deocclude.ahp.formats.person import AmodalPerson


def _polygons(mask: np.ndarray) -> list[list[int]]:
    return [outline(mask)] if mask.any() else []


def _decode_2019(annotation: dict[str, Any], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    modal = read_mask(annotation["inmodal_seg"], height, width)
    return modal, read_mask(annotation["segmentation"], height, width)


def _encode_2019(person: AmodalPerson) -> dict[str, Any]:
    return {
        "segmentation": _polygons(person.amodal),
        "bbox": box_xywh(person.amodal),
        "area": int(person.amodal.sum()),
        "inmodal_seg": encode_rle(person.modal),
        "inmodal_bbox": box_xywh(person.modal),
    }


def _decode_2020(annotation: dict[str, Any], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    modal = read_mask(annotation["i_segm"], height, width)
    return modal, read_mask(annotation["a_segm"], height, width)


def _encode_2020(person: AmodalPerson) -> dict[str, Any]:
    return {
        "a_segm": _polygons(person.amodal),
        "a_bbox": box_xywh(person.amodal),
        "a_area": int(person.amodal.sum()),
        "i_segm": _polygons(person.modal),
        "i_bbox": box_xywh(person.modal),
        "i_area": int(person.modal.sum()),
    }


KINS_2019 = InstanceFormat(
    "kins",
    frozenset({"segmentation", "bbox", "area", "inmodal_seg", "inmodal_bbox"}),
    _decode_2019,
    _encode_2019,
)
KINS_2020 = InstanceFormat(
    "kins2020",
    frozenset({"a_segm", "a_bbox", "a_area", "i_segm", "i_bbox", "i_area"}),
    _decode_2020,
    _encode_2020,
)
