"""Numbers and pictures of a validation."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from deocclude.baselines import ContentBaseline
from deocclude.baselines.nearest_fill import nearest_visible_fill
from deocclude.baselines.telea import telea_fill
from deocclude.evaluation.metrics import psnr

_BASELINES: dict[str, ContentBaseline] = {"nearest": nearest_visible_fill, "telea": telea_fill}
_MARK = np.array([235, 64, 52], dtype=np.float32)


def to_photos(pictures: Tensor) -> np.ndarray:
    """N3SS in [0, 1] -> uint8 NxSxSx3."""
    pixels = pictures.detach().float().clamp(0, 1).mul(255).round().byte()
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_masks(masks: Tensor) -> np.ndarray:
    """N1SS -> bool NxSxS."""
    return (masks[:, 0] > 0.5).cpu().numpy()


class ContentScores:
    """Errors of composited pictures in [0, 1] over the invisible, known pixels of all samples (micro)."""

    def __init__(self) -> None:
        self._absolute: dict[str, float] = {}
        self._squared: dict[str, float] = {}
        self._values = 0

    def add(self, composited: Tensor, batch: dict[str, Tensor]) -> None:
        """composited: N3SS in [0, 1], for the true masks of an `ahp.batches` batch."""
        visible, invisible, known = (to_masks(batch[name]) for name in ("modal", "invisible", "known"))
        occluded, original, ours = (to_photos(x) for x in (batch["image"], batch["original"], composited))
        for index, where in enumerate(invisible & known):
            self._values += 3 * int(where.sum())
            results = {"content": ours[index]}
            for name, fill in _BASELINES.items():
                results[name] = fill(occluded[index], visible[index], invisible[index])
            for name, result in results.items():
                error = (result[where].astype(np.float64) - original[index][where]) / 255
                self._absolute[name] = self._absolute.get(name, 0.0) + float(np.abs(error).sum())
                self._squared[name] = self._squared.get(name, 0.0) + float((error**2).sum())

    def summary(self) -> dict[str, float]:
        """`l1` and `psnr` of the network, and of the fills as `l1_nearest`, `psnr_telea`, ..."""
        values = max(1, self._values)
        numbers = {}
        for name in self._absolute:
            suffix = "" if name == "content" else f"_{name}"
            numbers[f"l1{suffix}"] = self._absolute[name] / values
            numbers[f"psnr{suffix}"] = psnr(self._squared[name] / values)
        return numbers


def sheet(composited: Tensor, batch: dict[str, Tensor]) -> np.ndarray:
    """uint8 HxWx3, one row a sample: occluded, its hidden part marked, composited, original."""
    occluded, result, original = (to_photos(x) for x in (batch["image"], composited, batch["original"]))
    rows = []
    for index, hidden in enumerate(to_masks(batch["invisible"])):
        marked = occluded[index].astype(np.float32)
        marked[hidden] = 0.5 * marked[hidden] + 0.5 * _MARK
        outlines, _ = cv2.findContours(hidden.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        marked_photo = cv2.drawContours(marked.astype(np.uint8), outlines, -1, _MARK.tolist(), 1)
        rows.append(np.hstack([occluded[index], marked_photo, result[index], original[index]]))
    return np.vstack(rows)
