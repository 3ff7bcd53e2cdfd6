"""The 20 body-part classes of LIP (Look Into Person), which the paper's parsing maps use."""

from __future__ import annotations

import numpy as np
from PIL import Image

LIP_CLASSES: tuple[str, ...] = (
    "background", "hat", "hair", "glove", "sunglasses", "upper-clothes", "dress", "coat", "socks", "pants",
    "jumpsuits", "scarf", "skirt", "face", "left-arm", "right-arm", "left-leg", "right-leg", "left-shoe",
    "right-shoe",
)  # fmt: skip
NUM_CLASSES = len(LIP_CLASSES)
NUM_PARTS = NUM_CLASSES - 1
UNLABELLED = 255
"""Value of a parsing map where the body part is not known; losses ignore it."""

# fmt: off
LIP_PALETTE = np.array(
    [(0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0), (0, 0, 85), (0, 119, 221),
     (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255), (51, 170, 221),
     (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0)], dtype=np.uint8)
# fmt: on
"""uint8 20x3 RGB: the colours the LIP benchmark draws its classes in."""

MIRRORED = (*range(14), 15, 14, 17, 16, 19, 18)
"""What each class is in a photo flipped left to right."""
_MIRRORED_LABELS = np.arange(256, dtype=np.uint8)
_MIRRORED_LABELS[:NUM_CLASSES] = MIRRORED


def mirror(parsing: np.ndarray) -> np.ndarray:
    """Parsing map (uint8 HxW) of the photo flipped left to right: left limbs become right ones."""
    return _MIRRORED_LABELS[parsing[:, ::-1]]


def inside(mask: np.ndarray, label: np.ndarray) -> np.ndarray:
    """uint8 HxW parsing: the label inside a bool HxW mask, 255 where it says background there, 0 outside."""
    return np.where(mask, np.where(label == 0, UNLABELLED, label), 0).astype(np.uint8)


def to_palette_image(parsing: np.ndarray) -> Image.Image:
    """Palette PNG of a parsing map (uint8 HxW of LIP indices); `UNLABELLED` is drawn grey."""
    image = Image.fromarray(parsing, mode="P")
    palette = np.full((256, 3), 128, dtype=np.uint8)
    palette[:NUM_CLASSES] = LIP_PALETTE
    image.putpalette(palette.tobytes())
    return image
