"""Stage 1's predictions as stage 2's input during training, as in the cascade."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.content_recovery.network import hidden_part
from deocclude.mask_completion.network import CompletedMasks, MaskCompletionNetwork, complete
from deocclude.parsing import UNLABELLED


@torch.no_grad()
def predict_masks(network: MaskCompletionNetwork, image: Tensor, initial: Tensor) -> CompletedMasks:
    """What a frozen `MaskCompletionNetwork` says, at the size of the crop; masks are 0 or 1.

    The network sees crops of its own config.size: area averages of the larger ones.
    """
    side, own = image.shape[-1], network.config.size
    small = (functional.interpolate(x, size=(own, own), mode="area") for x in (image, initial))
    completed = complete(network(*small))

    def mask(soft: Tensor) -> Tensor:
        return (functional.interpolate(soft, size=(side, side), mode="bilinear") >= 0.5).float()

    def parsing(labels: Tensor) -> Tensor:
        resized = functional.interpolate(labels[:, None].float(), size=(side, side), mode="nearest-exact")
        return resized[:, 0].long()

    return CompletedMasks(
        mask(completed.modal),
        mask(completed.amodal),
        parsing(completed.parsing_modal),
        parsing(completed.parsing_amodal),
    )


def with_predictions(
    network: MaskCompletionNetwork, batch: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """A batch whose unlabelled body parts (255) are stage 1's predictions.

    About `share` of the samples (drawn from torch's CPU generator) get both masks and all parsing from it.
    """
    predicted = predict_masks(network, batch["image"], batch["initial"])
    mine = dict(batch)
    for name in ("parsing_modal", "parsing_amodal"):
        given = batch[name]
        mine[name] = torch.where(given == UNLABELLED, getattr(predicted, name), given)
    chosen = (torch.rand(len(batch["image"])) < share).to(batch["image"].device)
    for name in ("parsing_modal", "parsing_amodal"):
        mine[name] = torch.where(chosen[:, None, None], getattr(predicted, name), mine[name])
    for name in ("modal", "amodal"):
        mine[name] = torch.where(chosen[:, None, None, None], getattr(predicted, name), batch[name])
    mine["invisible"] = hidden_part(mine["modal"], mine["amodal"])
    return mine
