"""What `lite` adds between encoders and decoders: the crop as a whole. It starts as the identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_WIDTH = 160
_HEADS = 5
_WAVES = 4


class Context(nn.Module):
    """NCHW -> NCHW: `depth` transformer layers over the pixels of the coarsest level.

    Whose body is meant, and where the rest of it lies, is to be read off the whole crop; a pixel of stride
    32 covers a head. Pixels know where in the crop they are: its middle is the person asked for.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, _WIDTH)
        self.place = nn.Linear(4 * _WAVES, _WIDTH, bias=False)
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    _WIDTH,
                    _HEADS,
                    4 * _WIDTH,
                    dropout=0.0,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                )
                for _ in range(depth)
            ),
            nn.LayerNorm(_WIDTH),
        )
        self.leave = nn.Linear(_WIDTH, width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[-2:]
        places = self.place(_waves(rows, columns, x.device).to(x.dtype))
        known = self.leave(self.layers(self.enter(x.flatten(2).transpose(1, 2)) + places))
        return x + known.transpose(1, 2).unflatten(2, (rows, columns))


def _waves(rows: int, columns: int, device: torch.device) -> Tensor:
    """Sines and cosines of the pixels' places in the crop, float32 (rows * columns) x (4 * _WAVES)."""
    down, along = (
        torch.linspace(-1 + 1 / count, 1 - 1 / count, count, device=device) for count in (rows, columns)
    )
    places = torch.cartesian_prod(down, along)
    angles = (places[:, :, None] * (torch.pi / 2 * 2.0 ** torch.arange(_WAVES, device=device))).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
