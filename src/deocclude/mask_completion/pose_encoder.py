"""The first hourglass's encoder in `lite`: BlazePose's landmark network, which knows people already.

N_i's own network has seen far more people than any photographs at hand show. Its trunk and feature pyramid (a
mobile network of inverted residuals, batch norm folded into the convolutions) are rebuilt here as they are in
the model file, so that they start from its weights and are trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.mask_completion.encoders import OddConv2d
from deocclude.people.tflite import convolutions

_MASK_CHANNELS = 8
_PYRAMID = 48
_OUTSIDE_TRUNK = (5, 6)
"""Convolutions in graph order that serve the landmark network's finest mask alone."""


class _Convolution(OddConv2d):
    """With bias, and ReLU6 unless `linear`."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, stride: int = 1, groups: int = 1,
        linear: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(inputs, outputs, kernel_size, stride=stride, groups=groups, bias=True)
        self._linear = linear

    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(input)
        return output if self._linear else functional.relu6(output, inplace=True)


class _Residual(nn.Module):
    """Expansion to `hidden` channels, depthwise convolution, linear projection; adds where shapes allow."""

    def __init__(self, inputs: int, hidden: int, outputs: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.expand = _Convolution(inputs, hidden, 1)
        self.depthwise = _Convolution(hidden, hidden, kernel_size, stride=stride, groups=hidden)
        self.project = _Convolution(hidden, outputs, 1, linear=True)
        self._adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self._adds else y


def _lateral(inputs: int) -> nn.Sequential:
    return nn.Sequential(_Convolution(inputs, inputs, 3, groups=inputs), _Convolution(inputs, _PYRAMID, 1))


class PoseEncoder(nn.Module):
    """Input N4SS (RGB in [0, 1], mask), S a multiple of 32.

    Returns features at 1/4, 1/8, 1/16 and 1/32, each with unit variance and the mask (averaged to its size,
    as eight equal channels, or its voice would be lost among them). The finest level also holds the pyramid's
    48 channels, from which BlazePose tells joints and mask.
    """

    widths = (24 + _PYRAMID + _MASK_CHANNELS, 32 + _MASK_CHANNELS, 88 + _MASK_CHANNELS, 144 + _MASK_CHANNELS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _Convolution(3, 24, 3, stride=2),
            _Convolution(24, 24, 3, groups=24),
            _Convolution(24, 16, 1, linear=True),
        )
        self.levels = nn.ModuleList(
            [
                nn.Sequential(_Residual(16, 64, 24, 3, 2), _Residual(24, 144, 24, 3)),
                nn.Sequential(_Residual(24, 144, 32, 5, 2), _Residual(32, 192, 32, 5)),
                nn.Sequential(
                    _Residual(32, 192, 64, 3, 2),
                    _Residual(64, 384, 64, 3),
                    _Residual(64, 384, 64, 3),
                    _Residual(64, 384, 88, 5),
                    _Residual(88, 528, 88, 5),
                    _Residual(88, 528, 88, 5),
                ),
                nn.Sequential(
                    _Residual(88, 528, 144, 5, 2), *(_Residual(144, 864, 144, 5) for _ in range(3))
                ),
            ]
        )
        self.top = nn.Sequential(_Convolution(144, 864, 1), _Convolution(864, 864, 3, groups=864))
        self.laterals = nn.ModuleList(_lateral(width) for width in (24, 32, 88, 864))
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width - _MASK_CHANNELS, affine=False) for width in self.widths
        )

    def features(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """The trunk at 1/4 to 1/32 with 24, 32, 88 and 144 channels, and the pyramid at 1/4 with 48."""
        x = self.stem(image)
        trunk: list[Tensor] = []
        for level in self.levels:
            x = level(x)
            trunk.append(x)
        pyramid: Tensor = self.laterals[3](self.top(x))
        for lateral, feature in zip(reversed(self.laterals[:3]), reversed(trunk[:3]), strict=True):
            larger = functional.interpolate(pyramid, scale_factor=2.0, mode="bilinear", align_corners=False)
            pyramid = lateral(feature) + larger
        return trunk, pyramid

    def forward(self, x: Tensor) -> list[Tensor]:
        mask = x[:, 3:]
        trunk, pyramid = self.features(x[:, :3].contiguous(memory_format=torch.channels_last))
        levels = [torch.cat([trunk[0], pyramid], dim=1), *trunk[1:]]
        return [self._with_mask(norm(level), mask) for norm, level in zip(self.norms, levels, strict=True)]

    @staticmethod
    def _with_mask(feature: Tensor, mask: Tensor) -> Tensor:
        here = functional.adaptive_avg_pool2d(mask, (feature.shape[-2], feature.shape[-1]))
        channels = (2.0 * here - 0.5).to(feature.dtype).expand(-1, _MASK_CHANNELS, -1, -1)
        return torch.cat([feature, channels], dim=1).contiguous(memory_format=torch.channels_last)

    def in_graph_order(self) -> Iterator[_Convolution]:
        """The convolutions as the model file lists them: laterals after the next level's expansion."""
        yield from _convolutions_of(self.stem)
        for level, lateral in zip(self.levels, [None, *self.laterals[:3]], strict=True):
            first, *rest = _convolutions_of(level)
            yield first
            if lateral is not None:
                yield from _convolutions_of(lateral)
            yield from rest
        yield from _convolutions_of(self.top)
        yield from _convolutions_of(self.laterals[3])


def _convolutions_of(module: nn.Module) -> list[_Convolution]:
    return [child for child in module.modules() if isinstance(child, _Convolution)]


def load_pose_weights(encoder: PoseEncoder, model: Path) -> None:
    """Start `encoder` from the landmark model's file. Raises a DeoccludeError if it cannot be read."""
    ours = list(encoder.in_graph_order())
    theirs = convolutions(model)[: len(ours) + len(_OUTSIDE_TRUNK)]
    kept = [pair for number, pair in enumerate(theirs, start=1) if number not in _OUTSIDE_TRUNK]
    for convolution, (weight, bias) in zip(ours, kept, strict=True):
        convolution.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
