"""What a training run shows of stage 1: IoUs and a sheet of pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from deocclude.mask_completion.network import CompletedMasks
from deocclude.parsing import LIP_PALETTE, NUM_CLASSES

_HIDDEN_COLOUR = (255, 0, 128)


class MaskScores:
    """IoUs of `modal`, `amodal`, `invisible` (amodal without modal), and of the initial mask taken as it is.

    Masks are thresholded at 0.5; unknown pixels do not count. `NAME_micro` is summed intersections over
    summed unions, `NAME_mean` the mean over the samples whose union is not empty. The initial mask taken as
    both masks leaves nothing invisible, so it has no such row.
    """

    def __init__(self) -> None:
        self._counts: dict[str, list[Tensor]] = {}

    def add(self, masks: tuple[Tensor, Tensor], batch: dict[str, Tensor]) -> None:
        """Count the samples of an `ahp.batches` batch. masks: modal and amodal, float N1SS in [0, 1]."""
        known = batch["known"] > 0.5
        true = {name: batch[name] > 0.5 for name in ("modal", "amodal", "invisible")}
        modal, amodal, initial = (x >= 0.5 for x in (*masks, batch["initial"]))
        pairs = {
            "modal": (modal, true["modal"]),
            "amodal": (amodal, true["amodal"]),
            "invisible": (amodal & ~modal, true["invisible"]),
            "initial_modal": (initial, true["modal"]),
            "initial_amodal": (initial, true["amodal"]),
        }
        for name, (ours, truth) in pairs.items():
            both = (ours & truth & known).flatten(1).sum(1)
            either = ((ours | truth) & known).flatten(1).sum(1)
            self._counts.setdefault(name, []).append(torch.stack([both, either], dim=1).cpu())

    def summary(self) -> dict[str, float]:
        """`{modal,amodal,invisible,initial_modal,initial_amodal}_{micro,mean}`, 0 for no pixels."""
        scores = {}
        for name, counts in self._counts.items():
            both, either = torch.cat(counts).double().unbind(1)
            present = either > 0
            scores[f"{name}_micro"] = float(both.sum() / either.sum().clamp(min=1))
            scores[f"{name}_mean"] = float((both[present] / either[present]).mean()) if present.any() else 0.0
        return scores


def sheet(completed: CompletedMasks, batch: dict[str, Tensor]) -> np.ndarray:
    """uint8 HxWx3, a row a sample: image, initial, modal, amodal, true amodal, hidden part, parsing."""
    image = _to_uint8(batch["image"].permute(0, 2, 3, 1))
    hidden = ((completed.amodal >= 0.5) & (completed.modal < 0.5))[:, 0].cpu().numpy()
    overlay = image.copy()
    overlay[hidden] = (0.4 * overlay[hidden] + 0.6 * np.array(_HIDDEN_COLOUR)).astype(np.uint8)
    parsing = completed.parsing_amodal.cpu().numpy().clip(0, NUM_CLASSES - 1)
    masks = (batch["initial"], completed.modal, completed.amodal, batch["amodal"])
    grey = [np.repeat(_to_uint8(mask.permute(0, 2, 3, 1)), 3, axis=3) for mask in masks]
    columns = np.concatenate([image, *grey, overlay, LIP_PALETTE[parsing]], axis=2)
    return columns.reshape(-1, *columns.shape[2:])


def _to_uint8(x: Tensor) -> np.ndarray:
    array: np.ndarray = (255.0 * x.float().clamp(0, 1)).round().byte().cpu().numpy()
    return array
