"""BlazePose's landmark model: 33 joints and the soft mask of the person in a region."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deocclude.people.model_files import model_path
from deocclude.people.region import Pyramid, Region
from deocclude.people.tflite import Model, sigmoid

INPUT_SIZE = 256
NUM_LANDMARKS = 33
_MARGIN = 1.25
_FLECK = 0.01


@dataclass(frozen=True)
class Pose:
    """What the landmark model says about one region.

    presence: in [0, 1], whether a person is there. landmarks: float32 33x3, x and y in photo pixels,
    visibility in [0, 1]. circle: float32 2x2, mid-hip and a point on the circle around the body, in photo
    pixels. mask: float32 256x256 in [0, 1], in the coordinates of `region`.
    """

    region: Region
    presence: float
    landmarks: np.ndarray
    circle: np.ndarray
    mask: np.ndarray

    @property
    def next_region(self) -> Region:
        """The region that the pose itself asks for: a second look is centred better than the detector's."""
        return Region.around_circle(self.circle[0], self.circle[1], _MARGIN)

    def mask_in_photo(self, height: int, width: int, scale: float = 1.0) -> np.ndarray:
        """bool HxW: the soft mask, resized first, thresholded at 0.5 afterwards. scale: of the photo."""
        region = self.region.scaled(scale)
        soft, (left, top, right, bottom) = region.paste(self.mask, height, width)
        out = np.zeros((height, width), dtype=bool)
        out[top:bottom, left:right] = soft > 0.5
        return out


class LandmarkModel:
    def __init__(self) -> None:
        self._model = Model(model_path("pose_landmark"))

    def __call__(self, photo: Pyramid, region: Region) -> Pose:
        crop = region.cut(photo, INPUT_SIZE)
        outputs = {output.shape: output for output in self._model(crop.astype(np.float32) / 255.0)}
        raw = outputs[1, 195].reshape(39, 5)
        to_photo = region.to_photo(INPUT_SIZE)
        points = raw[:, :2] @ to_photo[:, :2].T + to_photo[:, 2]
        visibility = sigmoid(raw[:NUM_LANDMARKS, 3:4])
        return Pose(
            region=region,
            presence=float(outputs[1, 1][0, 0]),
            landmarks=np.concatenate([points[:NUM_LANDMARKS], visibility], axis=1).astype(np.float32),
            circle=points[NUM_LANDMARKS : NUM_LANDMARKS + 2].astype(np.float32),
            mask=without_flecks(sigmoid(outputs[1, INPUT_SIZE, INPUT_SIZE, 1][0, :, :, 0])),
        )


def without_flecks(mask: np.ndarray) -> np.ndarray:
    """Soft mask (float32 HxW) without parts above 0.5 that hold less than a hundredth of the whole.

    A fleck far away would stretch the person's box; a leg seen below a table is larger than that.
    """
    _, parts, statistics, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA]
    flecks = areas < _FLECK * areas[1:].sum()
    flecks[0] = False
    return np.where(flecks[parts], np.minimum(mask, 0.5), mask)
