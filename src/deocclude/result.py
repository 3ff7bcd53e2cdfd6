"""What the cascade returns: the photo, and every person in it made whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deocclude.crops import Box, rows_and_columns


@dataclass(frozen=True)
class Patch:
    """Part of a photo-sized array that is 0 elsewhere. values: hxw or hxwxC, of the box's size."""

    box: Box
    values: np.ndarray

    def at(self, height: int, width: int) -> np.ndarray:
        whole = np.zeros((height, width, *self.values.shape[2:]), self.values.dtype)
        whole[rows_and_columns(self.box)] = self.values
        return whole


@dataclass(frozen=True)
class Person:
    """One person made whole. Photo-sized arrays are built each time they are asked for: keep what you need.

    score: confidence of the detection in [0, 1]. box: the initial mask's left, top, right, bottom.
    landmarks: float32 33x3 (x, y, visibility) or None. occlusion_ratio: |invisible| / |amodal|, in [0, 1].
    _painted: uint8 RGBA that lies over the photo.
    """

    score: float
    box: Box
    landmarks: np.ndarray | None
    occlusion_ratio: float
    _photo: np.ndarray = field(repr=False)
    _masks: dict[str, Patch] = field(repr=False)
    _painted: Patch | None = field(repr=False)

    def _whole(self, name: str) -> np.ndarray:
        return self._masks[name].at(*self._photo.shape[:2])

    @property
    def initial(self) -> np.ndarray:
        """bool HxW: the mask that the person source gave (M_i)."""
        return self._whole("initial")

    @property
    def modal(self) -> np.ndarray:
        """bool HxW: the visible body."""
        return self._whole("modal")

    @property
    def amodal(self) -> np.ndarray:
        """bool HxW: the whole body; holds `modal`."""
        return self._whole("amodal")

    @property
    def invisible(self) -> np.ndarray:
        """bool HxW: amodal without modal."""
        return self.amodal & ~self.modal

    @property
    def parsing_modal(self) -> np.ndarray:
        """uint8 HxW: LIP part index inside `modal`, 0 outside."""
        return self._whole("parsing_modal")

    @property
    def parsing_amodal(self) -> np.ndarray:
        """uint8 HxW: LIP part index inside `amodal`, 0 outside."""
        return self._whole("parsing_amodal")

    @property
    def recovered(self) -> np.ndarray:
        """uint8 HxWx3 RGB: the photo with this person's hidden part painted in.

        All else is as it was, but for a narrow rim of the visible body beside it, where the occluder's colour
        shines through (not there without exemplars, see `Deoccluder`).
        """
        photo = self._photo.copy()
        if self._painted is not None:
            at = rows_and_columns(self._painted.box)
            colours, opacity = np.split(self._painted.values.astype(np.uint16), [3], axis=2)
            photo[at] = (opacity * colours + (255 - opacity) * photo[at] + 127) // 255
        return photo

    @property
    def cutout(self) -> np.ndarray:
        """uint8 HxWx4 RGBA: the whole person, transparent outside `amodal`."""
        amodal = self.amodal
        cutout = np.zeros((*amodal.shape, 4), np.uint8)
        np.copyto(cutout[..., :3], self.recovered, where=amodal[..., None])
        cutout[..., 3] = amodal * np.uint8(255)
        return cutout


@dataclass(frozen=True)
class DeoccludedPhoto:
    """photo: uint8 HxWx3 RGB, upright. people: from the largest initial mask to the smallest.

    seconds: wall time of the stages "people", "masks" and "content". person_source: who found the people.
    """

    photo: np.ndarray
    people: list[Person]
    seconds: dict[str, float]
    person_source: str
