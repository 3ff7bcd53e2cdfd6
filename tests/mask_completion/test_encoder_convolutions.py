"""Padding of the encoders' convolutions against windows cut by hand."""

import numpy as np
import pytest
import torch

from deocclude.mask_completion.encoders import OddConv2d
from deocclude.mask_completion.folded import FoldedConvolution, FoldedResidual


def by_hand(convolution, x, before, after, stride):
    """A depthwise convolution of an array padded by so many zeros, without its bias."""
    kernel = convolution.kernel_size[0]
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (before, after), (before, after)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    weight = convolution.weight.detach().numpy()[:, 0]
    return np.einsum("nchwij,cij->nchw", windows[:, :, ::stride, ::stride], weight)


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 2, 8), (5, 2, 10), (3, 1, 7), (5, 1, 6)])
def test_odd_convolutions_keep_or_halve_the_size(kernel, stride, size):
    convolution = OddConv2d(6, 6, kernel, stride=stride, groups=6)
    x = torch.rand(2, 6, size, size)
    expected = by_hand(convolution, x, kernel // 2, kernel // 2, stride)
    assert expected.shape[-1] == size // stride
    np.testing.assert_allclose(convolution(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_late_padding_is_tensorflows(kernel, before, after):
    convolution = FoldedConvolution(6, 6, kernel, stride=2, groups=6, linear=True, late=True)
    x = torch.rand(2, 6, 10, 10)
    expected = by_hand(convolution, x, before, after, 2)
    assert expected.shape[-1] == 5
    expected += convolution.bias.detach().numpy()[:, None, None]
    np.testing.assert_allclose(convolution(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_late_padding_changes_nothing_at_stride_1():
    torch.manual_seed(0)
    early = FoldedConvolution(3, 4, 5)
    late = FoldedConvolution(3, 4, 5, late=True)
    late.load_state_dict(early.state_dict())
    x = torch.rand(1, 3, 7, 9)
    torch.testing.assert_close(late(x), early(x))


def test_residuals_add_where_shapes_allow():
    x = torch.rand(1, 4, 6, 6)
    for stride, outputs, adds in ((1, 4, True), (1, 5, False), (2, 4, False)):
        block = FoldedResidual(4, 8, outputs, 3, stride)
        for parameter in block.project.parameters():
            parameter.data.zero_()
        expected = x if adds else torch.zeros(1, outputs, 6 // stride, 6 // stride)
        torch.testing.assert_close(block(x), expected)
