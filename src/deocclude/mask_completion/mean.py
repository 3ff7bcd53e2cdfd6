"""The mean of several trainings' weights of stage 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.network import MaskCompletionNetwork


def mean_of(
    networks: Sequence[MaskCompletionNetwork], batches: Iterable[dict[str, Tensor]]
) -> MaskCompletionNetwork:
    """A network whose weights are the means of theirs; each network counts the same.

    batches: those of training (`image` N3SS, `initial` N1SS), from which batch norm takes its statistics
    anew: the means of the networks' own do not describe the features of the mean. Makes sense for networks
    that were trained on from each other, at whatever rate. Raises DeoccludeError if their shapes differ.
    """
    mean = deepcopy(networks[0])
    states = [network.state_dict() for network in networks]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise DeoccludeError("weights of networks of different shapes have no mean; export alike ones")
    mean.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(dim=0)
            if value.is_floating_point()
            else value
            for name, value in states[0].items()
        }
    )
    update_bn(([torch.cat([batch["image"], batch["initial"]], dim=1)] for batch in batches), _Joined(mean))
    return mean.eval()


class _Joined(nn.Module):
    """Takes image and initial mask as one N4SS tensor."""

    def __init__(self, network: MaskCompletionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor) -> None:
        self.network(crop[:, :3], crop[:, 3:])
