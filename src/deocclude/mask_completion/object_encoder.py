"""What objects look like: EfficientNet-Lite0's trunk, which starts from ImageNet, as an encoder of `lite`.

BlazePose tells a body from its surroundings; where an occluder ends is for a network that knows objects. Its
fine levels stay as ImageNet taught them: training them takes the most time, and edges are edges here too.
"""

from __future__ import annotations

from torch import Tensor, nn

from deocclude.lite0 import Lite0Trunk

_FROZEN_LEVELS = 2


class ObjectEncoder(Lite0Trunk):
    """N3SS RGB in [0, 1] -> features at 1/4, 1/8, 1/16 and 1/32 of unit variance; S a multiple of 32."""

    def __init__(self) -> None:
        super().__init__()
        for part in (self.stem, *self.levels[:_FROZEN_LEVELS]):
            part.requires_grad_(False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in self.widths)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [norm(level) for norm, level in zip(self.norms, super().forward(image), strict=True)]
