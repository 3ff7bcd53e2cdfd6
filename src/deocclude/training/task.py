"""What the loop asks of a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

Batch = dict[str, Tensor]
Networks = Any
"""An `nn.ModuleDict` with the names of `TrainingTask.networks`, whose modules accelerate may have wrapped."""


class TrainingTask(Protocol):
    """Networks, their losses and their metrics; everything else belongs to the loop.

    `networks` holds at least "generator", the network that is averaged, validated and exported; one without
    trainable parameters is placed and autocast like the others, but not saved. The methods get the networks
    and optimizers handed back because accelerate wraps them; they must use those.
    """

    networks: nn.ModuleDict

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One optimizer a network, made after the networks have been moved to their device."""
        ...

    def step(
        self,
        networks: Networks,
        batch: Batch,
        optimizers: dict[str, torch.optim.Optimizer],
        backward: Callable[[Tensor], None],
        progress: float,
    ) -> dict[str, Tensor]:
        """One update of every network. progress: share of the run that is done, [0, 1).

        Returns each loss term as a scalar; they are logged under their names.
        """
        ...

    def validate(self, networks: Networks, batches: Iterable[Batch]) -> dict[str, float]:
        """Metrics over fixed validation batches; called without gradients, the generator in eval mode."""
        ...

    def picture(self, networks: Networks, batch: Batch) -> np.ndarray:
        """uint8 HxWx3: a sheet with one row a sample."""
        ...
