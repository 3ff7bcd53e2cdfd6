"""PatchGAN and its losses."""

import numpy as np
import pytest
import torch

from deocclude.adversarial import (
    PatchDiscriminator,
    adversarial_term,
    discriminator_loss,
    discriminator_term,
    generator_loss,
)


@pytest.mark.parametrize(("channels", "side"), [(1, 64), (3, 96), (4, 32)])
def test_one_logit_a_patch(channels: int, side: int) -> None:
    logits = PatchDiscriminator(channels, width=4)(torch.rand(2, channels, side, side))
    assert logits.shape == (2, 1, side // 16, side // 16)


def test_a_logit_sees_78_pixels() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(1, width=4)
    for module in discriminator.modules():  # its statistics would make every pixel matter
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.forward = lambda x: x  # type: ignore[method-assign]
    image = torch.rand(1, 1, 256, 256, requires_grad=True)
    discriminator(image)[0, 0, 8, 8].backward()
    seen = torch.nonzero(image.grad[0, 0])
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [78, 78]


def test_losses_are_the_logarithms_of_eq_3() -> None:
    generator = np.random.default_rng(0)
    real, fake = (generator.normal(size=(2, 1, 3, 3)) for _ in range(2))

    def judged(logits: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-logits))

    assert generator_loss(torch.tensor(fake)).item() == pytest.approx(-np.log(judged(fake)).mean(), rel=1e-5)
    expected = -np.log(judged(real)).mean() - np.log(1 - judged(fake)).mean()
    assert discriminator_loss(torch.tensor(real), torch.tensor(fake)).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_losses_stay_finite_for_extreme_logits() -> None:
    extreme = torch.tensor([-1e4, 1e4], dtype=torch.float16)
    assert generator_loss(extreme).isfinite()
    assert discriminator_loss(extreme, extreme).isfinite()


def test_the_terms_move_one_side_each() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(1, width=4)
    real, fake = torch.rand(2, 1, 64, 64), torch.rand(2, 1, 64, 64, requires_grad=True)
    term = adversarial_term(discriminator, fake)
    torch.testing.assert_close(term, generator_loss(discriminator(fake)))
    term.backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in discriminator.parameters())
    fake.grad = None
    term = discriminator_term(discriminator, real, fake)
    torch.testing.assert_close(term, discriminator_loss(discriminator(real), discriminator(fake)))
    term.backward()
    assert fake.grad is None
    assert all(p.grad is not None for p in discriminator.parameters())
