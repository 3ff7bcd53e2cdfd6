"""Stage 2 on a photo: masks of people in, what covers their hidden parts out (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from deocclude import tensors
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of, moved, rows_and_columns
from deocclude.exemplars import find_exemplars
from deocclude.fine_detail import fine_detail
from deocclude.parsing import mirror
from deocclude.resampling import enlarge_colours
from deocclude.result import Patch


class _Crop(NamedTuple):
    """What the network is shown of one person, S x S each: the photo, both masks and both parsing maps."""

    window: SquareWindow
    hidden_box: Box
    image: np.ndarray
    modal: np.ndarray
    amodal: np.ndarray
    parsing_modal: np.ndarray
    parsing_amodal: np.ndarray

    @classmethod
    def of(cls, photo: np.ndarray, patches: dict[str, Patch], size: int) -> _Crop | None:
        """None if nothing is hidden or nothing to be seen."""
        modal, amodal = patches["modal"], patches["amodal"]
        hidden_box = _box_in_photo(amodal.values & ~modal.values, amodal.box)
        amodal_box = _box_in_photo(amodal.values, amodal.box)
        if hidden_box is None or amodal_box is None:
            return None
        window = SquareWindow.around(amodal_box)
        inside = {name: window.seen_from(patch.box) for name, patch in patches.items()}
        masks = [inside[name].cut_mask(patches[name].values, size) for name in ("modal", "amodal")]
        if not masks[0].any() or not (masks[1] & ~masks[0]).any():
            return None
        maps = [
            inside[name].cut(patches[name].values, size, nearest=True)
            for name in ("parsing_modal", "parsing_amodal")
        ]
        return cls(window, hidden_box, window.cut(photo, size, outside=OUTSIDE_PHOTO), *masks, *maps)

    def mirrored(self) -> _Crop:
        """What the network would be shown of the photo flipped left to right; window and box stay."""
        return self._replace(
            image=self.image[:, ::-1],
            modal=self.modal[:, ::-1],
            amodal=self.amodal[:, ::-1],
            parsing_modal=mirror(self.parsing_modal),
            parsing_amodal=mirror(self.parsing_amodal),
        )


class ContentStage:
    """The network of stage 2, shown each person in the window that the amodal mask asks for.

    It sees the window as it is and mirrored; the mean of both pictures is closer to the truth than the first.
    """

    def __init__(self, network: ContentRecoveryNetwork, device: torch.device, *, exemplars: bool) -> None:
        """exemplars: whether what the network paints takes its texture from the visible body."""
        self._network = network
        self._device = device
        self._exemplars = exemplars

    def __call__(self, photo: np.ndarray, people: Sequence[dict[str, Patch]]) -> list[Patch | None]:
        """RGBA of what lies over each person's hidden part, None if nothing is hidden.

        photo: uint8 HxWx3 RGB; people: a few, with `modal`, `amodal`, `parsing_modal`, `parsing_amodal`.
        """
        crops = [_Crop.of(photo, patches, self._network.config.size) for patches in people]
        shown = [crop for crop in crops if crop is not None]
        pictures = iter(self._paint(shown) if shown else ())
        return [
            None if crop is None else self._finished(photo, patches, crop, next(pictures))
            for crop, patches in zip(crops, people, strict=True)
        ]

    def _paint(self, crops: Sequence[_Crop]) -> np.ndarray:
        """float32 NxSxSx3 in [0, 1]: the mean of what the network paints into the crops and their mirrors."""
        usual, mirrored = np.split(self._predict([*crops, *(crop.mirrored() for crop in crops)]), 2)
        return (usual + mirrored[:, :, ::-1]) / 2

    def _predict(self, crops: Sequence[_Crop]) -> np.ndarray:
        """float32 NxSxSx3 in [0, 1], what the network paints."""

        def parsing(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(crop, name) for crop in crops])).long().to(self._device)

        output = self._network(
            tensors.images([crop.image for crop in crops], self._device),
            tensors.planes([crop.modal for crop in crops], self._device),
            tensors.planes([crop.amodal for crop in crops], self._device),
            parsing("parsing_modal"),
            parsing("parsing_amodal"),
        )
        return output.float().permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _finished(
        self, photo: np.ndarray, patches: dict[str, Patch], crop: _Crop, painted: np.ndarray
    ) -> Patch:
        window = crop.window
        found = None
        if self._exemplars:
            found = find_exemplars(
                painted, crop.image, crop.modal, crop.amodal, crop.parsing_modal, crop.parsing_amodal
            )
        rim = 0.0 if found is None else max(1.0, window.side / len(painted))
        box, opacity = _cover(patches["modal"], patches["amodal"], crop.hidden_box, rim)
        colours = enlarge_colours(painted if found is None else found.colours, window, box)
        if found is not None and window.side > len(painted):
            colours += fine_detail(photo, crop.image, window, patches["modal"], found.source, box)
        return Patch(box, np.rint(np.dstack([colours, opacity]).clip(0, 1) * 255).astype(np.uint8))


def _cover(modal: Patch, amodal: Patch, hidden_box: Box, rim: float) -> tuple[Box, np.ndarray]:
    """A box around the hidden part, and float32 hxw in [0, 1]: how opaque what is painted lies over it.

    Opaque where hidden and on a rim of visible pixels, where the occluder's colour shines through, then
    fading out over as much again. rim: in pixels.
    """
    reach = int(np.ceil(2 * rim))
    left, top, right, bottom = amodal.box
    box = (
        max(left, hidden_box[0] - reach), max(top, hidden_box[1] - reach),
        min(right, hidden_box[2] + reach), min(bottom, hidden_box[3] + reach),
    )  # fmt: skip
    inside = rows_and_columns(moved(box, -left, -top))
    visible = modal.values[inside]
    hidden = amodal.values[inside] & ~visible
    if not rim:
        return box, hidden.astype(np.float32)
    away = cv2.distanceTransform((~hidden).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return box, np.where(hidden | visible, (2 - away / rim).clip(0, 1), np.float32(0))


def _box_in_photo(mask: np.ndarray, place: Box) -> Box | None:
    box = box_of(mask)
    return None if box is None else moved(box, *place[:2])
