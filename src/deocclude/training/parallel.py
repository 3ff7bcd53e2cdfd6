"""Networks of several processes."""

from __future__ import annotations

from torch import nn


def unwrapped(network: nn.Module) -> nn.Module:
    """The network behind DistributedDataParallel, whose bookkeeping expects every forward pass to train."""
    inner: nn.Module = getattr(network, "module", network)
    return inner
