"""BlazePose's landmark network, which knows people already, as an encoder of `lite`.

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

from deocclude.mask_completion.folded import FoldedConvolution, FoldedResidual
from deocclude.people.tflite import convolutions

_PYRAMID = 48
_OUTSIDE_TRUNK = (5, 6)
"""Convolutions in graph order that serve the landmark network's finest mask alone."""


def _lateral(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        FoldedConvolution(inputs, inputs, 3, groups=inputs), FoldedConvolution(inputs, _PYRAMID, 1)
    )


class PoseEncoder(nn.Module):
    """N3SS RGB in [0, 1] -> features at 1/4, 1/8, 1/16 and 1/32 of unit variance; S a multiple of 32.

    The finest level also holds the pyramid's 48 channels, from which BlazePose tells joints and mask.
    """

    widths = (24 + _PYRAMID, 32, 88, 144)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            FoldedConvolution(3, 24, 3, stride=2),
            FoldedConvolution(24, 24, 3, groups=24),
            FoldedConvolution(24, 16, 1, linear=True),
        )
        self.levels = nn.ModuleList(
            [
                nn.Sequential(FoldedResidual(16, 64, 24, 3, 2), FoldedResidual(24, 144, 24, 3)),
                nn.Sequential(FoldedResidual(24, 144, 32, 5, 2), FoldedResidual(32, 192, 32, 5)),
                nn.Sequential(
                    FoldedResidual(32, 192, 64, 3, 2),
                    FoldedResidual(64, 384, 64, 3),
                    FoldedResidual(64, 384, 64, 3),
                    FoldedResidual(64, 384, 88, 5),
                    FoldedResidual(88, 528, 88, 5),
                    FoldedResidual(88, 528, 88, 5),
                ),
                nn.Sequential(
                    FoldedResidual(88, 528, 144, 5, 2), *(FoldedResidual(144, 864, 144, 5) for _ in range(3))
                ),
            ]
        )
        self.top = nn.Sequential(FoldedConvolution(144, 864, 1), FoldedConvolution(864, 864, 3, groups=864))
        self.laterals = nn.ModuleList(_lateral(width) for width in (24, 32, 88, 864))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in self.widths)

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

    def forward(self, image: Tensor) -> list[Tensor]:
        trunk, pyramid = self.features(image)
        levels = [torch.cat([trunk[0], pyramid], dim=1), *trunk[1:]]
        return [norm(level) for norm, level in zip(self.norms, levels, strict=True)]

    def in_graph_order(self) -> Iterator[FoldedConvolution]:
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


def _convolutions_of(module: nn.Module) -> list[FoldedConvolution]:
    return [child for child in module.modules() if isinstance(child, FoldedConvolution)]


def load_pose_weights(encoder: PoseEncoder, model: Path) -> None:
    """Start `encoder` from the landmark model's file. Raises a DeoccludeError if it cannot be read."""
    ours = list(encoder.in_graph_order())
    theirs = convolutions(model)[: len(ours) + len(_OUTSIDE_TRUNK)]
    kept = [pair for number, pair in enumerate(theirs, start=1) if number not in _OUTSIDE_TRUNK]
    for convolution, (weight, bias) in zip(ours, kept, strict=True):
        convolution.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
