"""An hourglass: an encoder, and a decoder that climbs back to the encoder's finest level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deocclude.mask_completion.context import Context
from deocclude.mask_completion.encoders import Encoder, double_convolution
from deocclude.mask_completion.refinement import Refinement

_GROWN = ("hourglass.context.", "hourglass.refinements.")


def may_be_missing(name: str) -> bool:
    """Whether weights from before may lack this parameter: its part of a hourglass starts as the identity."""
    return any(part in name for part in _GROWN)


class Hourglass(nn.Module):
    """U-Net: bilinear upsampling, skip connections by concatenation, double convolutions, refinements.

    context: transformer layers behind the encoder.

    forward: NCHW -> N `width` hw, where hw is the size of the encoder's finest level.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder_widths: Sequence[int],
        *,
        separable: bool,
        refinements: Sequence[int] = (),
        context: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.context = Context(encoder.widths[-1], context) if context else nn.Identity()
        self.width = decoder_widths[-1]
        skips = encoder.widths[-2::-1]
        inputs = encoder.widths[-1]
        self.decoder = nn.ModuleList()
        for skip, outputs in zip(skips, decoder_widths, strict=True):
            self.decoder.append(double_convolution(inputs + skip, outputs, separable=separable))
            inputs = outputs
        depths = refinements or (0,) * len(decoder_widths)
        self.refinements = nn.ModuleList(
            Refinement(width, depth, attention=level == 0)
            for level, (width, depth) in enumerate(zip(decoder_widths, depths, strict=True))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        *skips, x = self.encoder(x)
        x = self.context(x)
        for block, refine, skip in zip(self.decoder, self.refinements, reversed(skips), strict=True):
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = refine(block(torch.cat([skip, x], dim=1)))
        return x
