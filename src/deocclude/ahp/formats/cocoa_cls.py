"""COCOA-cls and D2SA (Follmann et al., "Learning to See the Invisible", WACV 2019).

`segmentation`, `bbox` and `area` are the whole object's, `visible_mask` (run lengths; absent where nothing is
hidden) the visible part's, `invisible_mask` the rest, `occlude_rate` their ratio. COCOA-cls has polygons in
`segmentation`: written here is one polygon that the COCO API fills back bit for bit (`outline`). D2SA has run
lengths. Both kinds are read under either name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deocclude.ahp.formats.instances import InstanceFormat
from deocclude.ahp.formats.masks import box_xywh, encode_rle, read_visible_and_hidden
from deocclude.ahp.formats.outline import outline
from deocclude.ahp.formats.person import AmodalPerson


def _encode(person: AmodalPerson, segmentation: Callable[[np.ndarray], Any]) -> dict[str, Any]:
    keys = {
        "segmentation": segmentation(person.amodal),
        "bbox": box_xywh(person.amodal),
        "area": int(person.amodal.sum()),
        "visible_mask": encode_rle(person.modal),
        "occlude_rate": person.occlude_rate,
    }
    if person.occlude_rate:
        keys["invisible_mask"] = encode_rle(person.invisible)
    return keys


_KEYS = frozenset({"segmentation", "bbox", "area", "visible_mask", "invisible_mask", "occlude_rate"})

COCOA_CLS = InstanceFormat(
    "cocoa-cls", _KEYS, read_visible_and_hidden, lambda person: _encode(person, lambda mask: [outline(mask)])
)
D2SA = InstanceFormat("d2sa", _KEYS, read_visible_and_hidden, lambda person: _encode(person, encode_rle))
