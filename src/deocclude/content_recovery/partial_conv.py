"""Partial convolution (Liu et al., ECCV 2018, Eq. 1-2), with masks of one channel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Partial(NamedTuple):
    """Features NCHW, 0 where hidden, and where they are valid: N1HW float, 1 valid, 0 hidden."""

    features: Tensor
    mask: Tensor


def hide(features: Tensor, mask: Tensor) -> Partial:
    """Features with everything that the mask hides set to 0 (X * M)."""
    return Partial(features * mask.to(features.dtype), mask)


class PartialConv2d(nn.Module):
    """Convolution that looks at valid cells only and says where its own output is valid.

    With X the input, M its mask and sums over one window: x' = W^T (X * M) sum(1)/sum(M) + b where
    sum(M) > 0, else 0; the new mask is sum(M) > 0. Zero padding belongs to the definition: padded cells are
    invalid cells of the window, so sum(1) is always kernel * kernel (times the channels) and windows at the
    border are scaled up.

    All channels of one input share one mask, so sum(M) is a mean over one channel instead of a convolution
    over all. Several inputs, each with its own mask, are concatenated; sum(M) then weighs every mask by its
    channels, which equals the full-channel definition. The kernel is odd; the output has
    ceil(side / stride) cells a side.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, *parts: Partial) -> Partial:
        """Channels of all parts add up to in_channels. Returns features and mask at the new resolution."""
        channels = [part.features.shape[1] for part in parts]
        weighted = [part.mask * (count / sum(channels)) for part, count in zip(parts, channels, strict=True)]
        share = torch.stack(weighted).sum(dim=0)
        valid = functional.avg_pool2d(share, self.kernel, self.stride, self.kernel // 2)
        mask = (valid > 0).to(valid.dtype)
        scale = mask / valid.clamp(min=torch.finfo(valid.dtype).tiny)
        dtype = parts[0].features.dtype
        features = self.conv(torch.cat([part.features.to(dtype) for part in parts], dim=1))
        features = features * scale.to(features.dtype)
        if self.bias is not None:
            features = features + (self.bias[:, None, None] * mask).to(features.dtype)
        return Partial(features, mask)


class PartialBlock(nn.Module):
    """Partial convolution, batch normalisation (optional) and leaky ReLU (slope 0.2)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, norm: bool = True):
        super().__init__()
        self.conv = PartialConv2d(in_channels, out_channels, kernel, stride, bias=not norm)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, *parts: Partial) -> Partial:
        features, mask = self.conv(*parts)
        return hide(self.activation(self.norm(features)), mask)


def upsample(part: Partial) -> Partial:
    """Features and mask at twice the resolution, by nearest neighbour."""
    return Partial(*(functional.interpolate(tensor, scale_factor=2.0, mode="nearest") for tensor in part))
