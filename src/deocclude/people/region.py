"""Rotated square regions of a photo, and photos at several scales to cut them from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from deocclude.crops import Box


@dataclass(frozen=True)
class Region:
    """A rotated square: centre and side in photo pixels, angle in radians.

    The angle is how far the region's own up direction is turned clockwise, as seen in the photo, from the
    photo's up direction. Coordinates are continuous: pixel (i, j) covers [j, j + 1) x [i, i + 1).
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around_circle(cls, centre: np.ndarray, on_circle: np.ndarray, margin: float) -> Region:
        """Square around a circle enlarged by `margin`, upright along the line from centre to on_circle."""
        dx, dy = (float(value) for value in on_circle - centre)
        radius = max(1.0, float(np.hypot(dx, dy)))
        return cls(float(centre[0]), float(centre[1]), 2 * radius * margin, float(np.arctan2(dx, -dy)))

    def scaled(self, factor: float) -> Region:
        """The same region of the photo resized by `factor`."""
        return Region(self.x * factor, self.y * factor, self.side * factor, self.angle)

    def to_photo(self, size: int) -> np.ndarray:
        """float64 2x3 affine matrix from the coordinates of a size x size crop to those of the photo."""
        scale = self.side / size
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.x - cos * half + sin * half],
                [sin, cos, self.y - sin * half - cos * half],
            ]
        )

    def cut(self, photo: Pyramid, size: int) -> np.ndarray:
        """uint8 size x size x 3 crop, upright; black outside the photo."""
        level, factor_x, factor_y = photo.level_for(self.side / size)
        matrix = np.diag([factor_x, factor_y]) @ self.to_photo(size)
        return cv2.warpAffine(
            level, _for_pixel_centres(matrix), (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )

    def paste(self, crop: np.ndarray, height: int, width: int) -> tuple[np.ndarray, Box]:
        """A float32 SxS map back in the photo: bilinear values inside a box, and that box; 0 elsewhere.

        The box (left, top, right, bottom; exclusive ends) holds what the region shares with a height x width
        photo; it is empty if they do not meet.
        """
        size = crop.shape[0]
        matrix = self.to_photo(size)
        corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int).tolist()
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int).tolist()
        box = (left, top, max(left, right), max(top, bottom))
        shape = (box[2] - left, box[3] - top)
        if 0 in shape:
            return np.zeros(shape[::-1], dtype=np.float32), box
        matrix = matrix - np.array([[0, 0, left], [0, 0, top]])
        return cv2.warpAffine(crop, _for_pixel_centres(matrix), shape, flags=cv2.INTER_LINEAR), box


def _for_pixel_centres(matrix: np.ndarray) -> np.ndarray:
    """OpenCV puts integer coordinates at pixel centres: the same affine map shifted by half a pixel."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return shifted


class Pyramid:
    """A uint8 HxWx3 photo and its halvings (area averaged), so that small crops of large photos are sharp."""

    def __init__(self, photo: np.ndarray) -> None:
        self.photo = photo
        self.height, self.width = photo.shape[:2]

    @cached_property
    def _levels(self) -> list[np.ndarray]:
        levels = [self.photo]
        while max(levels[-1].shape[:2]) > 512:
            height, width = levels[-1].shape[:2]
            size = (max(1, width // 2), max(1, height // 2))
            levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
        return levels

    def level_for(self, shrink: float) -> tuple[np.ndarray, float, float]:
        """The level to resample at `shrink` photo pixels per output pixel; its scale along x and y."""
        index = max(0, int(np.floor(np.log2(max(shrink, 1e-9)) + 0.5)))
        level = self._levels[min(index, len(self._levels) - 1)]
        return level, level.shape[1] / self.width, level.shape[0] / self.height
