"""Crops of several people -> one network input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def images(crops: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """uint8 SxSx3 each -> float32 N3SS in [0, 1], channels last."""
    pixels = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2)
    return pixels.float().div(255).contiguous(memory_format=torch.channels_last)


def planes(masks: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """bool SxS each -> float32 N1SS of 0 and 1."""
    return torch.from_numpy(np.stack(masks)[:, None]).to(device).float()
