"""What `lite` adds behind the decoders' levels; each part starts as the identity."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_HEADS = 4


class Refinement(nn.Sequential):
    """NCHW -> NCHW: `depth` residual blocks, each behind self-attention where asked for.

    Attention is for the coarsest level: over 24x24 pixels it costs more than all else in training.
    """

    def __init__(self, width: int, depth: int, *, attention: bool) -> None:
        blocks: list[nn.Module] = []
        for _ in range(depth):
            blocks += [SelfAttention(width), ResidualBlock(width)] if attention else [ResidualBlock(width)]
        super().__init__(*blocks)


class ResidualBlock(nn.Module):
    """Two dense 3x3 convolutions, whose output is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)
        self.change = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.change(x))


class SelfAttention(nn.Module):
    """Each pixel asks all others of its crop: what of the scene is one body lies in several places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width, bias=False)
        self.answer = nn.Linear(width, width)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, x: Tensor) -> Tensor:
        count, width, rows, columns = x.shape
        pixels = self.norm(x.permute(0, 2, 3, 1).reshape(count, rows * columns, width))
        heads = self.ask(pixels).view(count, rows * columns, 3, _HEADS, width // _HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value)
        answer = self.answer(found.transpose(1, 2).reshape(count, rows * columns, width))
        return x + answer.view(count, rows, columns, width).permute(0, 3, 1, 2)
