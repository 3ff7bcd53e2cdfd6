"""Settings of the mask completion network and its two presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deocclude.errors import DeoccludeError


@dataclass(frozen=True)
class MaskCompletionConfig:
    """The only source of settings of stage 1. Sequences may be lists (from JSON); they become tuples."""

    encoder: Literal["double-conv", "blazepose"]
    """Encoder of the first hourglass."""
    separable: bool
    """Depthwise-separable convolutions outside that encoder; else dense 3x3 convolutions."""
    encoder_widths: tuple[int, ...]
    """Channels of the second hourglass's encoder (and the first's, when 'double-conv'), finest first."""
    encoder_depths: tuple[int, ...]
    """Blocks at each level of that encoder."""
    first_decoder_widths: tuple[int, ...]
    """Channels of the first hourglass's decoder, coarsest level first; the last is the width of F_m."""
    second_decoder_widths: tuple[int, ...]
    """The same of the second hourglass."""
    feature_stride: int
    """Crop pixels to a pixel of F_m and of everything behind it; masks are predicted for each crop pixel."""
    branch_width: int
    """Channels of the hidden convolution in front of each prediction."""
    size: int
    """Side of the person crops it is meant for (any multiple of `stride` works)."""
    discriminator_width: int
    """Channels of the first layer of the discriminator D_m."""
    perceptual_size: int
    """Masks are resized to this side in front of VGG16."""
    optimizer: Literal["sgd", "adamw"]
    """The paper trains with SGD (momentum 0.9); AdamW converges in the hour a laptop has."""
    learning_rate: float
    """Of generator and discriminator, at its peak; the training loop schedules it."""
    lambdas: tuple[float, float, float] = (1.0, 1.0, 0.1)
    """Coefficients of Eq. 4: segmentation, adversarial, generation."""
    refinements: tuple[int, ...] = ()
    """Residual blocks behind each level of the decoders, coarsest first; the paper has none."""
    first_context: int = 0
    """Transformer layers behind the first hourglass's encoder, at its coarsest level; the paper has none."""
    second_context: int = 0
    """The same of the second hourglass."""
    overlap: float = 0.0
    """Weight of the masks' soft IoU beside Eq. 4; the paper has no such term."""
    second_look: float = 0.0
    """Share of each batch that is seen again where the network supposes the body, as `MaskStage` does."""
    unguided: float = 0.0
    """Share of each batch without an initial mask: whom N_i overlooks the network has to find by itself."""
    judged_from: float = 0.0
    """Share of the training after which the adversarial and the generation loss join (Eq. 4)."""
    encoder_rate: float = 1.0
    """Share of the learning rate for the first hourglass's encoder; little keeps what it knew."""
    templates: int = 64
    """Number of template masks (k of k-means)."""
    template_size: int = 32
    """Side of a template mask."""
    template_channels: int = 16
    """Channels that the convolution of Eq. 2 makes of the reweighted templates."""
    stride: int = 32
    """Crop sizes are multiples of this."""

    def __post_init__(self) -> None:
        for name in (
            "encoder_widths",
            "encoder_depths",
            "first_decoder_widths",
            "second_decoder_widths",
            "refinements",
            "lambdas",
        ):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.encoder not in ("double-conv", "blazepose"):
            raise DeoccludeError(f"encoder '{self.encoder}' is unknown; take 'double-conv' or 'blazepose'")
        if len(self.encoder_depths) != len(self.encoder_widths):
            raise DeoccludeError("encoder_depths and encoder_widths differ in length; give one depth a level")
        if len(self.second_decoder_widths) != len(self.encoder_widths) - 1:
            raise DeoccludeError("second_decoder_widths needs one width less than encoder_widths")
        if self.refinements and len(self.refinements) != len(self.second_decoder_widths):
            raise DeoccludeError("refinements needs one depth for each level of the decoders, or none at all")


MASK_PRESETS: dict[str, MaskCompletionConfig] = {
    "paper": MaskCompletionConfig(
        encoder="double-conv",
        separable=False,
        encoder_widths=(64, 128, 256, 512, 512),
        encoder_depths=(1, 1, 1, 1, 1),
        first_decoder_widths=(256, 128, 64, 64),
        second_decoder_widths=(256, 128, 64, 64),
        feature_stride=1,
        branch_width=64,
        size=256,
        discriminator_width=64,
        perceptual_size=256,
        optimizer="sgd",
        learning_rate=1e-3,
    ),
    "lite": MaskCompletionConfig(
        encoder="blazepose",
        separable=True,
        encoder_widths=(64, 96, 160, 240),
        encoder_depths=(0, 1, 3, 3),
        first_decoder_widths=(128, 96, 64),
        second_decoder_widths=(160, 96, 64),
        feature_stride=4,
        branch_width=64,
        size=192,
        discriminator_width=16,
        perceptual_size=32,
        optimizer="adamw",
        learning_rate=6e-3,
        lambdas=(1.0, 0.01, 0.1),
        refinements=(2, 2, 1),
        first_context=4,
        second_context=2,
        overlap=1.0,
        second_look=0.5,
        unguided=0.25,
        judged_from=0.8,
        encoder_rate=0.1,
    ),
}
"""`paper`: section 3.2 with channels 16, 32, 64, 128, 128 x 4. `lite`: the one that ships; same structure."""
