"""The mean of several trainings' weights of stage 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.hourglass import may_be_missing
from deocclude.mask_completion.network import MaskCompletionNetwork


def fullest(networks: Sequence[MaskCompletionNetwork]) -> MaskCompletionNetwork:
    """The one with the most parts, of several such the first."""
    return max(networks, key=lambda network: len(network.state_dict()))


def mean_of(
    networks: Sequence[MaskCompletionNetwork], batches: Iterable[dict[str, Tensor]]
) -> MaskCompletionNetwork:
    """A network whose weights are the means of theirs; each network counts the same.

    Parts that some lack (`hourglass.may_be_missing`) are the means of those that have them; the config is
    that of the `fullest`. batches: those of training (`image` N3SS, `initial` N1SS), from which batch norm
    takes its statistics anew: the means of the networks' own do not describe the features of the mean. Makes
    sense for networks that were trained on from each other, at whatever rate. Raises DeoccludeError if their
    shapes differ.
    """
    mean = deepcopy(fullest(networks))
    states = [network.state_dict() for network in networks]
    if not all(_fits(state, mean.state_dict()) for state in states):
        raise DeoccludeError("weights of networks of different shapes have no mean; export alike ones")
    mean.load_state_dict(
        {
            name: torch.stack([state[name] for state in states if name in state]).mean(dim=0)
            if value.is_floating_point()
            else value
            for name, value in mean.state_dict().items()
        }
    )
    update_bn(([torch.cat([batch["image"], batch["initial"]], dim=1)] for batch in batches), _Joined(mean))
    return mean.eval()


def _fits(state: dict[str, Tensor], whole: dict[str, Tensor]) -> bool:
    return state.keys() <= whole.keys() and all(
        state[name].shape == value.shape if name in state else may_be_missing(name)
        for name, value in whole.items()
    )


class _Joined(nn.Module):
    """Takes image and initial mask as one N4SS tensor."""

    def __init__(self, network: MaskCompletionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor) -> None:
        self.network(crop[:, :3], crop[:, 3:])
