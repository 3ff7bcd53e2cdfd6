"""The refined mask completion network (section 3.2, figure 2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import DeoccludeError
from deocclude.lite0 import load_lite0_weights
from deocclude.mask_completion.config import MaskCompletionConfig
from deocclude.mask_completion.encoders import (
    DoubleConvEncoder,
    SeparableEncoder,
    convolution,
    double_convolution,
)
from deocclude.mask_completion.hourglass import Hourglass
from deocclude.mask_completion.person_encoder import PersonEncoder
from deocclude.mask_completion.pose_encoder import load_pose_weights
from deocclude.mask_completion.templates import TemplatePrior
from deocclude.parsing import MIRRORED, NUM_CLASSES
from deocclude.people.model_files import model_path

_SHARE = 2
"""Crop pixels to a pixel of the correction's features, along each axis."""
_PRIOR_LOGIT = -2.2
"""A person covers about a tenth of the crop: training starts from that."""


class MaskPrediction(NamedTuple):
    """Logits: `modal`, `amodal` N1SS; `parsing_modal`, `parsing_amodal` N20ss at the features' size s."""

    modal: Tensor
    amodal: Tensor
    parsing_modal: Tensor
    parsing_amodal: Tensor


def mirror(prediction: MaskPrediction) -> MaskPrediction:
    """The prediction flipped left to right; left limbs become right ones."""
    modal, amodal, *parsing = (logits.flip(-1) for logits in prediction)
    return MaskPrediction(modal, amodal, *(logits[:, MIRRORED] for logits in parsing))


class CompletedMasks(NamedTuple):
    """`modal` <= `amodal`: float N1SS in [0, 1]; `parsing_*`: int64 NSS, 0 outside the mask."""

    modal: Tensor
    amodal: Tensor
    parsing_modal: Tensor
    parsing_amodal: Tensor


def complete(prediction: MaskPrediction) -> CompletedMasks:
    """Logits -> results at test time: the amodal mask holds the modal one, and each parsing fills its mask.

    Inside its mask (0.5 and more) a pixel takes the likeliest of the 19 body parts, outside it takes 0.
    """
    modal, amodal = soft_masks(prediction)
    return CompletedMasks(
        modal,
        amodal,
        parts_inside(modal, prediction.parsing_modal),
        parts_inside(amodal, prediction.parsing_amodal),
    )


def soft_masks(prediction: MaskPrediction) -> tuple[Tensor, Tensor]:
    """The modal and the amodal mask of `complete` alone, which takes a hundredth of the time."""
    modal = prediction.modal.float().sigmoid()
    return modal, torch.maximum(prediction.amodal.float().sigmoid(), modal)


def parts_inside(mask: Tensor, logits: Tensor) -> Tensor:
    """The parsing of `complete`, int64 NSS. mask: float N1SS in [0, 1]; logits: N20ss."""
    logits = _resized(logits, mask.shape[-1])
    return torch.where(mask[:, 0] >= 0.5, logits[:, 1:].max(dim=1).indices + 1, 0)


def _last(inputs: int, outputs: int, first_bias: float) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 1)
    bias = torch.zeros(outputs)
    bias[0] = first_bias
    layer.bias = nn.Parameter(bias)
    return layer


class _Correction(nn.Module):
    """What each crop pixel adds to a mask that was predicted at a coarser stride and enlarged.

    Two dense 3x3 convolutions at half the crop's size see the coarse mask, the features narrowed to `width`
    channels, and all pixels of `detail` crop-sized channels. Starts as 0 everywhere.
    """

    def __init__(self, inputs: int, detail: int, width: int) -> None:
        super().__init__()
        self.context = nn.Conv2d(inputs, width, 1)
        self.edges = double_convolution(1 + width + detail * _SHARE**2, width, separable=False)
        self.last = nn.Conv2d(width, _SHARE**2, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, mask: Tensor, detail: Tensor) -> Tensor:
        """mask: logits at the size of `features`. Returns logits at the size of `detail`."""
        size = detail.shape[-1] // _SHARE
        pixels = functional.pixel_unshuffle(detail - 0.5, _SHARE)
        coarse = _resized(mask, size).sigmoid() - 0.5
        edges = self.edges(_joined(_resized(self.context(features), size), coarse, pixels))
        return functional.pixel_shuffle(self.last(edges), _SHARE)


class _Branch(nn.Module):
    """Figure 1 of the supplement: a residual block, from it the parsing, and from both the mask.

    prior: channels that are concatenated just before the mask prediction (the amodal branch's templates).
    Where a feature covers stride x stride pixels of the crop, the mask is the prediction enlarged plus a
    correction of each pixel.
    """

    def __init__(
        self, inputs: int, hidden: int, *, prior: int, stride: int, detail: int, separable: bool
    ) -> None:
        super().__init__()
        self.residual = double_convolution(inputs, inputs, separable=separable)
        self.parsing = nn.Sequential(
            convolution(inputs, hidden, separable=separable), _last(hidden, NUM_CLASSES, -_PRIOR_LOGIT)
        )
        self.mask = nn.Sequential(
            convolution(2 * inputs + prior, hidden, separable=separable), _last(hidden, 1, _PRIOR_LOGIT)
        )
        self.correction = _Correction(2 * inputs, detail, hidden // 2) if stride > 1 else None

    def forward(self, feature: Tensor, detail: Tensor, *prior: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the mask at the size of `detail`, and of the parsing at that of `feature`."""
        parts = feature + self.residual(feature)
        mask = self.mask(_joined(feature, parts, *prior))
        if self.correction is not None:
            correction = self.correction(_joined(feature, parts), mask, detail)
            mask = _resized(mask, detail.shape[-1]) + correction
        return mask, self.parsing(parts)


def _joined(feature: Tensor, *others: Tensor) -> Tensor:
    channels = [feature, *(other.to(feature.dtype) for other in others)]
    return torch.cat(channels, dim=1).contiguous(memory_format=torch.channels_last)


class MaskCompletionNetwork(nn.Module):
    """Two stacked hourglasses, each with a branch for its mask and its parsing (Eq. 1 and 2).

    The first refines the initial mask to the modal one; the second takes the first's feature F_m and the soft
    modal mask, and its branch takes the reweighted templates. Nothing is detached in between: the
    amodal losses train the first hourglass too.

    Trainable parameters of `paper`: 13.39M and 13.43M for the hourglasses (the usual bilinear U-Net
    on 4 and on 65 channels), 0.19M and 0.20M for the branches, 0.01M for the templates: 27.2M in all; the
    paper does not say how wide its branches are.
    """

    def __init__(self, config: MaskCompletionConfig) -> None:
        super().__init__()
        self.config = config
        separable = config.separable
        widths, depths = config.encoder_widths, config.encoder_depths
        first = PersonEncoder() if config.encoder == "blazepose" else DoubleConvEncoder(4, widths, depths)
        self.modal_hourglass = Hourglass(
            first,
            config.first_decoder_widths,
            separable=separable,
            refinements=config.refinements,
            context=config.first_context,
        )
        feature = self.modal_hourglass.width
        second = (SeparableEncoder if separable else DoubleConvEncoder)(feature + 1, widths, depths)
        self.amodal_hourglass = Hourglass(
            second,
            config.second_decoder_widths,
            separable=separable,
            refinements=config.refinements,
            context=config.second_context,
        )
        self.templates = TemplatePrior(config.templates, config.template_size, config.template_channels)
        stride = config.feature_stride
        self.modal_branch = _Branch(
            feature, config.branch_width, prior=0, stride=stride, detail=4, separable=separable
        )
        self.amodal_branch = _Branch(
            self.amodal_hourglass.width,
            config.branch_width,
            prior=config.template_channels,
            stride=stride,
            detail=5,
            separable=separable,
        )

    def set_templates(self, templates: np.ndarray) -> None:
        """Take the templates of `fit_templates` (float32 KxTxT)."""
        if templates.shape != tuple(self.templates.templates.shape):
            expected = "x".join(map(str, self.templates.templates.shape))
            raise DeoccludeError(f"templates have shape {templates.shape}; this config needs {expected}")
        self.templates.templates.copy_(torch.from_numpy(templates))

    def forward(self, image: Tensor, initial: Tensor) -> MaskPrediction:
        """image: N3SS RGB in [0, 1]; initial: N1SS mask, 0/1 or soft. S is a multiple of `config.stride`."""
        size = image.shape[-1]
        if image.shape[-2] != size or size % self.config.stride:
            raise ValueError(
                f"crops must be square, a multiple of {self.config.stride}, got {tuple(image.shape)}"
            )
        crop = torch.cat([image, initial], dim=1)
        feature = self.modal_hourglass(crop)
        modal, parsing_modal = self.modal_branch(feature, crop)
        refined = modal.sigmoid()
        soft_modal = functional.avg_pool2d(refined, self.config.feature_stride)
        amodal_feature = self.amodal_hourglass(torch.cat([feature, soft_modal.to(feature.dtype)], dim=1))
        detail = torch.cat([crop, refined.to(crop.dtype)], dim=1)
        amodal, parsing_amodal = self.amodal_branch(amodal_feature, detail, self.templates(soft_modal))
        return MaskPrediction(modal, amodal, parsing_modal, parsing_amodal)


def _resized(logits: Tensor, size: int) -> Tensor:
    if logits.shape[-1] == size:
        return logits
    return functional.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)


def load_pretrained_encoder(network: MaskCompletionNetwork) -> None:
    """Start the first hourglass of `lite` from BlazePose's and ImageNet's weights; nothing to do for `paper`.

    Raises a DeoccludeError when BlazePose's model file or the package with ImageNet's weights is missing.
    """
    encoder = network.modal_hourglass.encoder
    if isinstance(encoder, PersonEncoder):
        load_pose_weights(encoder.pose, model_path("pose_landmark"))
        load_lite0_weights(encoder.objects)
