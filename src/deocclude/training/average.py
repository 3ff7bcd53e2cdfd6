"""The generator's running average, which generalises better than its last weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Running average of parameters and buffers: average += (1 - d) * (network - average) at each update.

    d = min(decay, (1 + n) / (10 + n)) after n updates, so that the start is soon forgotten; the first update
    copies, integer buffers are always copied. Decay 0 follows the network itself.
    """

    def update(averages: Tensors, values: Tensors, updates: Tensor | int) -> None:
        if averages[0].is_floating_point():
            count = int(updates)
            torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + count) / (10 + count)))
        else:
            torch._foreach_copy_(averages, values)

    average = AveragedModel(network, multi_avg_fn=torch.no_grad()(update), use_buffers=True)
    return average.requires_grad_(False).eval()
