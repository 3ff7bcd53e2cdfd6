"""Parsing guided attention (section 3.3, Eq. 6, figure 3 right)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.parsing import NUM_PARTS


class Guidance(NamedTuple):
    """What attention is told about the person, at one resolution.

    visible, invisible: N1HW bool, disjoint. parsing_modal, parsing_amodal: N x 19 x H x W float in [0, 1],
    the share of a cell that each body part covers (background and unlabelled: 0).
    """

    visible: Tensor
    invisible: Tensor
    parsing_modal: Tensor
    parsing_amodal: Tensor


def _shares(parsing: Tensor, scale: int) -> Tensor:
    """NSS labels -> N x 19 x S/scale x S/scale: the share of each cell that each part covers."""
    count, height, width = parsing.shape
    rows, columns = height // scale, width // scale
    cells = parsing.view(count, rows, scale, columns, scale).transpose(2, 3).reshape(count, rows, columns, -1)
    labels = torch.where(cells > NUM_PARTS, 0, cells)
    shares = torch.zeros(count, rows, columns, NUM_PARTS + 1, device=parsing.device)
    shares.scatter_add_(3, labels, torch.full((1,), 1 / scale**2, device=parsing.device).expand(labels.shape))
    return shares[..., 1:].permute(0, 3, 1, 2)


def guidance_at(
    scales: list[int], visible: Tensor, invisible: Tensor, parsing_modal: Tensor, parsing_amodal: Tensor
) -> dict[int, Guidance]:
    """Masks (N1SS, 0 or 1) and parsing maps (NSS int64, 255 unlabelled) averaged over 1/scale cells.

    A cell of the person belongs to the kind that covers more of it; on a tie it is invisible, for a cell
    without anything to see gains most from attention.
    """
    guidance: dict[int, Guidance] = {}
    if not scales:
        return guidance
    finest = min(scales)
    maps = [functional.avg_pool2d(mask, finest) for mask in (visible, invisible)]
    maps += [_shares(parsing, finest) for parsing in (parsing_modal, parsing_amodal)]
    for scale in sorted(scales):
        seen, hidden, modal, amodal = (functional.avg_pool2d(one, scale // finest) for one in maps)
        guidance[scale] = Guidance(seen > hidden, (hidden > 0) & (hidden >= seen), modal, amodal)
    return guidance


def gather(maps: Tensor, where: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cells of NCHW maps where N1HW bool holds, padded to the longest sample: NxLxC, index NxL, real NxL."""
    flat = where.flatten(1)
    longest = max(1, int(flat.sum(dim=1).max()))
    index = flat.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
    cells = maps.flatten(2).gather(2, index[:, None].expand(-1, maps.shape[1], -1))
    return cells.transpose(1, 2), index, flat.gather(1, index)


class ParsingGuidedAttention(nn.Module):
    """Enhances features by comparing body parts, and by relating the invisible to the visible.

    Body parts: a 1x1 convolution to 19 channels, times each of the two parsing maps; both concatenated, 1x1
    convolution. Relation, Eq. 6: keys K_vis = phi(F + M_m^p) of the visible cells against queries
    K_amo = psi(F + M_a^p) of the invisible cells (+ concatenates), softmax over the visible cells, times F.
    [F, body parts, relation] go through a 1x1 convolution to F's channels.

    Only visible rows and invisible columns of the HW x HW relation are computed. Eq. 6 read literally
    multiplies by the masks before the softmax, so that every masked row would enter it with logit 0; here the
    softmax runs over the visible cells alone, as the text says ("relevance with the points of all visible
    regions"), and the columns are those of the person's hidden part, not of the background. The relation is
    0 outside it, and everywhere when nothing is visible. It is computed in float32 under autocast too.
    """

    def __init__(self, channels: int, key_channels: int) -> None:
        super().__init__()
        self.to_parts = nn.Conv2d(channels, NUM_PARTS, 1)
        self.from_parts = nn.Conv2d(2 * NUM_PARTS, channels, 1)
        self.phi = nn.Linear(channels + NUM_PARTS, key_channels)
        self.psi = nn.Linear(channels + NUM_PARTS, key_channels)
        self.fuse = nn.Conv2d(3 * channels, channels, 1)
        with torch.no_grad():
            self.fuse.weight[:, :channels, 0, 0] = torch.eye(channels)

    def body_parts(self, features: Tensor, guidance: Guidance) -> Tensor:
        """NCHW of the first stream."""
        parts = self.to_parts(features)
        modal, amodal = guidance.parsing_modal.to(parts.dtype), guidance.parsing_amodal.to(parts.dtype)
        return self.from_parts(torch.cat([parts * modal, parts * amodal], dim=1))

    def relation(self, features: Tensor, guidance: Guidance) -> Tensor:
        """NCHW float32 of the second stream, 0 where a cell is not invisible."""
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            seen, _, seen_real = gather(
                torch.cat([features, guidance.parsing_modal], dim=1), guidance.visible
            )
            hidden, index, hidden_real = gather(
                torch.cat([features, guidance.parsing_amodal], dim=1), guidance.invisible
            )
            logits = self.psi(hidden) @ self.phi(seen).transpose(1, 2)
            logits = logits.masked_fill(~seen_real[:, None], torch.finfo(logits.dtype).min)
            real = hidden_real[:, :, None] & seen_real.any(dim=1)[:, None, None]
            found = logits.softmax(dim=2) @ seen[..., : features.shape[1]] * real
            to = index[:, None].expand(-1, features.shape[1], -1)
            return (
                torch.zeros_like(features).flatten(2).scatter(2, to, found.transpose(1, 2)).view_as(features)
            )

    def forward(self, features: Tensor, guidance: Guidance) -> Tensor:
        """features: NCHW, any H and W; the guidance is at the same resolution. Returns NCHW."""
        parts = self.body_parts(features, guidance)
        relation = self.relation(features, guidance)
        return self.fuse(torch.cat([features, parts.to(features.dtype), relation.to(features.dtype)], dim=1))
