"""The first hourglass's encoder in `lite`: what BlazePose and ImageNet know, and the initial mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.mask_completion.object_encoder import ObjectEncoder
from deocclude.mask_completion.pose_encoder import PoseEncoder

_MASK_CHANNELS = 8


class PersonEncoder(nn.Module):
    """Input N4SS (RGB in [0, 1], mask), S a multiple of 32.

    Returns features at 1/4, 1/8, 1/16 and 1/32: the body's, the objects', each of unit variance, and the mask
    (averaged to its size, as eight equal channels, or its voice would be lost among them).
    """

    widths = tuple(
        pose + objects + _MASK_CHANNELS
        for pose, objects in zip(PoseEncoder.widths, ObjectEncoder.widths, strict=True)
    )

    def __init__(self) -> None:
        super().__init__()
        self.pose = PoseEncoder()
        self.objects = ObjectEncoder()

    def forward(self, x: Tensor) -> list[Tensor]:
        image = x[:, :3].contiguous(memory_format=torch.channels_last)
        levels = zip(self.pose(image), self.objects(image), strict=True)
        return [_with_mask(pose, objects, x[:, 3:]) for pose, objects in levels]


def _with_mask(pose: Tensor, objects: Tensor, mask: Tensor) -> Tensor:
    here = functional.adaptive_avg_pool2d(mask, (pose.shape[-2], pose.shape[-1]))
    channels = (2.0 * here - 0.5).to(pose.dtype).expand(-1, _MASK_CHANNELS, -1, -1)
    joined = torch.cat([pose, objects.to(pose.dtype), channels], dim=1)
    return joined.contiguous(memory_format=torch.channels_last)
