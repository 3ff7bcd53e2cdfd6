"""What `lite` adds between encoder and decoder: nothing at first, then what the definitions say."""

import numpy as np
import torch
from scipy.special import erf

from deocclude.mask_completion.context import Context

WIDTH = 12
HEADS = 5


def _learned(depth: int) -> Context:
    torch.manual_seed(0)
    context = Context(WIDTH, depth).eval()
    torch.nn.init.normal_(context.leave.weight)
    torch.nn.init.normal_(context.leave.bias)
    return context


def test_it_starts_as_the_identity_at_any_size() -> None:
    for rows, columns in ((1, 1), (3, 5), (8, 8)):
        features = torch.randn(2, WIDTH, rows, columns)
        assert torch.equal(Context(WIDTH, 2)(features), features)


def test_it_equals_its_definition() -> None:
    context = _learned(2)
    features = torch.randn(2, WIDTH, 3, 5)
    with torch.no_grad():
        found = context(features).numpy()
    weights = {name: value.double().numpy() for name, value in context.state_dict().items()}
    for picture, expected in zip(features.double().numpy(), found, strict=True):
        assert np.allclose(expected, _by_hand(picture, weights), atol=1e-4)


def _by_hand(picture: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    width, rows, columns = picture.shape
    pixels = picture.reshape(width, -1).T

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normal(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    waves = []
    for row in range(rows):
        for column in range(columns):
            y, x = (2 * row + 1) / rows - 1, (2 * column + 1) / columns - 1
            angles = [np.pi / 2 * place * 2**k for place in (y, x) for k in range(4)]
            waves.append([*np.sin(angles), *np.cos(angles)])
    tokens = linear(pixels, "enter") + np.array(waves) @ weights["place.weight"].T
    for layer in ("layers.0", "layers.1"):
        asked = normal(tokens, f"{layer}.norm1")
        attention = f"{layer}.self_attn"
        joined = asked @ weights[f"{attention}.in_proj_weight"].T + weights[f"{attention}.in_proj_bias"]
        heard = []
        for query, key, value in zip(
            *(np.split(part, HEADS, 1) for part in np.split(joined, 3, 1)), strict=True
        ):
            scores = np.exp(query @ key.T / np.sqrt(query.shape[1]))
            heard.append(scores / scores.sum(1, keepdims=True) @ value)
        tokens = tokens + linear(np.hstack(heard), f"{attention}.out_proj")
        hidden = linear(normal(tokens, f"{layer}.norm2"), f"{layer}.linear1")
        tokens = tokens + linear(hidden * (1 + erf(hidden / np.sqrt(2))) / 2, f"{layer}.linear2")
    known = linear(normal(tokens, "layers.2"), "leave")
    return picture + known.T.reshape(picture.shape)


def test_what_it_adds_depends_on_the_place_in_the_crop_and_reaches_across_it() -> None:
    context = _learned(1)
    features = torch.zeros(1, WIDTH, 4, 4)
    other = features.clone()
    other[..., 0, 0] = 1
    with torch.no_grad():
        added, changed = context(features), context(other) - other
    assert added.flatten(2).std(dim=2).min() > 1e-3
    assert (changed - added)[..., 3, 3].abs().max() > 1e-4


def test_it_learns() -> None:
    torch.manual_seed(0)
    context = Context(WIDTH, 1)
    optimizer = torch.optim.AdamW(context.parameters(), lr=1e-2)
    features = torch.randn(4, WIDTH, 2, 2)
    wanted = features + features.mean(dim=(2, 3), keepdim=True)
    losses = []
    for _ in range(30):
        loss = (context(features) - wanted).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 4
