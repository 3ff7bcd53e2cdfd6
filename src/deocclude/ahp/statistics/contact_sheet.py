"""Contact sheets: people with their contour, and composites, to look at what the numbers say."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.crops import box_of

TILE_WIDTH, TILE_HEIGHT = 240, 320

BODY, HIDDEN, UNKNOWN = (60, 235, 110), (255, 70, 90), (255, 190, 40)
"""Colours of the contours: the visible body, the hidden part, what nobody can judge."""

_MAT = 40
_AIR = 0.08
_CAPTION = 20
_GAP = 6


def draw_lots(total: int, count: int, seed: int) -> list[int]:
    """At most `count` different positions out of `total`, rising; the same seed gives the same ones."""
    chosen = np.random.default_rng(seed).permutation(total)[:count]
    return sorted(int(position) for position in chosen)


def person_tile(person: WholePerson) -> np.ndarray:
    """uint8 320x240x3: the whole person in the photo, the contour of the mask, and of unknown regions."""
    frame = _Frame(person.amodal)
    return frame.draw(person.photo, (person.unknown, UNKNOWN), (person.amodal, BODY))


def composite_tile(sample: OcclusionSample) -> np.ndarray:
    """uint8 320x240x3: the occluded photo, the contour of the visible body and of the hidden part."""
    frame = _Frame(sample.amodal)
    return frame.draw(sample.occluded, (sample.invisible, HIDDEN), (sample.modal, BODY))


def contact_sheet(tiles: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """uint8 HxWx3: the tiles in rows from left to right, as square as may be, with a caption under each."""
    columns = max(1, round((len(tiles) * TILE_HEIGHT / TILE_WIDTH) ** 0.5))
    rows = -(-len(tiles) // columns)
    step = TILE_WIDTH + _GAP, TILE_HEIGHT + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * step[0] + _GAP, rows * step[1] + _GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = _GAP + number % columns * step[0], _GAP + number // columns * step[1]
        sheet.paste(Image.fromarray(tile), (left, top))
        text = f"{number + 1}  {caption}"
        pen.text(
            (left + 2, top + TILE_HEIGHT + _CAPTION / 2), text, fill=(40, 44, 52), font=font, anchor="lm"
        )
    return np.asarray(sheet)


class _Frame:
    """The part of a photo around a body that fills a tile, and how much it is enlarged."""

    def __init__(self, body: np.ndarray) -> None:
        height, width = body.shape
        left, top, right, bottom = box_of(body) or (0, 0, width, height)
        air = _AIR * max(right - left, bottom - top)
        wide, tall = right - left + 2 * air, bottom - top + 2 * air
        scale = min(TILE_WIDTH / wide, TILE_HEIGHT / tall)
        left, right = _reach((left + right) / 2, TILE_WIDTH / scale, width)
        top, bottom = _reach((top + bottom) / 2, TILE_HEIGHT / scale, height)
        self.rows, self.columns = slice(top, bottom), slice(left, right)
        self.size = (
            max(1, min(TILE_WIDTH, round((right - left) * scale))),
            max(1, min(TILE_HEIGHT, round((bottom - top) * scale))),
        )

    def draw(self, photo: np.ndarray, *areas: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
        picture = self._scaled(photo)
        for mask, colour in areas:
            fine = self._scaled(mask.astype(np.uint8) * 255) > 127
            contours, _ = cv2.findContours(fine.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, contours, -1, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.drawContours(picture, contours, -1, colour, 1, cv2.LINE_8)
        tile = np.full((TILE_HEIGHT, TILE_WIDTH, 3), _MAT, np.uint8)
        top, left = (TILE_HEIGHT - self.size[1]) // 2, (TILE_WIDTH - self.size[0]) // 2
        tile[top : top + self.size[1], left : left + self.size[0]] = picture
        return tile

    def _scaled(self, picture: np.ndarray) -> np.ndarray:
        part = np.ascontiguousarray(picture[self.rows, self.columns])
        shrinks = part.shape[1] > self.size[0]
        return cv2.resize(part, self.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _reach(centre: float, length: float, limit: int) -> tuple[int, int]:
    """First and last + 1 of at most `length` pixels around the centre, inside 0..limit."""
    return max(0, round(centre - length / 2)), min(limit, max(1, round(centre + length / 2)))
