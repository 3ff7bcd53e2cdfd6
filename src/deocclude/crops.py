"""The square window around one person that the networks look at.

Training, evaluation and the cascade all cut people out through this one class, so a network always sees what
it was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

OUTSIDE_PHOTO = 127
"""Grey value of window pixels that lie outside the photo (masks are 0 there)."""

_ROOM_FOR_THE_HIDDEN = 3.0
_LEAST_MARGIN = 1.25
CLOSE_MARGIN = 1.2

Box = tuple[int, int, int, int]


def box_of(mask: np.ndarray) -> Box | None:
    """Tight box (left, top, right, bottom; right and bottom exclusive) of a bool HxW mask, None if empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def union(first: Box, second: Box) -> Box:
    """Smallest box that holds both."""
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def intersection(first: Box, second: Box) -> Box:
    """What lies in both; without area if they do not meet."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right, bottom = min(first[2], second[2]), min(first[3], second[3])
    return left, top, max(left, right), max(top, bottom)


def moved(box: Box, right: int, down: int) -> Box:
    """The box shifted by whole pixels."""
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def rows_and_columns(box: Box) -> tuple[slice, slice]:
    """The box as an index into an image that holds it."""
    return slice(box[1], box[3]), slice(box[0], box[2])


@dataclass(frozen=True)
class SquareWindow:
    """A square of whole photo pixels; it may reach beyond the photo."""

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, box: Box) -> SquareWindow:
        """Window centred on a person's visible box, with room for what is hidden.

        The side is max(1.25 * longest, sqrt(3 * width * height)): a squat box (legs or head hidden, or a
        half-length portrait) gets more room than a slender one, which already shows the whole person.
        """
        width, height = box[2] - box[0], box[3] - box[1]
        side = max(_LEAST_MARGIN * max(width, height), (_ROOM_FOR_THE_HIDDEN * width * height) ** 0.5)
        return cls._centred(box, side)

    @classmethod
    def of_photo(cls, height: int, width: int) -> SquareWindow:
        """The smallest window that holds the whole photo, centred on it."""
        side = max(height, width)
        return cls(left=(width - side) // 2, top=(height - side) // 2, side=side)

    @classmethod
    def close_to(cls, box: Box) -> SquareWindow:
        """Window centred on the box of a whole body, its side 1.2 times the longest."""
        return cls._centred(box, CLOSE_MARGIN * max(box[2] - box[0], box[3] - box[1]))

    @classmethod
    def _centred(cls, box: Box, side: float) -> SquareWindow:
        whole = max(8, int(np.ceil(side)))
        return cls(
            left=round((box[0] + box[2] - whole) / 2),
            top=round((box[1] + box[3] - whole) / 2),
            side=whole,
        )

    @property
    def _box(self) -> Box:
        return self.left, self.top, self.left + self.side, self.top + self.side

    def seen_from(self, box: Box) -> SquareWindow:
        """The same window for an image that holds the pixels of `box` alone."""
        return SquareWindow(self.left - box[0], self.top - box[1], self.side)

    def within(self, height: int, width: int) -> Box:
        """The part of a height x width photo that the window shows; without area if it shows none of it."""
        return intersection(self._box, (0, 0, width, height))

    def cut(self, image: np.ndarray, size: int, *, outside: int = 0, nearest: bool = False) -> np.ndarray:
        """The window of `image` resized to size x size; dtype and channels stay.

        image: uint8 or float32, HxW or HxWxC. Downsizing averages areas, upsizing is bilinear, or nearest for
        label maps. Pixels outside the photo are `outside`.
        """
        seen = self.within(*image.shape[:2])
        patch = np.full((self.side, self.side, *image.shape[2:]), outside, dtype=image.dtype)
        here = rows_and_columns(moved(seen, -self.left, -self.top))
        patch[here] = image[rows_and_columns(seen)]
        if nearest:
            interpolation = cv2.INTER_NEAREST_EXACT
        else:
            interpolation = cv2.INTER_AREA if self.side >= size else cv2.INTER_LINEAR
        return cv2.resize(patch, (size, size), interpolation=interpolation)

    def cut_mask(self, mask: np.ndarray, size: int) -> np.ndarray:
        """The window of a bool HxW mask as bool size x size."""
        return self.cut(mask.astype(np.uint8) * 255, size) > 127
