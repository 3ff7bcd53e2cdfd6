"""The losses of Eq. 7 against NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from deocclude.content_recovery.losses import Pictures, body_l1, close_up, compared, feature_losses


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    output, original = (torch.rand(2, 3, 9, 7, generator=generator) for _ in range(2))
    body = (torch.rand(2, 1, 9, 7, generator=generator) > 0.4).float()
    invisible = (torch.rand(2, 1, 9, 7, generator=generator) > 0.6).float()
    return output, original, body, invisible


def test_l1_weighs_hidden_pixels_and_counts_the_body_only(scene):
    output, original, body, invisible = (tensor.double().numpy() for tensor in scene)
    total = weight = 0.0
    for index in np.ndindex(2, 9, 7):
        sample, row, column = index
        if body[sample, 0, row, column]:
            share = 6.0 if invisible[sample, 0, row, column] else 1.0
            total += share * np.abs(output - original)[sample, :, row, column].mean()
            weight += share
    assert body_l1(*scene, hidden_weight=6.0).item() == pytest.approx(total / weight, abs=1e-6)


def test_l1_of_nobody_is_zero(scene):
    output, original, body, invisible = scene
    assert body_l1(output, original, torch.zeros_like(body), invisible, 6.0) == 0


def test_pictures_differ_from_the_truth_only_where_the_truth_is_known(scene):
    output, original, body, invisible = scene
    raw, composited, truth = compared(*scene)
    for picture, painted in ((raw, body), (composited, body * invisible)):
        inside = (painted > 0).expand_as(output)
        assert torch.equal(picture[inside], output[inside])
        assert torch.equal(picture[~inside], original[~inside])
    assert truth is original


def test_close_up_copies_the_surroundings_of_the_hidden_part():
    picture = torch.rand(3, 3, 64, 64)
    invisible = torch.zeros(3, 1, 64, 64)
    invisible[0, :, 30:35, 20:25] = 1  # centre (22.5, 32.5), 16 wide: columns 14..30, rows 24..40
    invisible[1, :, 0:4, 60:64] = 1  # pushed inside the crop
    small = close_up(Pictures(picture, picture, picture), invisible, 16).raw
    torch.testing.assert_close(small[0], picture[0, :, 24:40, 14:30], atol=1e-4, rtol=0)
    torch.testing.assert_close(small[1], picture[1, :, 0:16, 48:64], atol=1e-4, rtol=0)
    assert small.shape == (3, 3, 16, 16)
    assert torch.isfinite(small).all()


def test_close_up_holds_the_whole_hidden_part():
    invisible = torch.zeros(1, 1, 64, 64)
    invisible[..., 5:45, 30:40] = 1
    picture = invisible.expand(-1, 3, -1, -1)
    seen = close_up(Pictures(picture, picture, picture), invisible, 16).truth
    assert seen.mean() * 50**2 == pytest.approx(400, rel=0.15)  # the square is 1.25 * 40 wide
    assert seen[..., 0, :].sum() + seen[..., -1, :].sum() + seen[..., 0].sum() + seen[..., -1].sum() == 0


def test_a_close_up_as_large_as_the_crop_is_the_crop():
    pictures = Pictures(*torch.rand(3, 1, 3, 32, 32))
    assert close_up(pictures, torch.ones(1, 1, 32, 32), 32) is pictures


def test_feature_losses_add_up_raw_and_composited():
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 4, 3)
    pictures = Pictures(*torch.rand(3, 2, 3, 10, 10))
    perceptual, style = feature_losses(pictures, lambda x: [x, convolution(x)])

    def gram(maps):
        count, channels, height, width = maps.shape
        flat = maps.reshape(count, channels, -1)
        return np.einsum("nap,nbp->nab", flat, flat) / (channels * height * width)

    wanted = [0.0, 0.0]
    for picture in (pictures.raw, pictures.composited):
        for layer in (lambda x: x, convolution):
            ours, truth = (layer(x).detach().double().numpy() for x in (picture, pictures.truth))
            wanted[0] += np.abs(ours - truth).mean()
            wanted[1] += np.abs(gram(ours) - gram(truth)).mean()
    assert perceptual.item() == pytest.approx(wanted[0], rel=1e-5)
    assert style.item() == pytest.approx(wanted[1], rel=1e-4)
