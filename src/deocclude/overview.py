"""The figure of a result: a row a person, from the photo to the recovered photo."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.crops import Box, box_of
from deocclude.parsing import LIP_PALETTE, NUM_CLASSES
from deocclude.result import DeoccludedPhoto, Person

MOST_ROWS = 6

AMBER, BLUE, GREEN, RED = (240, 158, 28), (38, 122, 232), (24, 160, 96), (228, 52, 72)

_INK, _FAINT = (32, 36, 44), (112, 118, 130)
_CELL = 236
_GAP = 10
_MARGIN = 30
_HEAD = 34
_CAPTION = 34
_FINE = 3  # contours are drawn this many times larger, then averaged down


def draw(result: DeoccludedPhoto) -> Image.Image:
    """RGB picture of the whole result, at most 1800 pixels wide; the six largest people if there are more."""
    shown = result.people[:MOST_ROWS]
    rows = [
        (_caption(number, person), _cells(result.photo, person))
        for number, person in enumerate(shown, start=1)
    ]
    note = (
        f"The {MOST_ROWS} largest of {len(result.people)} people" if len(shown) < len(result.people) else ""
    )
    return figure(
        ("photo", "initial", "modal", "amodal", "invisible", "body parts", "recovered"), rows, note=note
    )


def figure(
    heads: Sequence[str], rows: Sequence[tuple[str, Sequence[np.ndarray]]], *, note: str = ""
) -> Image.Image:
    """A sheet of uint8 hxwx3 cells, a caption over each column and under each row, `note` at the bottom."""
    heights = [max(cell.shape[0] for cell in cells) for _, cells in rows]
    width = 2 * _MARGIN + len(heads) * _CELL + (len(heads) - 1) * _GAP
    height = 2 * _MARGIN + _HEAD + sum(heights) + _CAPTION * len(rows) + (_CAPTION if note else 0)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    head_font, caption_font = ImageFont.load_default(size=19), ImageFont.load_default(size=15)
    lefts = [_MARGIN + column * (_CELL + _GAP) for column in range(len(heads))]
    for left, head in zip(lefts, heads, strict=True):
        pen.text((left + _CELL / 2, _MARGIN + 6), head, fill=_INK, font=head_font, anchor="mm")
    top = _MARGIN + _HEAD
    for (caption, cells), row_height in zip(rows, heights, strict=True):
        for left, cell in zip(lefts, cells, strict=True):
            sheet.paste(Image.fromarray(cell), (left + (_CELL - cell.shape[1]) // 2, top))
        pen.text((_MARGIN, top + row_height + 13), caption, fill=_FAINT, font=caption_font, anchor="lm")
        top += row_height + _CAPTION
    if note:
        pen.text((_MARGIN, top + 13), note, fill=_FAINT, font=caption_font, anchor="lm")
    return sheet


class View:
    """The part of a photo that the cells of a row show, at cell size."""

    def __init__(self, photo: np.ndarray, box: Box) -> None:
        self.left, self.top, self.right, self.bottom = _frame(box, *photo.shape[:2])
        scale = min(_CELL / (self.right - self.left), 1.5 * _CELL / (self.bottom - self.top))
        self.width = max(1, round((self.right - self.left) * scale))
        self.height = max(1, round((self.bottom - self.top) * scale))
        self.photo = self.show(photo)
        grey = cv2.cvtColor(self.photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._faded = np.repeat(110 + 0.5 * grey[..., None], 3, axis=2)

    def show(self, photo: np.ndarray) -> np.ndarray:
        """uint8 hxwx3: a photo-sized picture, framed."""
        return _resize(photo[self.top : self.bottom, self.left : self.right], self.width, self.height)

    def tint(
        self, mask: np.ndarray, colour: tuple[int, int, int], outline: np.ndarray | None = None
    ) -> np.ndarray:
        """The faded photo with `mask` in colour, and the contour of `outline` (of `mask` if None)."""
        area = self._fine(mask)
        cell = _blend(self._faded, self.photo, 1.0 * self._average(area))
        cell = _blend(cell, np.array(colour, np.float32), 0.45 * self._average(area))
        line = area if outline is None else self._fine(outline)
        cell = _blend(cell, np.array(colour, np.float32), self._average(_contour(line)))
        return cell.round().astype(np.uint8)

    def parts(self, parsing: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """The faded photo with body parts in LIP colours, the hidden ones inside a white contour."""
        framed = parsing[self.top : self.bottom, self.left : self.right]
        size = (self.width * _FINE, self.height * _FINE)
        fine = cv2.resize(framed, size, interpolation=cv2.INTER_NEAREST_EXACT)
        colours = np.full((256, 3), 128, np.uint8)
        colours[:NUM_CLASSES] = LIP_PALETTE
        drawn = cv2.resize(colours[fine], (self.width, self.height), interpolation=cv2.INTER_AREA)
        body = self._average(self._fine(parsing > 0))
        seen = 0.72 * drawn.astype(np.float32) + 0.28 * self.photo
        cell = _blend(self._faded, seen, body)
        cell = _blend(
            cell, np.array((255, 255, 255), np.float32), self._average(_contour(self._fine(hidden)))
        )
        return cell.round().astype(np.uint8)

    def _fine(self, mask: np.ndarray) -> np.ndarray:
        framed = mask[self.top : self.bottom, self.left : self.right].astype(np.uint8) * 255
        return (_resize(framed, self.width * _FINE, self.height * _FINE) > 127).astype(np.uint8)

    def _average(self, fine: np.ndarray) -> np.ndarray:
        return cv2.resize(fine.astype(np.float32), (self.width, self.height), interpolation=cv2.INTER_AREA)[
            ..., None
        ]


def _cells(photo: np.ndarray, person: Person) -> list[np.ndarray]:
    amodal, initial, invisible = person.amodal, person.initial, person.invisible
    view = View(photo, box_of(amodal | initial) or person.box)
    return [
        view.photo,
        view.tint(initial, AMBER),
        view.tint(person.modal, BLUE),
        view.tint(amodal, GREEN),
        view.tint(invisible, RED, outline=invisible),
        view.parts(person.parsing_amodal, invisible),
        view.show(person.recovered),
    ]


def _caption(number: int, person: Person) -> str:
    hidden = "nothing hidden" if person.occlusion_ratio == 0 else f"{person.occlusion_ratio:.0%} hidden"
    return f"person {number}  ·  {hidden}  ·  score {person.score:.2f}"


def _frame(box: Box, height: int, width: int) -> Box:
    """The box with some air, neither very flat nor very tall where the photo allows, inside the photo."""
    air = 0.08 * max(box[2] - box[0], box[3] - box[1])
    wide, tall = box[2] - box[0] + 2 * air, box[3] - box[1] + 2 * air
    wide, tall = max(wide, tall / 1.5), max(tall, wide / 1.1)
    left, right = _fit((box[0] + box[2]) / 2, wide, width)
    top, bottom = _fit((box[1] + box[3]) / 2, tall, height)
    return left, top, right, bottom


def _fit(centre: float, length: float, limit: int) -> tuple[int, int]:
    whole = min(limit, max(1, round(length)))
    start = min(max(0, round(centre - whole / 2)), limit - whole)
    return start, start + whole


def _resize(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    shrinks = picture.shape[1] >= width
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _contour(fine: np.ndarray) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _FINE - 1, 2 * _FINE - 1))
    return cv2.morphologyEx(fine, cv2.MORPH_GRADIENT, kernel, borderType=cv2.BORDER_REPLICATE)


def _blend(under: np.ndarray, over: np.ndarray, share: np.ndarray) -> np.ndarray:
    return under + (over - under) * share
