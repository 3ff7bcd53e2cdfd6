"""Batch norm folded into convolutions changes nothing but the number of layers."""

import pytest
import torch
from torch import nn

from deocclude.fusing import fuse_batch_norms
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.network import MaskCompletionNetwork


def lively(network: nn.Module) -> nn.Module:
    """In eval mode, with batch norms that shift and scale."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)
    return network.eval()


def test_one_convolution_does_what_both_did() -> None:
    layers = lively(nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, bias=False), nn.BatchNorm2d(5), nn.ReLU()))
    convolution, norm = layers[0], layers[1]
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - scale * norm.running_mean
    image = torch.rand(2, 3, 11, 8)
    expected = nn.functional.conv2d(image, scale[:, None, None, None] * convolution.weight, shift, 2).relu()
    before = layers(image)
    fuse_batch_norms(layers)
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.Identity, nn.ReLU]
    torch.testing.assert_close(layers(image), before)
    torch.testing.assert_close(layers(image), expected)


@pytest.mark.parametrize("preset", MASK_PRESETS)
def test_the_mask_network_predicts_the_same_with_fewer_norms(preset: str) -> None:
    network = lively(MaskCompletionNetwork(MASK_PRESETS[preset]))
    image, initial = torch.rand(1, 3, 96, 96), (torch.rand(1, 1, 96, 96) > 0.5).float()
    with torch.inference_mode():
        before = network(image, initial)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    fuse_batch_norms(network)
    left = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert left < norms / 8
    with torch.inference_mode():
        for name, old, new in zip(before._fields, before, network(image, initial), strict=True):
            torch.testing.assert_close(new, old, rtol=1e-3, atol=1e-3, msg=name)


def test_norms_that_follow_something_else_stay() -> None:
    layers = lively(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)))
    image = torch.rand(1, 3, 6, 5)
    before = layers(image)
    fuse_batch_norms(layers)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == 2
    torch.testing.assert_close(layers(image), before)
