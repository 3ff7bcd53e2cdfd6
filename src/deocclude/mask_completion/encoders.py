"""Encoders that start from nothing; each returns its features from the finest to the coarsest level."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, *, separable: bool) -> nn.Sequential:
    """3x3 convolution, or a 1x1 and then a depthwise 3x3; batch norm and ReLU behind each."""
    if not separable:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def double_convolution(inputs: int, outputs: int, *, separable: bool) -> nn.Sequential:
    """Two `convolution`s, inputs -> outputs -> outputs channels."""
    return nn.Sequential(
        convolution(inputs, outputs, separable=separable), convolution(outputs, outputs, separable=separable)
    )


class OddConv2d(nn.Conv2d):
    """Convolution of an odd kernel, padded so that stride 1 keeps the size and stride 2 halves even ones.

    Depthwise convolutions stay in float32 on a CPU: their bfloat16 gradients are several times slower there.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(
            inputs, outputs, kernel_size, stride=stride, padding=kernel_size // 2, groups=groups, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        if self.groups > 1 and torch.is_autocast_enabled("cpu") and input.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float()).to(input.dtype)
        return super().forward(input)


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection, batch norm behind each; ReLU6.

    No expansion convolution when `expansion` is 1; the input is added when the shape stays.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(inputs, hidden, 1, bias=False), _norm(hidden), nn.ReLU6(inplace=True)
            )
        self.depthwise = OddConv2d(hidden, hidden, kernel_size, stride=stride, groups=hidden)
        self.depthwise_norm = _norm(hidden)
        self.project = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.project_norm = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.relu6(self.depthwise_norm(self.depthwise(self.expand(x))), inplace=True)
        y = self.project_norm(self.project(y))
        return x + y if self.adds else y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


class Encoder(Protocol):
    """`widths`: channels of the features it returns, finest level first, each level half the size."""

    widths: tuple[int, ...]

    def __call__(self, x: Tensor) -> list[Tensor]: ...


class DoubleConvEncoder(nn.Module):
    """U-Net's encoder: double convolutions, 2x2 max pooling between levels; level 0 at the input's size."""

    def __init__(self, inputs: int, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.levels = nn.ModuleList()
        for width, depth in zip(widths, depths, strict=True):
            blocks = []
            for _ in range(depth):
                blocks.append(double_convolution(inputs, width, separable=False))
                inputs = width
            self.levels.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in self.levels:
            x = level(nn.functional.max_pool2d(x, 2) if features else x)
            features.append(x)
        return features


class SeparableEncoder(nn.Module):
    """Light encoder for the second hourglass; level 0 at the input's size.

    A level starts with a strided 5x5 depthwise convolution and goes on with `depth` 5x5 inverted residuals
    of expansion 3: most of its weights and its reach are at the coarse levels, where whole bodies fit.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.levels = nn.ModuleList()
        for index, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            first = (
                convolution(inputs, width, separable=True)
                if index == 0
                else InvertedResidual(inputs, width, kernel_size=5, stride=2, expansion=1)
            )
            rest = [
                InvertedResidual(width, width, kernel_size=5, stride=1, expansion=3) for _ in range(depth)
            ]
            self.levels.append(nn.Sequential(first, *rest))
            inputs = width

    def forward(self, x: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features
