from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.mean import fullest, mean_of
from deocclude.mask_completion.network import MaskCompletionNetwork

CONFIG = replace(
    MASK_PRESETS["paper"], encoder_widths=(4, 6), encoder_depths=(1, 1), first_decoder_widths=(4,),
    second_decoder_widths=(4,), branch_width=4, templates=3, size=32,
)  # fmt: skip


def network(seed, config=CONFIG):
    torch.manual_seed(seed)
    return MaskCompletionNetwork(config).eval()


def batches(count=3):
    generator = torch.Generator().manual_seed(5)
    return [
        {"image": torch.rand(4, 3, 32, 32, generator=generator),
         "initial": (torch.rand(4, 1, 32, 32, generator=generator) > 0.5).float()}
        for _ in range(count)
    ]  # fmt: skip


def test_weights_are_means_and_networks_stay_as_they_were():
    networks = [network(seed) for seed in range(3)]
    before = [{name: value.clone() for name, value in one.state_dict().items()} for one in networks]
    mean = mean_of(networks, batches())
    assert not mean.training
    for name, value in mean.named_parameters():
        expected = np.mean([one.get_parameter(name).detach().numpy() for one in networks], axis=0)
        np.testing.assert_allclose(value.detach().numpy(), expected, atol=1e-6)
    for one, old in zip(networks, before, strict=True):
        assert all(torch.equal(value, old[name]) for name, value in one.state_dict().items())


def test_parts_that_one_lacks_are_those_of_the_other():
    plain, grown = network(0), network(1, replace(CONFIG, first_context=1, refinements=(1,)))
    for networks in ([plain, grown], [grown, plain]):
        mean = mean_of(networks, batches())
        assert mean.config == fullest(networks).config == grown.config
        for name, value in mean.named_parameters():
            own = grown.get_parameter(name)
            if "context" not in name and "refinements" not in name:
                own = (own + plain.get_parameter(name)) / 2
            torch.testing.assert_close(value, own)


def test_batch_statistics_are_those_of_the_mean():
    mean = mean_of([network(0), network(1)], batches())
    inputs = []
    first = next(module for module in mean.modules() if isinstance(module, nn.BatchNorm2d))
    first.register_forward_pre_hook(lambda _, given: inputs.append(given[0].detach().numpy()))
    for batch in batches():
        mean(batch["image"], batch["initial"])
    np.testing.assert_allclose(
        first.running_mean.numpy(), np.mean([one.mean(axis=(0, 2, 3)) for one in inputs], axis=0), atol=1e-5
    )
    np.testing.assert_allclose(
        first.running_var.numpy(),
        np.mean([one.transpose(1, 0, 2, 3).reshape(4, -1).var(axis=1, ddof=1) for one in inputs], axis=0),
        rtol=1e-4,
    )


def test_other_shapes_have_no_mean():
    mean_of([network(0), network(1, replace(CONFIG, learning_rate=0.5))], batches())
    with pytest.raises(DeoccludeError, match="different shapes"):
        mean_of([network(0), network(0, replace(CONFIG, branch_width=8))], batches())
    with pytest.raises(DeoccludeError, match="different shapes"):
        mean_of([network(0), network(0, replace(CONFIG, feature_stride=2))], batches())
