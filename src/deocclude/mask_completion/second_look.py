"""A batch seen once more, as `MaskStage` sees a person: where the network itself supposes the body."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.crops import CLOSE_MARGIN, OUTSIDE_PHOTO, box_of
from deocclude.mask_completion.network import MaskPrediction
from deocclude.parsing import UNLABELLED

_MASKS = ("initial", "modal", "amodal", "known", "known_amodal")


def seen_again(batch: dict[str, Tensor], first: MaskPrediction) -> dict[str, Tensor]:
    """The samples of an `ahp.batches` batch in windows close to the body of `first`, a prediction of them.

    The window is `SquareWindow.close_to`, or the one before where no body was found. What lies outside the
    window before is not known. The image is cut from `finer` where the batch has it.
    """
    places = _close_to((first.modal > 0) | (first.amodal > 0))
    grid = functional.affine_grid(places, list(first.modal.shape), align_corners=False)

    def cut(values: Tensor, mode: str = "bilinear") -> Tensor:
        return functional.grid_sample(values, grid, mode, align_corners=False)

    images = {"image": batch.get("finer", batch["image"])}
    if "original" in batch:
        images["original"] = batch["original"]
    outside = OUTSIDE_PHOTO / 255
    masks = {name: (cut(batch[name]) > 0.5).to(batch[name].dtype) for name in _MASKS}
    masks["modal"] = masks["modal"] * masks["amodal"]
    labels = cut(batch["parsing_amodal"][:, None].float(), "nearest")[:, 0].long()
    whole = torch.where(masks["amodal"][:, 0] > 0, torch.where(labels > 0, labels, UNLABELLED), 0)
    return {
        **batch,
        **{name: cut(image - outside) + outside for name, image in images.items()},
        **masks,
        "invisible": masks["amodal"] - masks["modal"],
        "parsing_amodal": whole,
        "parsing_modal": torch.where(masks["modal"][:, 0] > 0, whole, 0),
    }


def _close_to(bodies: Tensor) -> Tensor:
    """Bool N1SS -> float32 N23, the affine map from each window close to a body to the one it is seen in."""
    size = bodies.shape[-1]
    places = torch.eye(2, 3, device=bodies.device).repeat(len(bodies), 1, 1)
    for place, body in zip(places, bodies[:, 0].cpu().numpy(), strict=True):
        box = box_of(body)
        if box is None:
            continue
        left, top, right, bottom = box
        scale = CLOSE_MARGIN * max(bottom - top, right - left) / size
        place[0, 0] = place[1, 1] = scale
        place[:, 2] = torch.tensor([left + right - size, top + bottom - size]) / size
    return places
