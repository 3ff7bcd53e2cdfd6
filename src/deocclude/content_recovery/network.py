"""The parsing guided content recovery network (section 3.3, Eq. 5, figure 3 left)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deocclude.content_recovery.attention import Guidance, ParsingGuidedAttention, guidance_at
from deocclude.content_recovery.colours import ColourAttention, mixed, seen_colours
from deocclude.content_recovery.config import ContentRecoveryConfig
from deocclude.content_recovery.partial_conv import Partial, PartialBlock, PartialConv2d, hide, upsample

_INPUT_CHANNELS = 5


def hidden_part(visible: Tensor, amodal: Tensor) -> Tensor:
    """What has to be painted: amodal minus visible, for 0/1 masks of any shape."""
    return (amodal - visible).clamp(min=0)


def composite(painted: Tensor, photo: Tensor, invisible: Tensor) -> Tensor:
    """The painted picture inside the invisible mask (N1SS, 0 or 1), the untouched photo elsewhere."""
    return torch.where(invisible > 0.5, painted, photo)


class ContentRecoveryNetwork(nn.Module):
    """U-Net of partial convolutions with parsing guided attention; the hole is the invisible part.

    The decoder upsamples by nearest neighbour, concatenates the encoder's features of that resolution (the
    input itself at the end) and applies a 3x3 partial convolution. A cell that attention has filled from
    visible cells counts as valid from there on.
    """

    def __init__(self, config: ContentRecoveryConfig) -> None:
        super().__init__()
        self.config = config
        widths = (_INPUT_CHANNELS, *config.widths)
        self.encoder = nn.ModuleList(
            PartialBlock(widths[level], widths[level + 1], kernel, stride=2, norm=level > 0)
            for level, kernel in enumerate(config.kernels)
        )
        self.decoder = nn.ModuleList(
            PartialBlock(widths[level + 1] + widths[level], widths[level], 3)
            for level in reversed(range(1, len(config.widths)))
        )
        self.last = PartialConv2d(widths[1] + widths[0], 3, 3)

        def attention(scales: tuple[int, ...]) -> nn.ModuleDict:
            return nn.ModuleDict(
                {
                    str(scale): ParsingGuidedAttention(widths[scale.bit_length() - 1], config.key_channels)
                    for scale in scales
                }
            )

        self.encoder_attention = attention(config.encoder_attention)
        self.decoder_attention = attention(config.decoder_attention)
        self.colours = None
        if scale := config.colour_attention:
            self.colours = ColourAttention(widths[scale.bit_length() - 1], config.key_channels)

    def forward(
        self, image: Tensor, visible: Tensor, amodal: Tensor, parsing_modal: Tensor, parsing_amodal: Tensor
    ) -> Tensor:
        """The raw painted picture N3SS in [0, 1]; `composite` puts it into the photo.

        image: N3SS in [0, 1]. visible, amodal: N1SS, 0 or 1. parsing_modal, parsing_amodal: NSS int64, LIP
        indices, 255 unlabelled. S is a multiple of config.stride, else ValueError.
        """
        if image.shape[2] % self.config.stride or image.shape[3] % self.config.stride:
            raise ValueError(f"sides {tuple(image.shape[2:])} are not multiples of {self.config.stride}")
        invisible = hidden_part(visible, amodal)
        at = self.config.colour_attention
        guidance = guidance_at(
            [*self.config.encoder_attention, *self.config.decoder_attention, *([at] if at else [])],
            visible,
            invisible,
            parsing_modal,
            parsing_amodal,
        )
        shown = image * (amodal + (1 - amodal) * self.config.background)
        inputs = torch.cat([shown, visible, amodal], dim=1).contiguous(memory_format=torch.channels_last)
        part = hide(inputs, 1 - invisible)
        skips = []
        scale, copied = 1, None
        for block in self.encoder:
            skips.append(part)
            part, scale = block(part), scale * 2
            part = self._attend(self.encoder_attention, scale, part, guidance)
        for block in self.decoder:
            part, scale = block(upsample(part), skips.pop()), scale // 2
            part = self._attend(self.decoder_attention, scale, part, guidance)
            if self.colours is not None and scale == at:
                copied = self.colours(part.features, seen_colours(image, visible, scale), guidance[scale])
        painted = torch.sigmoid(self.last(upsample(part), skips.pop()).features.float())
        return painted if copied is None else mixed(painted, copied, guidance[at], invisible)

    @staticmethod
    def _attend(modules: nn.ModuleDict, scale: int, part: Partial, guidance: dict[int, Guidance]) -> Partial:
        if str(scale) not in modules:
            return part
        here = guidance[scale]
        filled = here.invisible & here.visible.any(dim=(2, 3), keepdim=True)
        return hide(
            modules[str(scale)](part.features, here), torch.maximum(part.mask, filled.to(part.mask.dtype))
        )
