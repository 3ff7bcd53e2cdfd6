"""Stage 2 on a photo: masks of people in, the colours of their hidden parts out (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from deocclude import tensors
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of, moved
from deocclude.resampling import SHARP, enlarge
from deocclude.result import Patch


class ContentStage:
    """The network of stage 2, shown each person in the window that the amodal mask asks for."""

    def __init__(self, network: ContentRecoveryNetwork, device: torch.device) -> None:
        self._network = network
        self._device = device

    def __call__(self, photo: np.ndarray, people: Sequence[dict[str, Patch]]) -> list[Patch | None]:
        """The colours in the box of each person's hidden part, None if nothing is hidden.

        photo: uint8 HxWx3 RGB; people: a few, with `modal`, `amodal`, `parsing_modal`, `parsing_amodal`.
        """
        size = self._network.config.size
        painted: list[Patch | None] = [None] * len(people)
        inputs = []
        for index, patches in enumerate(people):
            hidden_box = _box_in_photo(
                patches["amodal"].values & ~patches["modal"].values, patches["amodal"].box
            )
            amodal_box = _box_in_photo(patches["amodal"].values, patches["amodal"].box)
            if hidden_box is None or amodal_box is None:
                continue
            window = SquareWindow.around(amodal_box)
            inside = {name: window.seen_from(patch.box) for name, patch in patches.items()}
            modal, amodal = (
                inside[name].cut_mask(patches[name].values, size) for name in ("modal", "amodal")
            )
            if modal.any() and (amodal & ~modal).any():
                maps = [
                    inside[name].cut(patches[name].values, size, nearest=True)
                    for name in ("parsing_modal", "parsing_amodal")
                ]
                image = window.cut(photo, size, outside=OUTSIDE_PHOTO)
                inputs.append((index, hidden_box, window, image, modal, amodal, *maps))
        if not inputs:
            return painted
        indices, boxes, windows, images, modals, amodals, parsing_modal, parsing_amodal = zip(
            *inputs, strict=True
        )
        output = self._network(
            tensors.images(images, self._device),
            tensors.planes(modals, self._device),
            tensors.planes(amodals, self._device),
            torch.from_numpy(np.stack(parsing_modal)).long().to(self._device),
            torch.from_numpy(np.stack(parsing_amodal)).long().to(self._device),
        )
        for index, box, window, pixels in zip(
            indices, boxes, windows, output.float().cpu().numpy(), strict=True
        ):
            painted[index] = Patch(box, _colours(pixels, window, box))
        return painted


def _box_in_photo(mask: np.ndarray, place: Box) -> Box | None:
    box = box_of(mask)
    return None if box is None else moved(box, *place[:2])


def _colours(pixels: np.ndarray, window: SquareWindow, box: Box) -> np.ndarray:
    """uint8 hxwx3 of the network's float 3xSxS in [0, 1], at the photo pixels of `box`."""
    colours = np.empty((box[3] - box[1], box[2] - box[0], 3), np.uint8)
    for channel, plane in enumerate(pixels):
        colours[..., channel] = np.rint(enlarge(plane, window, box, SHARP).clip(0, 1) * 255)
    return colours
