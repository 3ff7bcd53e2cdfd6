"""The adversarial part of Eq. 3 and Eq. 7: a PatchGAN and its non-saturating losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from deocclude.training.parallel import unwrapped


class PatchDiscriminator(nn.Module):
    """Judges patches (Isola et al., 2017): four strided 4x4 convolutions, then one logit a patch.

    Channels are width x 1, 2, 4, 8; instance norm on all but the first. forward: NCHW with sides of at least
    32 -> logits N1hw (h about H / 16), each of which sees 78 x 78 pixels.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for factor in (1, 2, 4):
            layers += [
                nn.Conv2d(width * factor, 2 * width * factor, 4, 2, 1),
                nn.InstanceNorm2d(2 * width * factor, affine=True),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(8 * width, 1, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


def generator_loss(logits_fake: Tensor) -> Tensor:
    """-log D(fake), the mean over patches: the non-saturating form of the generator's log(1 - D(fake))."""
    return functional.softplus(-logits_fake.float()).mean()


def discriminator_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """-(log D(real) + log(1 - D(fake))), the mean over patches."""
    return functional.softplus(-logits_real.float()).mean() + functional.softplus(logits_fake.float()).mean()


def adversarial_term(discriminator: nn.Module, fake: Tensor) -> Tensor:
    """`generator_loss` of NCHW `fake`; its gradient reaches `fake`, never the discriminator."""
    module = unwrapped(discriminator)
    frozen = {name: parameter.detach() for name, parameter in module.named_parameters()}
    return generator_loss(functional_call(module, frozen, (fake,)))


def discriminator_term(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """`discriminator_loss` of NCHW `real` and `fake`; nothing flows into `fake`."""
    logits = discriminator(torch.cat([real, fake.detach()]))
    return discriminator_loss(*logits.chunk(2))
