"""A small person, half of it hidden."""

import pytest
import torch

from deocclude.content_recovery.config import ContentRecoveryConfig


@pytest.fixture
def tiny():
    """The network's every part, three levels deep."""
    return ContentRecoveryConfig(
        size=32,
        widths=(6, 8, 10),
        kernels=(7, 5, 3),
        encoder_attention=(4, 8),
        decoder_attention=(4, 2),
        key_channels=4,
        colour_attention=2,
    )


def person(side, samples=2, seed=0):
    """An `ahp.batches` batch of a box-shaped person with a box-shaped hidden part."""
    generator = torch.Generator().manual_seed(seed)
    amodal = torch.zeros(samples, 1, side, side)
    amodal[..., side // 8 : -side // 8, side // 4 : -side // 4] = 1
    invisible = torch.zeros_like(amodal)
    invisible[..., side // 2 : side // 2 + side // 4, side // 4 : side // 2 + side // 8] = 1
    labels = torch.randint(1, 20, (samples, side, side), generator=generator)
    modal = amodal - invisible
    original = torch.rand(samples, 3, side, side, generator=generator)
    return {
        "image": torch.where(invisible > 0, torch.rand(original.shape, generator=generator), original),
        "original": original,
        "initial": modal,
        "modal": modal,
        "amodal": amodal,
        "invisible": invisible,
        "known": torch.ones_like(amodal),
        "parsing_modal": labels * modal[:, 0].long(),
        "parsing_amodal": labels * amodal[:, 0].long(),
    }


@pytest.fixture
def make_person():
    return person
