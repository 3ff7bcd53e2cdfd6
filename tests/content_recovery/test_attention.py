"""Parsing guided attention against Eq. 6 in NumPy with the full HW x HW relation."""

import numpy as np
import pytest
import torch

from deocclude.content_recovery.attention import Guidance, ParsingGuidedAttention, guidance_at
from deocclude.parsing import NUM_PARTS


def random_guidance(batch, height, width, generator):
    kinds = torch.randint(0, 3, (batch, 1, height, width), generator=generator)
    parts = [torch.rand(batch, NUM_PARTS, height, width, generator=generator) for _ in range(2)]
    return Guidance(kinds == 1, kinds == 2, *parts)


def as_numpy(tensor):
    return tensor.detach().double().numpy()


def relation_by_hand(attention, features, guidance, sample):
    """Eq. 6 with every row and column: masked rows leave the softmax, masked columns give nothing."""
    f = as_numpy(features[sample]).reshape(features.shape[1], -1)
    modal = as_numpy(guidance.parsing_modal[sample]).reshape(NUM_PARTS, -1)
    amodal = as_numpy(guidance.parsing_amodal[sample]).reshape(NUM_PARTS, -1)
    visible = guidance.visible[sample].numpy().ravel()
    invisible = guidance.invisible[sample].numpy().ravel()
    k_vis = as_numpy(attention.phi.weight) @ np.vstack([f, modal]) + as_numpy(attention.phi.bias)[:, None]
    k_amo = as_numpy(attention.psi.weight) @ np.vstack([f, amodal]) + as_numpy(attention.psi.bias)[:, None]
    out = np.zeros_like(f)
    if not visible.any():
        return out.reshape(features.shape[1:])
    logits = k_vis.T @ k_amo
    logits[~visible] = -np.inf
    exponentials = np.exp(logits - logits.max(axis=0))
    relation = exponentials / exponentials.sum(axis=0)
    out[:, invisible] = (f @ relation)[:, invisible]
    return out.reshape(features.shape[1:])


def convolved(layer, maps):
    weight = as_numpy(layer.weight)[:, :, 0, 0]
    return np.einsum("oc,chw->ohw", weight, maps) + as_numpy(layer.bias)[:, None, None]


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 9)])
def test_equals_equation_6_by_brute_force(height, width):
    generator = torch.Generator().manual_seed(height)
    torch.manual_seed(0)
    attention = ParsingGuidedAttention(7, 5)
    features = torch.randn(3, 7, height, width, generator=generator)
    guidance = random_guidance(3, height, width, generator)
    guidance.visible[1, :, 1:] = False
    relation = attention.relation(features, guidance)
    whole = attention(features, guidance)
    for sample in range(3):
        expected = relation_by_hand(attention, features, guidance, sample)
        np.testing.assert_allclose(relation[sample].detach().numpy(), expected, atol=1e-5)
        f = as_numpy(features[sample])
        thin = convolved(attention.to_parts, f)
        both = np.concatenate(
            [
                thin * as_numpy(parsing[sample])
                for parsing in (guidance.parsing_modal, guidance.parsing_amodal)
            ]
        )
        parts = convolved(attention.from_parts, both)
        fused = convolved(attention.fuse, np.concatenate([f, parts, expected]))
        np.testing.assert_allclose(whole[sample].detach().numpy(), fused, atol=1e-5)


@pytest.mark.parametrize("missing", ["visible", "invisible"])
def test_nothing_to_relate_gives_zeros_and_finite_gradients(missing):
    attention = ParsingGuidedAttention(4, 3)
    features = torch.randn(2, 4, 5, 5, requires_grad=True)
    guidance = random_guidance(2, 5, 5, torch.Generator().manual_seed(1))
    getattr(guidance, missing)[0] = False
    relation = attention.relation(features, guidance)
    assert relation[0].abs().sum() == 0
    assert relation[1].abs().sum() > 0
    attention(features, guidance).sum().backward()
    for tensor in (features, *attention.parameters()):
        assert torch.isfinite(tensor.grad).all()


def test_a_batch_equals_its_samples_one_by_one():
    attention = ParsingGuidedAttention(4, 3)
    features = torch.randn(4, 4, 6, 6)
    guidance = random_guidance(4, 6, 6, torch.Generator().manual_seed(2))
    together = attention(features, guidance)
    for index in range(4):
        alone = attention(
            features[index : index + 1], Guidance(*(one[index : index + 1] for one in guidance))
        )
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=1e-5)


def test_the_relation_learns():
    torch.manual_seed(0)
    attention = ParsingGuidedAttention(6, 4)
    guidance = random_guidance(2, 6, 6, torch.Generator().manual_seed(3))
    attention(torch.randn(2, 6, 6, 6), guidance).square().sum().backward()
    for layer in (attention.phi, attention.psi, attention.to_parts, attention.from_parts):
        assert layer.weight.grad.abs().sum() > 1e-6


def test_the_relation_is_float32_under_autocast():
    attention = ParsingGuidedAttention(6, 4)
    features = torch.randn(1, 6, 6, 6)
    guidance = random_guidance(1, 6, 6, torch.Generator().manual_seed(4))
    with torch.autocast("cpu", torch.bfloat16):
        relation = attention.relation(features, guidance)
        fused = attention(features, guidance)
    assert relation.dtype == torch.float32
    torch.testing.assert_close(relation, attention.relation(features, guidance))
    torch.testing.assert_close(fused.float(), attention(features, guidance), atol=0.05, rtol=0.05)


def test_guidance_averages_labels_and_splits_cells_by_majority():
    visible, invisible = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    visible[..., :4, :3] = 1  # most of cell (0, 0)
    invisible[..., :4, 3:] = 1  # a quarter of cell (0, 0), all of cell (0, 1)
    visible[..., 4:, 4:6] = 1  # cell (1, 1): half and half
    invisible[..., 4:, 6:] = 1
    modal, amodal = torch.zeros(1, 8, 8, dtype=torch.long), torch.full((1, 8, 8), 255)
    modal[:, :4, :2] = 5
    amodal[:, 4:, 4:] = 19
    guidance = guidance_at([4, 8], visible, invisible, modal, amodal)
    assert guidance[4].visible[0, 0].tolist() == [[True, False], [False, False]]
    assert guidance[4].invisible[0, 0].tolist() == [[False, True], [False, True]]
    assert guidance[4].parsing_modal[0, 4].tolist() == [[0.5, 0], [0, 0]]
    assert guidance[4].parsing_modal.sum() == 0.5
    assert guidance[4].parsing_amodal[0, 18].tolist() == [[0, 0], [0, 1]]
    assert guidance[8].parsing_amodal[0, :, 0, 0].tolist() == [0] * 18 + [0.25]
    assert guidance[8].invisible.all()
