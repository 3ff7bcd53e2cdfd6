"""Eq. 2's templates against brute force."""

import numpy as np
import pytest
import torch

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.templates import (
    TemplatePrior,
    fit_templates,
    into_person_frame,
    out_of_person_frame,
    person_frame,
    template_weights,
)


def _ellipse(height: int, width: int, y: float, x: float, b: float, a: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return ((rows - y) / b) ** 2 + ((columns - x) / a) ** 2 <= 1


def test_weights_are_normalised_inverse_distances() -> None:
    generator = np.random.default_rng(0)
    masks, templates = generator.random((3, 1, 8, 8)), generator.random((5, 8, 8))
    weights = template_weights(torch.tensor(masks), torch.tensor(templates)).numpy()
    expected = np.empty((3, 5))
    for n in range(3):
        for k in range(5):
            expected[n, k] = 1 / np.linalg.norm(masks[n, 0] - templates[k])
        expected[n] /= expected[n].sum()
    np.testing.assert_allclose(weights, expected, rtol=1e-4)


def test_the_frame_is_the_centre_of_mass_and_spread() -> None:
    mask = _ellipse(64, 64, 40, 22, 15, 9)
    centre, half = person_frame(torch.tensor(mask[None, None], dtype=torch.float32))
    rows, columns = np.nonzero(mask)
    expected = (np.array([columns.mean(), rows.mean()]) + 0.5) / 32 - 1
    np.testing.assert_allclose(centre[0].numpy(), expected, atol=1e-5)
    spread = np.sqrt(columns.var() + rows.var()) / 32
    assert half.item() == pytest.approx(2.5 * spread, rel=1e-3)


def test_an_empty_mask_has_the_whole_crop() -> None:
    centre, half = person_frame(torch.full((1, 1, 32, 32), 0.2))
    assert centre.tolist() == [[0, 0]]
    assert half.tolist() == [1]


def test_where_and_how_large_a_person_is_does_not_matter() -> None:
    small, large = _ellipse(96, 96, 30, 34, 16, 8), _ellipse(96, 96, 50, 46, 32, 16)
    centred = []
    for mask in (small, large):
        tensor = torch.tensor(mask[None, None], dtype=torch.float32)
        centred.append(into_person_frame(tensor, *person_frame(tensor), 32))
    assert (centred[0] - centred[1]).abs().mean() < 0.02


def test_into_the_frame_and_back() -> None:
    mask = torch.tensor(_ellipse(64, 64, 36, 26, 20, 10)[None, None], dtype=torch.float32)
    frame = person_frame(mask)
    back = out_of_person_frame(into_person_frame(mask, *frame, 32), *frame, 64)
    both, either = torch.minimum(back, mask).sum(), torch.maximum(back, mask).sum()
    assert both / either > 0.85


def test_fitted_templates_are_k_means_centres() -> None:
    tall = [_ellipse(90, 70, 45, 35, 30 + i % 3, 8) for i in range(6)]
    wide = [_ellipse(70, 110, 30, 50, 8, 30 + i % 3) for i in range(6)]
    templates = fit_templates([*tall, *wide], count=2, size=16)
    assert templates.shape == (2, 16, 16)
    assert templates.dtype == np.float32
    assert templates.min() >= 0
    assert templates.max() <= 1.0001
    heights = [(t.max(axis=1) > 0.5).sum() for t in templates]
    widths = [(t.max(axis=0) > 0.5).sum() for t in templates]
    assert sorted(h > w for h, w in zip(heights, widths, strict=True)) == [False, True]
    np.testing.assert_array_equal(templates, fit_templates([*tall, *wide], count=2, size=16))


def test_too_few_masks_are_refused() -> None:
    with pytest.raises(DeoccludeError, match="1 masks are too few for 64 templates"):
        fit_templates([_ellipse(40, 40, 20, 20, 9, 9), np.zeros((40, 40), bool)])


def test_the_prior_equals_its_formula_and_passes_gradients() -> None:
    torch.manual_seed(0)
    prior = TemplatePrior(count=4, size=8, channels=3)
    prior.templates.copy_(torch.rand(4, 8, 8))
    mask = torch.tensor(_ellipse(32, 32, 16, 14, 9, 5)[None, None] * 0.8, dtype=torch.float32)
    mask.requires_grad_()
    out = prior(mask)
    assert out.shape == (1, 3, 32, 32)
    frame = person_frame(mask)
    weights = template_weights(into_person_frame(mask, *frame, 8), prior.templates)
    combined = prior.combine(4 * weights[:, :, None, None] * prior.templates[None])
    torch.testing.assert_close(out, out_of_person_frame(combined, *frame, 32))
    out.square().sum().backward()
    assert mask.grad is not None
    assert mask.grad.abs().sum() > 0
    assert "templates" in prior.state_dict()
