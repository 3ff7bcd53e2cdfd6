"""The demo: a cup of coffee in front of the astronaut Eileen Collins, and what is really behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deocclude.crops import intersection, moved, rows_and_columns
from deocclude.errors import DeoccludeError
from deocclude.overlap import iou
from deocclude.overview import BLUE, GREEN, RED, View, figure
from deocclude.people.person import DetectedPerson
from deocclude.result import DeoccludedPhoto

# fmt: off
_CUP_OUTLINE = (
    (242, 27), (222, 36), (209, 45), (177, 76), (163, 78), (146, 87), (126, 103), (107, 123),
    (88, 154), (79, 186), (77, 210), (77, 234), (81, 256), (101, 297), (115, 316), (133, 334),
    (150, 348), (172, 361), (200, 374), (235, 384), (275, 388), (320, 386), (360, 377), (398, 358),
    (429, 335), (447, 316), (468, 281), (477, 255), (479, 237), (477, 207), (472, 188), (465, 169),
    (458, 155), (442, 133), (416, 107), (423, 82), (423, 75), (416, 68), (392, 69), (373, 48),
    (361, 39), (342, 29), (321, 22), (300, 19), (279, 19),
)
# fmt: on
"""The cup with its saucer in `skimage.data.coffee()`, x and y."""
_CUP_SCALE = 0.56
_CUP_PLACE = (100, 340)
_FINE = 4


@dataclass(frozen=True)
class DemoScene:
    """original, occluded: uint8 HxWx3 RGB. occluder: bool HxW, where the pasted object is."""

    original: np.ndarray
    occluded: np.ndarray
    occluder: np.ndarray


def make_scene(place: tuple[int, int] = _CUP_PLACE) -> DemoScene:
    """The scene, from two photos that come with scikit-image. Raises DeoccludeError without that package.

    place: x and y of the cut-out's upper left corner; it may stick out of the photo, or lie beside it.
    """
    try:
        from skimage import data
    except ImportError:
        raise DeoccludeError(
            "the demo needs scikit-image for its photos; pip install 'deocclude[demo]'"
        ) from None
    original = data.astronaut()
    cup, share = _cut_out(data.coffee())
    left, top = place
    height, width = original.shape[:2]
    here = intersection((0, 0, width, height), (left, top, left + cup.shape[1], top + cup.shape[0]))
    outer, inner = rows_and_columns(here), rows_and_columns(moved(here, -left, -top))
    opacity = np.zeros((height, width, 1), np.float32)
    front = np.zeros((height, width, 3), np.float32)
    opacity[outer], front[outer] = share[inner], cup[inner]
    occluded = np.rint(original * (1 - opacity) + front * opacity).astype(np.uint8)
    return DemoScene(original, occluded, opacity[..., 0] > 0.5)


def _cut_out(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scaled cup (uint8 hxwx3) and its opacity (float32 hxwx1) with a soft edge."""
    height, width = photo.shape[:2]
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.array(_CUP_OUTLINE) * _FINE], 255)
    fine = cv2.erode(cv2.GaussianBlur(fine, (0, 0), 2.0 * _FINE), np.ones((2 * _FINE, 2 * _FINE)))
    size = (round(width * _CUP_SCALE), round(height * _CUP_SCALE))
    sharp = ((fine > 127) * 255).astype(np.uint8)
    share = cv2.resize(sharp, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    cup = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return cup, cv2.GaussianBlur(share, (0, 0), 0.6)[..., None]


def compare(
    scene: DemoScene, truth: DetectedPerson, result: DeoccludedPhoto
) -> tuple[Image.Image, dict[str, float]]:
    """The figure of truth and prediction, and the IoU of the modal, amodal and invisible mask.

    truth: the astronaut in the original photo, as the person source sees her without the cup.
    """
    person = max(result.people, key=lambda p: int((p.initial & truth.mask).sum()))
    true = {
        "modal": truth.mask & ~scene.occluder,
        "amodal": truth.mask,
        "invisible": truth.mask & scene.occluder,
    }
    scores = {name: iou(mask, getattr(person, name)) for name, mask in true.items()}
    view = View(scene.original, truth.box)
    colours = {"modal": BLUE, "amodal": GREEN, "invisible": RED}

    def tinted(masks: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [view.tint(masks[name], colour) for name, colour in colours.items()]

    rows = [
        ("the truth: the photo before the cup was put there", [view.photo, *tinted(true), view.photo]),
        (
            "deocclude  ·  " + "  ·  ".join(f"{name} IoU {value:.2f}" for name, value in scores.items()),
            [
                view.show(scene.occluded),
                *tinted({name: getattr(person, name) for name in true}),
                view.show(person.recovered),
            ],
        ),
    ]
    return figure(("photo", "modal", "amodal", "invisible", "content"), rows), scores


def save_scene(scene: DemoScene, folder: Path) -> Path:
    """Write the occluded photo as PNG into `folder`; its path."""
    from deocclude.images import save_png

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "astronaut.png"
    save_png(scene.occluded, path)
    return path
