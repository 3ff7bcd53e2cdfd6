"""BlazePose's detector: where people are, as the circle around each body and its direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deocclude.people.anchors import INPUT_SIZE, anchor_centres
from deocclude.people.model_files import model_path
from deocclude.people.region import Pyramid, Region
from deocclude.people.tflite import Model, sigmoid

_MARGIN = 1.25


@dataclass(frozen=True)
class Detection:
    """score: in [0, 1]. box: float32 4, left, top, right, bottom in photo pixels, of the head or upper body.

    points: float32 4x2 in photo pixels: mid-hip, a point on the circle around the body above the hip,
    mid-shoulder, a point on the circle around the upper body.
    """

    score: float
    box: np.ndarray
    points: np.ndarray

    @property
    def region(self) -> Region:
        """The upright square around the whole body that the landmark model looks at."""
        return Region.around_circle(self.points[0], self.points[1], _MARGIN)


class Detector:
    def __init__(self) -> None:
        self._model = Model(model_path("pose_detection"))
        self._anchors = anchor_centres()

    def __call__(self, photo: Pyramid, view: Region, min_score: float) -> list[Detection]:
        """People inside `view` scoring at least min_score, best first, not yet freed of duplicates."""
        crop = view.cut(photo, INPUT_SIZE)
        outputs = self._model(crop.astype(np.float32) / 127.5 - 1.0)
        raw = next(output for output in outputs if output.shape[-1] == 12)[0]
        logits = next(output for output in outputs if output.shape[-1] == 1)[0, :, 0]
        scores = sigmoid(logits)
        chosen = np.flatnonzero(scores >= min_score)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        boxes, points = decode(raw[chosen], self._anchors[chosen])
        to_photo = view.to_photo(INPUT_SIZE)
        corners = boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(-1, 4, 2) @ to_photo[:, :2].T + to_photo[:, 2]
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
        points = (points @ to_photo[:, :2].T + to_photo[:, 2]).astype(np.float32)
        return [
            Detection(float(scores[i]), box, own) for i, box, own in zip(chosen, boxes, points, strict=True)
        ]


def decode(raw: np.ndarray, anchors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (Nx4 corners) and points (Nx4x2) in input pixels of raw values (Nx12) at their anchors (Nx2)."""
    pairs = raw.reshape(-1, 6, 2).copy()
    centres = anchors * INPUT_SIZE
    pairs[:, 0] += centres
    pairs[:, 2:] += centres[:, None]
    half = pairs[:, 1] / 2
    boxes = np.concatenate([pairs[:, 0] - half, pairs[:, 0] + half], axis=1)
    return boxes, pairs[:, 2:]


def box_overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """IoU of one box (4) with each of N boxes (Nx4), float N; boxes without area overlap nothing."""
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    together = (box[2] - box[0]) * (box[3] - box[1]) + areas - shared
    return np.divide(shared, together, out=np.zeros_like(shared), where=together > 0)


def suppress_duplicates(detections: list[Detection], max_overlap: float) -> list[Detection]:
    """Weighted non-maximum suppression (Bazarevsky et al., 2019): best first, each person once.

    A detection absorbs every weaker one whose box overlaps its own by more than max_overlap; box and points
    become the score-weighted mean, the score stays that of the best.
    """
    remaining = sorted(detections, key=lambda detection: -detection.score)
    kept = []
    while remaining:
        overlaps = box_overlaps(remaining[0].box, np.stack([detection.box for detection in remaining]))
        overlaps[0] = 1.0
        same = [d for d, overlap in zip(remaining, overlaps, strict=True) if overlap > max_overlap]
        remaining = [d for d, overlap in zip(remaining, overlaps, strict=True) if overlap <= max_overlap]
        weights = np.array([d.score for d in same], dtype=np.float32)
        weights /= weights.sum()
        kept.append(
            Detection(
                score=same[0].score,
                box=np.tensordot(weights, np.stack([d.box for d in same]), axes=1),
                points=np.tensordot(weights, np.stack([d.points for d in same]), axes=1),
            )
        )
    return kept
