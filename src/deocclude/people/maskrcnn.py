"""Mask R-CNN of torchvision (He et al., 2017) as a source of people; an extra, its weights come online."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson

_PERSON = 1


class MaskRCNN:
    """COCO-trained Mask R-CNN (ResNet-50 FPN). score: least confidence of a person, in [0, 1].

    Raises DeoccludeError when made if torchvision is not installed. Torch downloads the weights on first use.
    """

    name = "maskrcnn"

    def __init__(self, score: float = 0.7, device: str = "cpu") -> None:
        try:
            from torchvision.models import detection
        except ImportError as error:
            raise DeoccludeError(
                "Mask R-CNN needs torchvision; install it: pip install 'deocclude[maskrcnn]'"
            ) from error
        self._detection = detection
        self._score = score
        self._device = device

    @cached_property
    def _model(self) -> Any:
        weights = self._detection.MaskRCNN_ResNet50_FPN_Weights.DEFAULT
        model = self._detection.maskrcnn_resnet50_fpn(weights=weights, box_score_thresh=self._score)
        return model.to(self._device).eval()

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        """photo: uint8 HxWx3 RGB. People from the largest mask to the smallest, [] if none."""
        import torch

        image = torch.from_numpy(np.ascontiguousarray(photo)).to(self._device).permute(2, 0, 1) / 255
        with torch.inference_mode():
            (found,) = self._model([image])
        people = []
        for label, score, soft in zip(found["labels"], found["scores"], found["masks"], strict=True):
            mask = (soft[0] > 0.5).cpu().numpy()
            if int(label) == _PERSON and float(score) >= self._score and mask.any():
                people.append(DetectedPerson(mask, float(score)))
        return sorted(people, key=lambda person: -int(person.mask.sum()))
