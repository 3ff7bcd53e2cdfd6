"""Clothing Co-Parsing's 59 tags a pixel: which are the body, and which of LIP's 20 classes they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from deocclude.errors import DeoccludeError
from deocclude.parsing import LIP_CLASSES, UNLABELLED

CARRIED = ("bag", "purse", "wallet")
"""Tags in front of the body: what they hide is unknown."""

SKIN = ("skin", "necklace", "earrings", "bracelet", "ring", "watch")
SHOES = (
    "boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges",
)  # fmt: skip

TAG_TO_LIP: dict[str, str] = {
    "hat": "hat", "hair": "hair", "gloves": "glove", "glasses": "sunglasses", "sunglasses": "sunglasses",
    "blouse": "upper-clothes", "bra": "upper-clothes", "hoodie": "upper-clothes",
    "intimate": "upper-clothes", "jumper": "upper-clothes", "shirt": "upper-clothes",
    "sweater": "upper-clothes", "sweatshirt": "upper-clothes", "swimwear": "upper-clothes",
    "t-shirt": "upper-clothes", "tie": "upper-clothes", "top": "upper-clothes", "vest": "upper-clothes",
    "dress": "dress",
    "blazer": "coat", "cape": "coat", "cardigan": "coat", "coat": "coat", "jacket": "coat", "suit": "coat",
    "socks": "socks", "stockings": "socks", "tights": "socks",
    "jeans": "pants", "leggings": "pants", "panties": "pants", "pants": "pants", "shorts": "pants",
    "bodysuit": "jumpsuits", "romper": "jumpsuits",
    "scarf": "scarf", "skirt": "skirt",
}  # fmt: skip
"""CCP tag -> LIP class. Skin and shoes are split by landmarks; `belt` and `accessories` have no LIP class."""

_SKIN_BONES: dict[str, tuple[tuple[int, int], ...]] = {
    "face": ((7, 8), (0, 9), (0, 10), (9, 10)),
    "left-arm": ((11, 13), (13, 15), (15, 19)),
    "right-arm": ((12, 14), (14, 16), (16, 20)),
    "left-leg": ((23, 25), (25, 27), (27, 31)),
    "right-leg": ((24, 26), (26, 28), (28, 32)),
}
_SHOE_BONES: dict[str, tuple[tuple[int, int], ...]] = {
    "left-shoe": ((27, 29), (29, 31), (27, 31)),
    "right-shoe": ((28, 30), (30, 32), (28, 32)),
}
"""Pairs of BlazePose landmarks; left is the person's own left, as in LIP."""


def read_tags(root: Path) -> list[str]:
    """The tag names of `ROOT/tags.json`; their position is the value of a label map."""
    path = root / "tags.json"
    try:
        names = json.loads(path.read_text())
    except FileNotFoundError:
        raise DeoccludeError(
            f"{path}: no such file; point to the folder that holds photos/, labels/ and tags.json"
        ) from None
    except ValueError as error:
        raise DeoccludeError(f"{path}: not valid JSON ({error}); fetch the file again") from None
    if not isinstance(names, list) or "null" not in names or not all(isinstance(n, str) for n in names):
        raise DeoccludeError(f"{path}: not a list of tag names with 'null' in it; fetch the file again")
    return names


def _distance_to_bone(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    direction = end - start
    along = np.clip((points - start) @ direction / max(1e-6, float(direction @ direction)), 0, 1)
    return np.linalg.norm(points - start - along[:, None] * direction, axis=1)


def _nearest_limb(
    parsing: np.ndarray, region: np.ndarray, bones: dict[str, tuple[tuple[int, int], ...]], joints: np.ndarray
) -> None:
    rows, columns = np.nonzero(region)
    if rows.size == 0:
        return
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    distances = [
        np.min([_distance_to_bone(points, joints[a], joints[b]) for a, b in pairs], axis=0)
        for pairs in bones.values()
    ]
    classes = np.array([LIP_CLASSES.index(name) for name in bones], dtype=np.uint8)
    parsing[rows, columns] = classes[np.argmin(distances, axis=0)]


def parsing_of(tags: np.ndarray, names: list[str], landmarks: np.ndarray | None) -> np.ndarray:
    """uint8 HxW LIP map of a tag map; 255 where LIP has no class or the side is not known.

    landmarks: float32 33x3 of BlazePose (the neck's skin counts as face, as the nearest bone), or None.
    """
    table = np.full(256, UNLABELLED, dtype=np.uint8)
    for index, name in enumerate(names):
        if name in TAG_TO_LIP:
            table[index] = LIP_CLASSES.index(TAG_TO_LIP[name])
        elif name == "null" or name in CARRIED:
            table[index] = 0
    parsing = table[tags]
    if landmarks is not None:
        joints = landmarks[:, :2].astype(np.float32)
        neck = (joints[11] + joints[12]) / 2
        joints = np.vstack([joints, neck[None]])
        skin_bones = {**_SKIN_BONES, "face": (*_SKIN_BONES["face"], (0, 33))}
        _nearest_limb(parsing, _any_of(tags, names, SKIN), skin_bones, joints)
        _nearest_limb(parsing, _any_of(tags, names, SHOES), _SHOE_BONES, joints)
    return parsing


def _any_of(tags: np.ndarray, names: list[str], wanted: tuple[str, ...]) -> np.ndarray:
    return np.isin(tags, [index for index, name in enumerate(names) if name in wanted])
