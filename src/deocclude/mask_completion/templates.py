"""Template masks of typical poses (section 3.2, Eq. 2): k-means centres and their attention weights.

Distances between a mask and the templates make sense only in a common frame. That frame is the mask's own: a
square around its centre of mass whose half side is 2.5 standard deviations of its pixels. Moments are
steadier than a box, which one stray pixel moves. A partly hidden person is compared by what is visible of it;
the half-length people of the training set give templates of that kind too.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.crops import SquareWindow, box_of
from deocclude.errors import DeoccludeError

_HALF_SIDE_IN_DEVIATIONS = 2.5
_LEAST_HALF_SIDE = 0.1
_EPSILON = 1e-6


def person_frame(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (N2: x, y) and half side (N) of the frames of soft masks N1HH, in the crop's [-1, 1].

    Without gradient. Pixels over 0.5 count; a mask without any has the whole crop as its frame.
    """
    inside = (mask.detach() > 0.5).float()[:, 0]
    size = inside.shape[-1]
    axis = (torch.arange(size, device=mask.device, dtype=torch.float32) + 0.5) * (2.0 / size) - 1.0
    columns, rows = inside.sum(dim=1), inside.sum(dim=2)
    mass = columns.sum(dim=1)
    area = mass.clamp(min=1.0)
    centre = torch.stack([(columns * axis).sum(1) / area, (rows * axis).sum(1) / area], dim=1)
    square = ((columns + rows) * axis.square()).sum(1) / area
    deviation = (square - centre.square().sum(1)).clamp(min=0.0).sqrt()
    half = (_HALF_SIDE_IN_DEVIATIONS * deviation).clamp(min=_LEAST_HALF_SIDE)
    return centre, torch.where(mass > 0, half, torch.ones_like(half))


def _grid(centre: Tensor, half: Tensor, size: int) -> Tensor:
    theta = torch.zeros(len(half), 2, 3, device=half.device)
    theta[:, 0, 0] = theta[:, 1, 1] = half
    theta[:, :, 2] = centre
    return functional.affine_grid(theta, [len(half), 1, size, size], align_corners=False)


def into_person_frame(mask: Tensor, centre: Tensor, half: Tensor, size: int) -> Tensor:
    """Masks N1HH in [0, 1] sampled in their frames: N1`size``size`; 0 outside the crop."""
    if mask.shape[-1] > 2 * size:
        mask = functional.adaptive_avg_pool2d(mask, 2 * size)
    return functional.grid_sample(mask, _grid(centre, half, size), align_corners=False)


def out_of_person_frame(feature: Tensor, centre: Tensor, half: Tensor, size: int) -> Tensor:
    """Features NCTT of person frames sampled back in the crop: NC`size``size`; 0 outside the frame."""
    grid = _grid(-centre / half[:, None], 1.0 / half, size)
    return functional.grid_sample(feature, grid, align_corners=False)


def template_weights(centred: Tensor, templates: Tensor) -> Tensor:
    """W of Eq. 2, NxK: one over the l2 distance of masks N1TT to templates KTT, normalised to sum 1."""
    difference = centred - templates[None]
    inverse = 1.0 / (difference.square().sum(dim=(2, 3)) + _EPSILON).sqrt()
    return inverse / inverse.sum(dim=1, keepdim=True)


class TemplatePrior(nn.Module):
    """Conv(M_t * W) of Eq. 2, in the crop's frame.

    The templates (float32 KxTxT in [0, 1]) are a buffer, so they are saved with the weights.
    """

    templates: Tensor

    def __init__(self, count: int, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("templates", torch.zeros(count, size, size))
        self.combine = nn.Conv2d(count, channels, 3, padding=1)

    def forward(self, modal: Tensor) -> Tensor:
        """Soft refined modal masks N1hh in [0, 1] -> N `channels` hh, float32 under autocast too."""
        with torch.autocast(modal.device.type, enabled=False):
            modal = modal.float()
            centre, half = person_frame(modal)
            count, size = self.templates.shape[:2]
            centred = into_person_frame(modal, centre, half, size)
            # Times K, or the normalised weights would make the feature K times weaker than its neighbours.
            weights = count * template_weights(centred, self.templates)
            combined = self.combine(self.templates[None] * weights[:, :, None, None])
            return out_of_person_frame(combined, centre, half, modal.shape[-1])


def fit_templates(
    masks: Sequence[np.ndarray], *, count: int = 64, size: int = 32, seed: int = 0
) -> np.ndarray:
    """k-means centres of the training set's amodal masks (bool HxW), each in its own frame: float32 KxTxT."""
    centred = [_centred(mask, size) for mask in masks if mask.any()]
    if len(centred) < count:
        raise DeoccludeError(f"{len(centred)} masks are too few for {count} templates; add training people")
    cv2.setRNGSeed(seed)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 50, 1e-3)
    flat = np.stack(centred).reshape(len(centred), -1).astype(np.float32)
    _, _, centres = cv2.kmeans(flat, count, None, criteria, 2, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    return np.asarray(centres, dtype=np.float32).reshape(count, size, size)


def _centred(mask: np.ndarray, size: int) -> np.ndarray:
    box = box_of(mask)
    assert box is not None
    crop = SquareWindow.around(box).cut(mask.astype(np.float32), 4 * size)
    tensor = torch.from_numpy(crop)[None, None]
    return into_person_frame(tensor, *person_frame(tensor), size)[0, 0].numpy()
