"""Partial convolution against its definition, window by window, and against the full-channel form."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from deocclude.content_recovery.partial_conv import Partial, PartialBlock, PartialConv2d, hide, upsample


def by_definition(layer, channel_masks, features):
    """Liu et al., Eq. 1-2, with one mask a channel (CHW) and zero padding: float64 loops over windows."""
    weight = layer.conv.weight.detach().double().numpy()
    bias = np.zeros(len(weight)) if layer.bias is None else layer.bias.detach().double().numpy()
    pad, kernel, stride = layer.kernel // 2, layer.kernel, layer.stride
    x = np.pad(features, ((0, 0), (pad, pad), (pad, pad)))
    m = np.pad(channel_masks, ((0, 0), (pad, pad), (pad, pad)))
    rows = (features.shape[1] + 2 * pad - kernel) // stride + 1
    columns = (features.shape[2] + 2 * pad - kernel) // stride + 1
    out, mask = np.zeros((len(weight), rows, columns)), np.zeros((1, rows, columns))
    for row in range(rows):
        for column in range(columns):
            window = np.s_[
                :, row * stride : row * stride + kernel, column * stride : column * stride + kernel
            ]
            if m[window].sum() > 0:
                scale = m[window].size / m[window].sum()
                out[:, row, column] = (weight * (x[window] * m[window])).sum(axis=(1, 2, 3)) * scale + bias
                mask[0, row, column] = 1
    return out, mask


@pytest.mark.parametrize(
    ("kernel", "stride", "height", "width"),
    [(3, 1, 9, 7), (3, 2, 9, 8), (5, 2, 11, 6), (7, 2, 8, 13), (1, 1, 4, 5)],
)
def test_equals_the_definition_inside_and_at_borders(kernel, stride, height, width):
    generator = torch.Generator().manual_seed(kernel * height)
    layer = PartialConv2d(4, 3, kernel, stride)
    torch.nn.init.normal_(layer.bias, generator=generator)
    features = torch.randn(2, 4, height, width, generator=generator)
    mask = (torch.rand(2, 1, height, width, generator=generator) > 0.7).float()
    mask[0, :, :5, :5] = 0
    got = layer(hide(features, mask))
    for index in range(2):
        masks = np.repeat(mask[index].numpy(), 4, axis=0)
        out, valid = by_definition(layer, masks, features[index].double().numpy())
        np.testing.assert_allclose(got.features[index].detach().numpy(), out, atol=1e-5)
        np.testing.assert_array_equal(got.mask[index].numpy(), valid)


def test_two_inputs_with_two_masks_equal_the_full_channel_definition():
    generator = torch.Generator().manual_seed(0)
    layer = PartialConv2d(5, 4, 3)
    first, second = (torch.randn(1, count, 7, 9, generator=generator) for count in (2, 3))
    masks = [(torch.rand(1, 1, 7, 9, generator=generator) > 0.6).float() for _ in range(2)]
    got = layer(hide(first, masks[0]), hide(second, masks[1]))
    channel_masks = torch.cat([masks[0].expand(-1, 2, -1, -1), masks[1].expand(-1, 3, -1, -1)], dim=1)
    out, valid = by_definition(
        layer, channel_masks[0].numpy(), torch.cat([first, second], 1)[0].double().numpy()
    )
    np.testing.assert_allclose(got.features[0].detach().numpy(), out, atol=1e-5)
    np.testing.assert_array_equal(got.mask[0].numpy(), valid)


def test_a_window_without_valid_cells_gives_zero_and_stays_hidden():
    layer = PartialConv2d(2, 3, 3)
    torch.nn.init.ones_(layer.bias)
    mask = torch.ones(1, 1, 9, 9)
    mask[..., 2:7, 2:7] = 0
    out = layer(hide(torch.randn(1, 2, 9, 9), mask))
    assert out.mask[0, 0, 3:6, 3:6].sum() == 0
    assert out.mask.sum() == 81 - 9
    assert out.features[..., 3:6, 3:6].abs().sum() == 0
    assert (out.features[..., 0, :].abs() > 0).all()


def test_a_hole_everywhere_gives_zeros_and_finite_gradients():
    layer = PartialConv2d(2, 3, 3)
    features = torch.randn(1, 2, 5, 5, requires_grad=True)
    out = layer(hide(features, torch.zeros(1, 1, 5, 5)))
    out.features.sum().backward()
    assert out.features.abs().sum() == 0
    assert features.grad.abs().sum() == 0
    assert torch.isfinite(layer.conv.weight.grad).all()


def test_without_holes_the_inside_is_an_ordinary_convolution():
    layer = PartialConv2d(3, 4, 5)
    torch.nn.init.normal_(layer.bias)
    features = torch.randn(1, 3, 12, 10)
    out = layer(Partial(features, torch.ones(1, 1, 12, 10))).features
    plain = functional.conv2d(features, layer.conv.weight, layer.bias, padding=2)
    torch.testing.assert_close(out[..., 2:-2, 2:-2], plain[..., 2:-2, 2:-2])


def test_what_is_hidden_has_no_influence():
    block = PartialBlock(3, 4, 3, stride=2).eval()
    mask = torch.ones(1, 1, 8, 8)
    mask[..., 2:6, 3:7] = 0
    features = torch.randn(1, 3, 8, 8)
    other = torch.where(mask > 0, features, torch.full_like(features, 1e3))
    torch.testing.assert_close(block(hide(features, mask)).features, block(hide(other, mask)).features)


def test_a_block_keeps_hidden_cells_at_zero_behind_the_normalisation():
    block = PartialBlock(3, 4, 3)
    torch.nn.init.ones_(block.norm.bias)
    mask = torch.ones(2, 1, 8, 8)
    mask[..., 2:7, 2:7] = 0
    features, valid = block(hide(torch.randn(2, 3, 8, 8), mask))
    assert (valid == 0).any()
    assert features[(valid == 0).expand_as(features)].abs().sum() == 0


def test_upsampling_repeats_cells():
    out = upsample(Partial(torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[1.0, 0.0]]]])))
    assert out.features[0, 0].tolist() == [[1, 1, 2, 2]] * 2
    assert out.mask[0, 0].tolist() == [[1, 1, 0, 0]] * 2
