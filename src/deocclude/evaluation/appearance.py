"""How results look to networks: the perceptual distance of the hidden part, and features for FID and KID.

Both compare the unoccluded photo with the same photo whose hidden pixels are the result's, so that nothing
but the painted part can differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from deocclude.crops import OUTSIDE_PHOTO, SquareWindow, box_of
from deocclude.errors import DeoccludeError
from deocclude.lite0 import SIZE, Lite0Features
from deocclude.perceptual import VGG16Features, perceptual_loss

CLOSE_UP = 96
"""Side in pixels of the window around the hidden part that VGG16 sees."""


@dataclass(frozen=True)
class Looks:
    """Of one sample's results. Either half is None where its network is not installed, or nothing is hidden.

    perceptual: by result. features: float32 1280 by result; original: the same of the unoccluded photo.
    """

    perceptual: dict[str, float] | None
    features: dict[str, np.ndarray] | None
    original: np.ndarray | None


@dataclass(frozen=True)
class Appearance:
    """The networks that are installed. notes: one line for each that is not, with the remedy."""

    vgg: nn.Module | None
    lite0: nn.Module | None
    device: torch.device
    notes: tuple[str, ...] = ()

    @classmethod
    def load(cls, device: torch.device) -> Appearance:
        networks: list[nn.Module | None] = []
        notes = []
        for what, network in (
            ("perceptual distance", VGG16Features),
            ("FID-lite0 and KID-lite0", Lite0Features),
        ):
            try:
                networks.append(network().to(device))
            except DeoccludeError as error:
                networks.append(None)
                notes.append(f"{what} left out: {error}")
        return cls(networks[0], networks[1], device, tuple(notes))

    @torch.inference_mode()
    def __call__(
        self,
        results: Mapping[str, np.ndarray],
        original: np.ndarray,
        hidden: np.ndarray,
        person: SquareWindow,
    ) -> Looks:
        """results: uint8 HxWx3 by name; hidden: bool HxW, what is truly hidden; person: the person's window.

        Equal pictures go through the networks once.
        """
        box = box_of(hidden)
        if box is None:
            return Looks(None, None, None)
        merged = [original]
        place = {}
        for name, result in results.items():
            picture = np.where(hidden[..., None], result, original)
            same = (at for at, other in enumerate(merged) if np.array_equal(picture, other))
            place[name] = next(same, len(merged))
            if place[name] == len(merged):
                merged.append(picture)
        distances = self._distances(merged, SquareWindow.around(box))
        features = self._features(merged, person)
        return Looks(
            None if distances is None else {name: distances[at] for name, at in place.items()},
            None if features is None else {name: features[at] for name, at in place.items()},
            None if features is None else features[0],
        )

    def _distances(self, pictures: list[np.ndarray], window: SquareWindow) -> list[float] | None:
        """Perceptual distance of each picture to the first."""
        if self.vgg is None:
            return None
        features = self.vgg(self._crops(pictures, window, CLOSE_UP))
        return [
            float(perceptual_loss([f[at : at + 1] for f in features], [f[:1] for f in features]))
            for at in range(len(pictures))
        ]

    def _features(self, pictures: list[np.ndarray], window: SquareWindow) -> np.ndarray | None:
        """float32 nx1280; one picture at a time, which is the fastest on a CPU."""
        if self.lite0 is None:
            return None
        crops = self._crops(pictures, window, SIZE).contiguous(memory_format=torch.channels_last)
        return torch.cat([self.lite0(crop[None]) for crop in crops]).cpu().numpy()

    def _crops(self, pictures: list[np.ndarray], window: SquareWindow, size: int) -> Tensor:
        crops = [window.cut(picture, size, outside=OUTSIDE_PHOTO) for picture in pictures]
        return torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2).float().div(255)
