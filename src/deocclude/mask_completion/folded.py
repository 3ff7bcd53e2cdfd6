"""Parts of pretrained mobile networks: convolutions with the batch norm folded in, residuals made of them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from deocclude.mask_completion.encoders import OddConv2d


class FoldedConvolution(OddConv2d):
    """With bias, and ReLU6 unless `linear`.

    late: where stride 2 halves an even size, the odd pixel of padding comes last, as in TensorFlow's SAME.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, stride: int = 1, groups: int = 1,
        linear: bool = False, late: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(inputs, outputs, kernel_size, stride=stride, groups=groups, bias=True)
        self._linear = linear
        self._late = late and stride == 2
        if self._late:
            self.padding = (kernel_size // 2 - 1, kernel_size // 2 - 1)

    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(functional.pad(input, (0, 1, 0, 1)) if self._late else input)
        return output if self._linear else functional.relu6(output, inplace=True)


class FoldedResidual(nn.Module):
    """Expansion to `hidden` channels, depthwise convolution, linear projection; adds where shapes allow."""

    def __init__(
        self, inputs: int, hidden: int, outputs: int, kernel_size: int, stride: int = 1, *, late: bool = False
    ) -> None:
        super().__init__()
        self.expand = FoldedConvolution(inputs, hidden, 1)
        self.depthwise = FoldedConvolution(
            hidden, hidden, kernel_size, stride=stride, groups=hidden, late=late
        )
        self.project = FoldedConvolution(hidden, outputs, 1, linear=True)
        self._adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self._adds else y
