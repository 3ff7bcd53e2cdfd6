"""A network being trained that has to predict in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from deocclude.training.parallel import unwrapped


@contextmanager
def evaluating(network: nn.Module) -> Iterator[nn.Module]:
    """The network in evaluation mode and without gradients; afterwards in the mode it was in.

    What comes is the network behind DistributedDataParallel, so that one process may predict alone.
    """
    module = unwrapped(network)
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield module
    finally:
        module.train(was_training)
