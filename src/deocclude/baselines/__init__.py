"""Section 5.2: methods to compare with, all behind two interfaces."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class ContentBaseline(Protocol):
    """Paints a person's hidden part."""

    def __call__(self, photo: np.ndarray, visible: np.ndarray, invisible: np.ndarray) -> np.ndarray:
        """photo: uint8 HxWx3 RGB; visible, invisible: bool HxW, disjoint parts of one person.

        Returns uint8 HxWx3 that differs from `photo` in invisible pixels only; `photo` itself stays as it is.
        """
        ...


class MaskBaseline(Protocol):
    """Completes a visible mask."""

    def __call__(self, modal: np.ndarray) -> np.ndarray:
        """modal: bool HxW. Returns the amodal mask, bool HxW, which contains `modal`."""
        ...
