"""What `lite` adds behind its decoders: nothing at first, then what the definitions say."""

import numpy as np
import pytest
import torch

from deocclude.mask_completion.refinement import Refinement, ResidualBlock, SelfAttention

WIDTH, HEADS = 8, 4


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("depth", [0, 2])
def test_it_starts_as_the_identity_of_features_behind_a_relu(depth: int, attention: bool) -> None:
    features = torch.rand(2, WIDTH, 5, 7)
    refine = Refinement(WIDTH, depth, attention=attention)
    assert torch.equal(refine(features), features)
    assert len(refine) == depth * (1 + attention)


def test_attention_equals_its_definition_pixel_by_pixel() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(WIDTH)
    torch.nn.init.normal_(attention.answer.weight)
    torch.nn.init.normal_(attention.answer.bias)
    features = torch.randn(2, WIDTH, 3, 5)
    with torch.no_grad():
        found = attention(features).numpy()
    ask, answer = (layer.weight.detach().numpy() for layer in (attention.ask, attention.answer))
    bias = attention.answer.bias.detach().numpy()
    for picture, expected in zip(features.numpy(), found, strict=True):
        pixels = picture.reshape(WIDTH, -1).T
        normal = (pixels - pixels.mean(1, keepdims=True)) / np.sqrt(pixels.var(1, keepdims=True) + 1e-5)
        query, key, value = np.split(normal @ ask.T, 3, axis=1)
        side = WIDTH // HEADS
        heard = np.zeros_like(pixels)
        for head in range(HEADS):
            own = slice(head * side, (head + 1) * side)
            for place in range(len(pixels)):
                weights = np.exp(key[:, own] @ query[place, own] / np.sqrt(side))
                heard[place, own] = weights @ value[:, own] / weights.sum()
        whole = pixels + heard @ answer.T + bias
        assert np.allclose(expected, whole.T.reshape(picture.shape), atol=1e-5)


def test_attention_reaches_across_the_crop_and_a_block_does_not() -> None:
    torch.manual_seed(0)
    attention, block = SelfAttention(WIDTH).eval(), ResidualBlock(WIDTH).eval()
    torch.nn.init.normal_(attention.answer.weight)
    torch.nn.init.ones_(block.change[-1].weight)
    features = torch.rand(1, WIDTH, 12, 12)
    other = features.clone()
    other[:, :4, 0, 0] += 1
    with torch.no_grad():
        far = [(part(features) - part(other))[..., 6:, 6:].abs().max() for part in (attention, block)]
        near = (block(features) - block(other))[..., :3, :3].abs().max()
    assert far[0] > 1e-4
    assert far[1] == 0
    assert near > 1e-4
