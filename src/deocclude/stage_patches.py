"""From stage 1's maps to a person's masks in the photo: outlines on edges, whole pieces, thresholds."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.crops import OUTSIDE_PHOTO, SquareWindow, box_of, moved, rows_and_columns
from deocclude.guided_filter import GuidedFilter
from deocclude.resampling import enlarge, enlarge_parsing
from deocclude.result import Patch
from deocclude.stage_maps import LEAST_CLARITY, Look, Maps, clarity_of

_EDGE_REACH = 1 / 56
_PLAIN = 1e-4
_SLIVER = 1 / 64
_SPECK = 0.005


def on_edges(look: Look, photo: np.ndarray) -> Maps:
    """The look's masks with their outlines on the photo's edges, within a 56th of the window.

    Where the body is hidden its outline stays: edges there are the occluder's.
    """
    size = len(look.maps.modal)
    guide = look.window.cut(photo, size, outside=OUTSIDE_PHOTO).astype(np.float32) / 255
    on_edges = GuidedFilter(guide, max(1, round(_EDGE_REACH * size)), _PLAIN)
    modal, amodal = on_edges(look.maps.modal), on_edges(look.maps.amodal)
    hidden = look.maps.amodal - look.maps.modal
    amodal += hidden * (look.maps.amodal - amodal)
    return look.maps._replace(modal=modal, amodal=np.maximum(amodal, modal))


def patches_of(look: Look, maps: Maps) -> dict[str, Patch]:
    """`initial`, `modal`, `amodal` and the parsing; maps: the look's, with their outlines on edges.

    Soft masks are enlarged first and thresholded then, so edges stay clean at any photo size.
    """
    person, window = look.person, look.window
    height, width = person.mask.shape
    seen = window.within(height, width)
    modal = enlarge(maps.modal, window, seen) > 0.5
    if clarity_of(look.maps) < LEAST_CLARITY or not modal.any():
        modal = person.mask[rows_and_columns(seen)].copy()
    amodal = (enlarge(maps.amodal, window, seen) > 0.5) | modal
    modal |= _slivers(amodal & ~modal, window)
    modal |= _specks(amodal & ~modal, _SPECK * amodal.sum())
    inner = box_of(amodal) or (0, 0, 0, 0)
    box = moved(inner, *seen[:2])
    modal, amodal = (mask[rows_and_columns(inner)].copy() for mask in (modal, amodal))
    parts_modal, parts_amodal = look.maps.parsing()
    known_modal = parts_modal if parts_modal.any() else parts_amodal
    known_amodal = np.where(parts_amodal > 0, parts_amodal, parts_modal)
    return {
        "initial": Patch(person.box, person.mask[rows_and_columns(person.box)].copy()),
        "modal": Patch(box, modal),
        "amodal": Patch(box, amodal),
        "parsing_modal": Patch(box, enlarge_parsing(known_modal, modal, window, box)),
        "parsing_amodal": Patch(box, enlarge_parsing(known_amodal, amodal, window, box)),
    }


def _slivers(hidden: np.ndarray, window: SquareWindow) -> np.ndarray:
    """Where a bool mask of the hidden part is no wider than a 64th of the window.

    Such strips run along the outline, where two soft masks end a little apart: nothing hides there.
    """
    reach = max(1.0, window.side * _SLIVER / 2)
    core = cv2.distanceTransform(hidden.astype(np.uint8), cv2.DIST_L2, 3) > reach
    if not core.any():
        return hidden
    return hidden & (cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3) > reach + 1)


def _specks(hidden: np.ndarray, least: float) -> np.ndarray:
    """Pieces of a bool mask of the hidden part that have fewer than `least` pixels: nothing hides there."""
    _, pieces, measures, _ = cv2.connectedComponentsWithStats(hidden.astype(np.uint8), connectivity=8)
    small = measures[:, cv2.CC_STAT_AREA] < least
    return hidden & small[pieces]
