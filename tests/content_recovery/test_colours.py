"""Colours copied from the visible body, against loops in NumPy, and what they do to the picture."""

import dataclasses

import numpy as np
import pytest
import torch

from deocclude.content_recovery.attention import Guidance
from deocclude.content_recovery.colours import ColourAttention, Copied, mixed, seen_colours
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.parsing import LIP_CLASSES, NUM_PARTS

INPUTS = ("image", "modal", "amodal", "parsing_modal", "parsing_amodal")


def random_guidance(batch, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randint(0, 3, (batch, 1, height, width), generator=generator)
    parts = [torch.rand(batch, NUM_PARTS, height, width, generator=generator) for _ in range(2)]
    return Guidance(kinds == 1, kinds == 2, *parts)


def taught(channels, keys, seed=0):
    """A `ColourAttention` with nothing at its starting value."""
    torch.manual_seed(seed)
    attention = ColourAttention(channels, keys)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def linear(layer, vector):
    return layer.weight.detach().double().numpy() @ vector + layer.bias.detach().double().numpy()


def by_hand(attention, features, colours, guidance):
    """One sample: colours and trust of every cell, one hidden cell and one visible cell after another."""
    height, width = features.shape[1:]
    modal, amodal = guidance.parsing_modal[0].numpy(), guidance.parsing_amodal[0].numpy()
    affinity = np.exp(attention.affinity.detach().double().numpy())
    seen, hidden = (np.argwhere(where[0, 0].numpy()) for where in (guidance.visible, guidance.invisible))
    copied = (colours * guidance.visible[0]).double().numpy()
    trust = np.zeros((1, height, width))
    for row, column in hidden:
        query = linear(attention.psi, np.concatenate([amodal[:, row, column], features[:, row, column]]))
        logits = []
        for y, x in seen:
            key = linear(attention.phi, np.concatenate([modal[:, y, x], features[:, y, x]]))
            fit = amodal[:, row, column] @ affinity @ modal[:, y, x] + 1e-4
            far = ((row - y) ** 2 + (column - x) ** 2) / width**2
            logits.append(query @ key + np.log(fit) - attention.fall.item() * np.log(1 + far / 0.02**2))
        weights = np.exp(np.array(logits))
        copied[:, row, column] = (
            sum(
                weight * colours[:, y, x].double().numpy()
                for weight, (y, x) in zip(weights, seen, strict=True)
            )
            / weights.sum()
        )
        told = np.append(features[:, row, column], np.log(weights.sum()) / 10)
        trust[0, row, column] = 1 / (1 + np.exp(-linear(attention.trust, told)[0]))
    return copied, trust


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 9)])
def test_equals_the_relation_cell_by_cell(height, width):
    attention = taught(4, 3)
    guidance = random_guidance(2, height, width, seed=height)
    features, colours = torch.randn(2, 4, height, width), torch.rand(2, 3, height, width)
    guidance.visible[1, :, 2:] = False
    ours = attention(features, colours, guidance)
    for sample in range(2):
        alone = Guidance(*(one[sample : sample + 1] for one in guidance))
        copied, trust = by_hand(attention, features[sample], colours[sample], alone)
        np.testing.assert_allclose(ours.colours[sample].detach(), copied, atol=1e-5)
        np.testing.assert_allclose(ours.trust[sample].detach(), trust, atol=1e-5)


@pytest.mark.parametrize("missing", ["visible", "invisible"])
def test_nothing_to_copy_or_nowhere_to_gives_no_trust_and_finite_gradients(missing):
    attention = taught(4, 3)
    guidance = random_guidance(2, 5, 5, seed=1)
    getattr(guidance, missing)[0] = False
    copied = attention(torch.randn(2, 4, 5, 5), torch.rand(2, 3, 5, 5), guidance)
    assert copied.trust[0].abs().sum() == 0
    assert copied.trust[1].abs().sum() > 0
    (copied.colours.sum() + copied.trust.sum()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in attention.parameters())


def test_new_weights_copy_from_the_same_part_or_its_other_side_and_trust_it_by_half():
    parts = {name: LIP_CLASSES.index(name) - 1 for name in ("upper-clothes", "left-shoe", "right-shoe")}
    guidance = Guidance(
        torch.tensor([[[[1, 0, 0, 1]]]]) > 0,
        torch.tensor([[[[0, 1, 1, 0]]]]) > 0,
        torch.zeros(1, NUM_PARTS, 1, 4),
        torch.zeros(1, NUM_PARTS, 1, 4),
    )
    guidance.parsing_modal[0, parts["upper-clothes"], 0, 0] = 1
    guidance.parsing_modal[0, parts["left-shoe"], 0, 3] = 1
    guidance.parsing_amodal[0, parts["right-shoe"], 0, 1] = 1
    guidance.parsing_amodal[0, parts["upper-clothes"], 0, 2] = 1
    colours = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1.0]]).T.reshape(1, 3, 1, 4)
    copied = ColourAttention(2, 2)(torch.randn(1, 2, 1, 4), colours, guidance)
    shoe, shirt = copied.colours[0, :, 0, 1], copied.colours[0, :, 0, 2]
    torch.testing.assert_close(shoe, torch.tensor([0.0, 0, 1]), atol=0.02, rtol=0)
    torch.testing.assert_close(shirt, torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)
    assert copied.trust.flatten().tolist() == [0, 0.5, 0.5, 0]


def test_the_relation_is_float32_under_autocast():
    attention = taught(4, 3)
    guidance = random_guidance(1, 6, 6, seed=4)
    features, colours = torch.randn(1, 4, 6, 6), torch.rand(1, 3, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        under = attention(features, colours, guidance)
    for ours, usual in zip(under, attention(features, colours, guidance), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, usual)


def test_seen_colours_are_means_within_the_outline_or_on_it():
    rng = np.random.default_rng(0)
    image, visible = rng.random((3, 12, 8)), np.zeros((12, 8), bool)
    visible[:7, :5] = True
    visible[9, 7] = True
    expected = np.zeros((3, 3, 2))
    padded = np.pad(visible, 1, constant_values=True)
    inner = np.array([[padded[y : y + 3, x : x + 3].all() for x in range(8)] for y in range(12)])
    for row in range(3):
        for column in range(2):
            cell = slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4)
            mask = inner[cell] if inner[cell].any() else visible[cell]
            if mask.any():
                expected[:, row, column] = image[(slice(None), *cell)][:, mask].mean(axis=1)
    ours = seen_colours(torch.from_numpy(image)[None], torch.from_numpy(visible)[None, None], 4)
    np.testing.assert_allclose(ours[0], expected, atol=1e-6)
    assert (expected[:, 2, 1] == image[:, 9, 7]).all()
    assert not expected[:, 2, 0].any()


def test_mixing_changes_the_invisible_part_alone_and_as_far_as_trusted():
    guidance = random_guidance(2, 5, 7, seed=2)
    painted, invisible = torch.rand(2, 3, 20, 28), (torch.rand(2, 1, 20, 28) > 0.5).float()
    grey = torch.full((2, 3, 5, 7), 0.25) * (guidance.visible | guidance.invisible)
    reachable = torch.nn.functional.interpolate(guidance.invisible.float(), scale_factor=4.0) > 0
    for trust in (0.0, 0.6, 1.0):
        out = mixed(painted, Copied(grey, trust * guidance.invisible), guidance, invisible)
        expected = painted + trust * (0.25 - painted)
        where = (reachable & (invisible > 0)).expand_as(out)
        torch.testing.assert_close(out[where], expected[where])
        kept = (invisible == 0).expand_as(out)
        assert torch.equal(out[kept], painted[kept])


def test_a_plain_body_is_completed_in_its_own_colour_where_copies_are_trusted(tiny, make_person):
    batch = make_person(32)
    colour = torch.tensor([0.8, 0.3, 0.1])[:, None, None].expand(3, 32, 32)
    batch["image"] = torch.where(batch["modal"] > 0, colour, batch["image"])
    network = ContentRecoveryNetwork(tiny).eval()
    with torch.no_grad():
        network.colours.trust.bias.fill_(20.0)
        out = network(*(batch[name] for name in INPUTS))
    where = (batch["invisible"] > 0).expand_as(out)
    torch.testing.assert_close(out[where], colour.expand_as(out)[where], atol=1e-3, rtol=0)


def test_a_scale_that_the_decoder_lacks_is_refused(tiny):
    with pytest.raises(ValueError, match="attention scales"):
        dataclasses.replace(tiny, colour_attention=8)
