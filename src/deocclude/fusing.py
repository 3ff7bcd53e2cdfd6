"""Batch norm folded into the convolutions before it, for networks that are not trained any more."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse_batch_norms(network: nn.Module) -> None:
    """In place: where a `BatchNorm2d` follows a `Conv2d` among a module's children, one convolution is left.

    The network, in eval mode, must run them one after the other; its results stay the same up to rounding.
    """
    for module in list(network.modules()):
        for (name, convolution), (norm_name, norm) in pairwise(module.named_children()):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, norm))
                setattr(module, norm_name, nn.Identity())
