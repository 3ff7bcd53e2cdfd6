"""The losses of Eq. 3 on soft masks, so that every one of them reaches the generator."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.mask_completion.network import MaskPrediction
from deocclude.parsing import UNLABELLED


def mask_cross_entropy(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Binary cross entropy of N1SS logits and 0/1 masks, the mean over known pixels; 0 if none is known."""
    each = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1.0)


def parsing_cross_entropy(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Cross entropy of N20SS logits and int64 NSS, the mean over known, labelled pixels; 0 if none is."""
    counted = torch.where(known[:, 0] > 0, target, UNLABELLED)
    total = functional.cross_entropy(logits.float(), counted, ignore_index=UNLABELLED, reduction="sum")
    return total / (counted != UNLABELLED).sum().clamp(min=1)


def segmentation_losses(prediction: MaskPrediction, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The four terms of L_seg. The parsing terms count the pixels at the centres of the parsing logits."""
    known = batch["known"]
    step = known.shape[-1] // prediction.parsing_modal.shape[-1]
    centres = (..., slice(step // 2, None, step), slice(step // 2, None, step))
    return {
        "ce_modal": mask_cross_entropy(prediction.modal, batch["modal"], known),
        "ce_amodal": mask_cross_entropy(prediction.amodal, batch["amodal"], batch["known_amodal"]),
        "ce_parsing_modal": parsing_cross_entropy(
            prediction.parsing_modal, batch["parsing_modal"][centres], known[centres]
        ),
        "ce_parsing_amodal": parsing_cross_entropy(
            prediction.parsing_amodal, batch["parsing_amodal"][centres], batch["known_amodal"][centres]
        ),
    }


def overlap_losses(prediction: MaskPrediction, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """1 - soft IoU of the modal, the amodal and the invisible mask over known pixels, means over the samples.

    Not in the paper: cross entropy hardly feels a hidden part of a few pixels, which the IoU counts in full.
    """
    modal, amodal = prediction.modal.float().sigmoid(), prediction.amodal.float().sigmoid()
    soft = {"modal": modal, "amodal": amodal, "invisible": amodal * (1.0 - modal)}
    known = {"modal": batch["known"], "amodal": batch["known_amodal"], "invisible": batch["known_amodal"]}
    return {f"iou_{name}": _soft_jaccard(mask, batch[name], known[name]) for name, mask in soft.items()}


def _soft_jaccard(soft: Tensor, target: Tensor, known: Tensor) -> Tensor:
    shared = (soft * target * known).sum(dim=(1, 2, 3))
    either = ((soft + target) * known).sum(dim=(1, 2, 3)) - shared
    return (1.0 - (shared + 1.0) / (either + 1.0)).mean()


def judged_mask(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Soft mask for the discriminator, l1 and perceptual losses; where unknown the truth, no gradient."""
    return known * logits.float().sigmoid() + (1.0 - known) * target
