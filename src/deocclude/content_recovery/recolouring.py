"""Other colours for the people of a batch, so that stage 2 looks for colours and does not recall them."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def recoloured(batch: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """A batch in which about `share` of the samples have all their hues turned by one angle, drawn at random.

    `image` and `original` (N3SS in [0, 1]) of a sample turn alike; greys stay as they are. Draws come from
    torch's CPU generator.
    """
    count = len(batch["image"])
    angles = torch.rand(count) * 2 * math.pi * (torch.rand(count) < share)
    turns = _turns(angles).to(batch["image"].device)

    def turned(pictures: Tensor) -> Tensor:
        return torch.einsum("nij,njhw->nihw", turns, pictures).clamp(0, 1)

    return {**batch, "image": turned(batch["image"]), "original": turned(batch["original"])}


def _turns(angles: Tensor) -> Tensor:
    """Nx3x3: rotations of RGB around the axis of greys (Rodrigues), by radians."""
    axis = torch.full((3,), 3**-0.5)
    cross = torch.linalg.cross(torch.eye(3), axis.expand(3, 3)).T
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    return cosine * torch.eye(3) + sine * cross + (1 - cosine) * torch.outer(axis, axis)
