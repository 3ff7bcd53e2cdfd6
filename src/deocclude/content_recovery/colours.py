"""Colours of the visible body for the hidden part: the relation of Eq. 6 with colours as its values.

The paper's network paints colours that it has learned; this one may copy those that it sees as well, of the
same body part and of nearby first, and so does right by clothes that training never showed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.content_recovery.attention import Guidance, gather
from deocclude.parsing import LIP_CLASSES, MIRRORED, NUM_PARTS

COLOURS = "colours."
"""What the names of `ContentRecoveryNetwork`'s parameters begin with that weights from before lack."""
_NEAR = 0.02
"""Within this distance, in sides of the crop, one visible cell is as near as another."""
_FALL = 2.0
_OTHER_PART, _LIKE_PART = 1e-3, 0.05
_ALIKE = (
    ("face", "left-arm", "right-arm", "left-leg", "right-leg"),
    ("upper-clothes", "dress", "coat", "jumpsuits"),
    ("pants", "skirt", "dress", "jumpsuits"),
    ("hat", "hair"),
)
"""Skin, what is worn above, what is worn below, what is on the head."""
_NO_PART = 1e-4
_RIM = 3
"""Side of the square around a pixel that has to be visible: outlines may have the occluder's colours."""


class Copied(NamedTuple):
    """colours: N3HW float32 in [0, 1], of use where the body is. trust: N1HW float32 in [0, 1]."""

    colours: Tensor
    trust: Tensor


def seen_colours(image: Tensor, visible: Tensor, side: int) -> Tensor:
    """N3SS in [0, 1], N1SS 0 or 1 -> N3hw: mean colours of the visible pixels in cells of `side` x `side`.

    Pixels on the visible mask's outline count where a cell has no other; 0 where a cell has none.
    """
    image, visible = image.float(), visible.float()
    inner = 1 - functional.max_pool2d(1 - visible, _RIM, 1, _RIM // 2)
    means = []
    for mask in (inner, visible):
        share = functional.avg_pool2d(mask, side)
        means.append((functional.avg_pool2d(image * mask, side) / share.clamp(min=1e-6), share > 0))
    (inside, any_inside), (all_over, _) = means
    return torch.where(any_inside, inside, all_over)


class ColourAttention(nn.Module):
    """For every invisible cell the mean colour of the visible ones, weighted by relevance.

    Relevance is the softmax over the visible cells of psi(F + M_a^p) phi(F + M_m^p), as in Eq. 6, plus two
    terms that are there from the start: the log of how well the body parts fit (exp of `affinity`, part by
    part), minus `fall` times log(1 + squared distance / 0.02^2), in sides of the crop. Beside the colours
    stands how far they are to be trusted, from F and the log of the softmax's sum. Psi starts at 0, so new
    weights copy what is near and of the same part, and trust it by half. All in float32, under autocast too.
    """

    def __init__(self, channels: int, key_channels: int) -> None:
        super().__init__()
        self.phi = nn.Linear(channels + NUM_PARTS, key_channels)
        self.psi = nn.Linear(channels + NUM_PARTS, key_channels)
        self.trust = nn.Linear(channels + 1, 1)
        self.affinity = nn.Parameter(_fit_of_parts().log())
        self.fall = nn.Parameter(torch.tensor(_FALL))
        for layer in (self.psi, self.trust):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, colours: Tensor, guidance: Guidance) -> Copied:
        """features: NCHW; colours: N3HW of the visible cells; the guidance is at the same resolution.

        Visible cells keep their colours; where nothing is visible trust is 0.
        """
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            seen, seen_at, seen_real = gather(
                torch.cat([colours, guidance.parsing_modal, features], dim=1), guidance.visible
            )
            hidden, hidden_at, hidden_real = gather(
                torch.cat([guidance.parsing_amodal, features], dim=1), guidance.invisible
            )
            logits = self.psi(hidden) @ self.phi(seen[..., 3:]).transpose(1, 2)
            parts = seen[..., 3 : 3 + NUM_PARTS].transpose(1, 2)
            fit = hidden[..., :NUM_PARTS] @ self.affinity.exp() @ parts
            far = _squared_distance(hidden_at, seen_at, features.shape[-1])
            logits = logits + (fit + _NO_PART).log() - self.fall * (1 + far / _NEAR**2).log()
            logits = logits.masked_fill(~seen_real[:, None], torch.finfo(logits.dtype).min)
            copied = logits.softmax(dim=2) @ seen[..., :3]
            evidence = logits.logsumexp(dim=2, keepdim=True).clamp(min=-30)
            trust = self.trust(torch.cat([hidden[..., NUM_PARTS:], evidence / 10], dim=2)).sigmoid()
            trust = trust * seen_real.any(dim=1)[:, None, None]
            return Copied(
                _scattered(copied, hidden_at, hidden_real, colours * guidance.visible),
                _scattered(trust, hidden_at, hidden_real, torch.zeros_like(features[:, :1])),
            )


def mixed(painted: Tensor, copied: Copied, guidance: Guidance, invisible: Tensor) -> Tensor:
    """The painted picture, N3SS, with copied colours as far as trusted where `invisible` (N1SS) is 1."""

    def enlarged(maps: Tensor) -> Tensor:
        return functional.interpolate(maps, size=painted.shape[2:], mode="bilinear")

    hidden = guidance.invisible.float()
    known = torch.maximum(hidden, guidance.visible.float())
    colours = enlarged(copied.colours * known) / enlarged(known).clamp(min=1e-6)
    trust = enlarged(copied.trust * hidden) / enlarged(hidden).clamp(min=1e-6)
    return torch.where(invisible > 0.5, painted + trust * (colours - painted), painted)


def _fit_of_parts() -> Tensor:
    """19 x 19 in (0, 1]: how well the colours of one part stand for those of another; left is right."""
    fit = torch.full((NUM_PARTS, NUM_PARTS), _OTHER_PART)
    for names in _ALIKE:
        alike = torch.tensor([LIP_CLASSES.index(name) - 1 for name in names])
        fit[alike[:, None], alike] = _LIKE_PART
    parts = torch.arange(NUM_PARTS)
    fit[parts, parts] = fit[parts, torch.tensor(MIRRORED[1:]) - 1] = 1.0
    return fit


def _squared_distance(first: Tensor, second: Tensor, width: int) -> Tensor:
    """Between cells at flat indices NxL and NxM of maps with square cells: NxLxM, in widths of the map."""
    one, other = (torch.stack([at // width, at % width], dim=2).float() / width for at in (first, second))
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist").square()


def _scattered(values: Tensor, at: Tensor, real: Tensor, elsewhere: Tensor) -> Tensor:
    """NxLxC put into NCHW maps at flat indices NxL where `real`."""
    flat = elsewhere.flatten(2)
    to = at[:, None].expand(-1, flat.shape[1], -1)
    put = torch.where(real[:, None], values.transpose(1, 2), flat.gather(2, to))
    return flat.scatter(2, to, put).view_as(elsewhere)
