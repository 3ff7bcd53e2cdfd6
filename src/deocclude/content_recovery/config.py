"""Presets of the content recovery stage: the network, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ContentRecoveryConfig:
    """Shape of a `ContentRecoveryNetwork`; the weights file carries it as JSON.

    size: side of the person crops the network is trained on. widths, kernels: one entry a stride-2 encoder
    level. background: the share w of the picture outside the person that is shown (Table 5).
    encoder_attention, decoder_attention: the 1/scale features that parsing guided attention works on (empty:
    the plain U-Net of Table 6, line 1). key_channels: channels of K_vis and K_amo in Eq. 6. colour_attention:
    the scale of the decoder's features by which colours of the visible body are copied (`colours`; not in the
    paper), 0 for none.
    """

    size: int = 256
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512)
    kernels: tuple[int, ...] = (7, 5, 5, 3, 3, 3, 3)
    background: float = 0.3
    encoder_attention: tuple[int, ...] = (8, 32)
    decoder_attention: tuple[int, ...] = (16, 4)
    key_channels: int = 64
    colour_attention: int = 0

    def __post_init__(self) -> None:
        for name in ("widths", "kernels", "encoder_attention", "decoder_attention"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.widths) != len(self.kernels) or not self.widths:
            raise ValueError(
                f"{len(self.widths)} widths for {len(self.kernels)} kernels; each level needs both"
            )
        levels = {2**level for level in range(1, len(self.widths) + 1)}
        decoded = {*self.decoder_attention, self.colour_attention} - {0}
        if not levels.issuperset(self.encoder_attention) or not (levels - {self.stride}).issuperset(decoded):
            raise ValueError(f"attention scales must be powers of two within the {len(self.widths)} levels")
        if self.size % self.stride:
            raise ValueError(f"size {self.size} is not a multiple of the stride {self.stride}")

    @property
    def stride(self) -> int:
        """Sides of the input must be multiples of this."""
        return 2 ** len(self.widths)


CONTENT_PRESETS: dict[str, ContentRecoveryConfig] = {
    "paper": ContentRecoveryConfig(),
    "lite": ContentRecoveryConfig(
        widths=(24, 48, 96, 192, 192, 192, 192), key_channels=16, colour_attention=4
    ),
}


@dataclass(frozen=True)
class ContentTrainingConfig:
    """Optimiser and losses (Eq. 7, section 5.1).

    learning_rate, betas: Adam, both networks. adversarial, l1, perceptual, style: beta_1..beta_4.
    hidden_weight: how much more a hidden pixel counts in l1 than a visible one (6 in Liu et al., ECCV 2018).
    close_up: side of the square around the hidden part that VGG16 and the discriminator look at; at the
    crop's size or above they see the whole crop. adversarial_from, perceptual_from: share of the training
    after which those losses join. discriminator_width: channels of its first layer. predicted_share: with a
    mask network, the share of samples trained on predicted masks and parsing. colours_rate: how many times
    faster than the rest `colours` learns.
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    adversarial: float = 0.1
    l1: float = 1.0
    perceptual: float = 1.0
    style: float = 40.0
    hidden_weight: float = 6.0
    close_up: int = 256
    adversarial_from: float = 0.0
    perceptual_from: float = 0.0
    discriminator_width: int = 64
    predicted_share: float = 0.5
    colours_rate: float = 10.0


CONTENT_TRAINING: dict[str, ContentTrainingConfig] = {
    "paper": ContentTrainingConfig(),
    "lite": ContentTrainingConfig(
        learning_rate=1e-3,
        betas=(0.9, 0.999),
        close_up=96,
        adversarial_from=0.8,
        perceptual_from=0.6,
        discriminator_width=32,
        predicted_share=0.7,
    ),
}
