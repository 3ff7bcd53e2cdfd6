"""The losses of Eq. 7 on the raw and on the composited output."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.content_recovery.network import composite
from deocclude.perceptual import perceptual_loss, style_loss

_ROOM_AROUND_THE_HIDDEN = 1.25


class Pictures(NamedTuple):
    """What VGG16 and the discriminator compare, N3SS each.

    raw: the network's output in the whole body; composited: its output in the hidden part only; truth: the
    photo without the occluder. All three equal the truth outside the body and where it is unknown: nothing
    has to be painted there.
    """

    raw: Tensor
    composited: Tensor
    truth: Tensor


def compared(output: Tensor, original: Tensor, body: Tensor, invisible: Tensor) -> Pictures:
    """output, original: N3SS in [0, 1]; body, invisible: N1SS, body the true amodal mask where known."""
    return Pictures(
        composite(output, original, body), composite(output, original, body * invisible), original
    )


def body_l1(
    output: Tensor, original: Tensor, body: Tensor, invisible: Tensor, hidden_weight: float
) -> Tensor:
    """Mean absolute difference over the body, where an invisible pixel weighs `hidden_weight` times more.

    output, original: N3SS; body, invisible: N1SS, body the known pixels of the true amodal mask. 0 without
    body.
    """
    weight = body * (1 + (hidden_weight - 1) * invisible)
    difference = (output.float() - original).abs().mean(dim=1, keepdim=True)
    return (difference * weight).sum() / weight.sum().clamp(min=1)


def close_up(pictures: Pictures, invisible: Tensor, size: int) -> Pictures:
    """Squares of size x size around each sample's invisible part (N1SS), the same of every picture.

    A square is at least `size` wide and 1.25 times the hidden part's longer side, lies inside the crop and is
    resized bilinearly. The pictures themselves where they are no larger than `size`.
    """
    side = invisible.shape[-1]
    if side <= size:
        return pictures
    corners, widths = _squares(invisible[:, 0] > 0.5, size)
    theta = torch.zeros(len(corners), 2, 3, device=invisible.device)
    theta[:, 0, 0] = theta[:, 1, 1] = widths / side
    theta[:, :, 2] = (2 * corners + widths[:, None]) / side - 1
    grid = functional.affine_grid(theta, [len(corners), 3, size, size], align_corners=False)
    return Pictures(
        *(functional.grid_sample(picture.float(), grid, align_corners=False) for picture in pictures)
    )


def _squares(hidden: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """For NSS bool: left and top (Nx2) and width (N) of each square, whole numbers as float."""
    side = hidden.shape[-1]
    spans = []
    for other_axis in (1, 2):
        line = hidden.any(dim=other_axis).int()
        spans.append((line.argmax(dim=1), side - line.flip(1).argmax(dim=1)))
    low, high = (torch.stack(ends, dim=1).float() for ends in zip(*spans, strict=True))
    widths = (_ROOM_AROUND_THE_HIDDEN * (high - low).amax(dim=1)).ceil().clamp(size, side)
    corners = ((low + high - widths[:, None]) / 2).round()
    return torch.minimum(corners.clamp(min=0), (side - widths)[:, None]), widths


def feature_losses(pictures: Pictures, features: Callable[[Tensor], list[Tensor]]) -> tuple[Tensor, Tensor]:
    """Perceptual and style loss, each the sum over raw and composited output (Liu et al., Eq. 3-5)."""
    with torch.no_grad():
        truth = features(pictures.truth)
    both = features(torch.cat([pictures.raw, pictures.composited]))
    halves = list(zip(*(feature.chunk(2) for feature in both), strict=True))
    perceptual = sum((perceptual_loss(half, truth) for half in halves), start=pictures.raw.new_zeros(()))
    style = sum((style_loss(half, truth) for half in halves), start=pictures.raw.new_zeros(()))
    return perceptual, style
