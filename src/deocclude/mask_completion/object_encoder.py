"""What objects look like: EfficientNet-Lite0's features, as ImageNet taught them, as an encoder of `lite`.

BlazePose tells a body from its surroundings; where an occluder ends is for a network that knows objects. Its
weights stay as they are: the photographs at hand are too few to teach them anything.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from deocclude.lite0 import read_lite0_weights
from deocclude.mask_completion.folded import FoldedConvolution, FoldedResidual

_STAGES = (
    ((16, 24, 3, 2), (24, 24, 3, 1)),
    ((24, 40, 5, 2), (40, 40, 5, 1)),
    ((40, 80, 3, 2), (80, 80, 3, 1), (80, 80, 3, 1), (80, 112, 5, 1), (112, 112, 5, 1), (112, 112, 5, 1)),
    ((112, 192, 5, 2), (192, 192, 5, 1), (192, 192, 5, 1), (192, 192, 5, 1)),
)
"""Blocks down to 1/4, 1/8, 1/16 and 1/32: inputs, outputs, kernel size, stride. All expand by 6."""


class ObjectEncoder(nn.Module):
    """N3SS RGB in [0, 1] -> features at 1/4, 1/8, 1/16 and 1/32 of unit variance; S a multiple of 32."""

    widths = (24, 40, 112, 192)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            FoldedConvolution(3, 32, 3, stride=2, late=True),
            FoldedConvolution(32, 32, 3, groups=32),
            FoldedConvolution(32, 16, 1, linear=True),
        )
        self.levels = nn.ModuleList(
            nn.Sequential(
                *(
                    FoldedResidual(inputs, 6 * inputs, outputs, size, stride, late=True)
                    for inputs, outputs, size, stride in stage
                )
            )
            for stage in _STAGES
        )
        self.requires_grad_(False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in self.widths)

    def forward(self, image: Tensor) -> list[Tensor]:
        with torch.no_grad():
            x = self.stem((255.0 * image - 127.0) / 128.0)
            features = []
            for level, norm in zip(self.levels, self.norms, strict=True):
                x = level(x)
                features.append(norm(x))
        return features


def load_object_weights(encoder: ObjectEncoder) -> None:
    """Start `encoder` from ImageNet's weights. Raises a DeoccludeError where they are not installed."""
    ours = [module for module in encoder.modules() if isinstance(module, FoldedConvolution)]
    for convolution, (weight, bias) in zip(ours, _folded(read_lite0_weights()), strict=True):
        convolution.load_state_dict({"weight": weight, "bias": bias})


def _folded(weights: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution from the stem on, its batch norm folded in."""
    names = [("_conv_stem", "_bn0")]
    for index in range(1 + sum(map(len, _STAGES))):
        block = f"_blocks.{index}"
        norms = iter(("_bn0", "_bn1", "_bn2") if index else ("_bn1", "_bn2"))
        for part in ("_expand_conv", "_depthwise_conv", "_project_conv"):
            if f"{block}.{part}.weight" in weights:
                names.append((f"{block}.{part}", f"{block}.{next(norms)}"))
    for convolution, norm in names:
        mean, variance, scale, shift = (
            weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = scale / (variance + 1e-3).sqrt()
        yield weights[f"{convolution}.weight"] * scale[:, None, None, None], shift - scale * mean
