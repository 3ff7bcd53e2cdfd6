"""Texture for what the content network painted: the hidden part made of squares of the visible body.

A network that minimises l1 paints a blend of all that may be there. Here every square of hidden pixels comes
to look like a square of the visible body, from coarse to fine, as in Wexler, Shechtman and Irani's completion
(PAMI 2007). What the network painted decides which, with the body part and the squares around.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deocclude.nearest import filled_from_nearest
from deocclude.parsing import NUM_PARTS

_HELD = 2.0
"""Weight of the squared distance to the painted colour, beside the mean squared distance of two squares."""
_OTHER_PART = 0.1
"""What a square around a pixel of another body part has to make up for, as a squared distance of colours."""
_ROUNDS = {8: 4, 4: 3, 2: 3, 1: 2}
"""Searches by scale: cells of 8x8 pixels, 4x4, 2x2, and pixels."""
_COARSE_SIDE, _FINE_SIDE = 3, 5
_FEWEST, _MOST = 20, 4096
"""Squares to choose from."""
_AT_ONCE = 1024
_WHOLLY = 0.99
_FIRST_LIMB = 14


class Exemplars(NamedTuple):
    """colours: float32 SxSx3 in [0, 1], of use in the hidden part and a few pixels beyond it.

    source: int64 SxSx2, row and column of the visible pixel that a hidden one copies; elsewhere that of the
    nearest hidden one.
    """

    colours: np.ndarray
    source: np.ndarray


def find_exemplars(
    painted: np.ndarray,
    photo: np.ndarray,
    modal: np.ndarray,
    amodal: np.ndarray,
    parsing_modal: np.ndarray,
    parsing_amodal: np.ndarray,
) -> Exemplars | None:
    """Colours for the hidden part of a crop; None if nothing is hidden or too little visible.

    painted: float32 SxSx3 in [0, 1], the network's picture; photo: uint8 SxSx3; S is a multiple of 8. modal,
    amodal: bool SxS. parsing_modal, parsing_amodal: integer SxS, LIP indices, 255 where unlabelled.
    """
    hidden = amodal & ~modal
    visible = cv2.erode(modal.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if not hidden.any() or visible.sum() < _FEWEST:
        return None
    body = filled_from_nearest(photo, visible) / np.float32(255)
    painted = current = np.where(hidden[..., None], painted, body)
    parts = np.where(hidden, parsing_amodal, parsing_modal)
    *coarse, fine = (_Level(scale, body, painted, parts, visible, hidden) for scale in _ROUNDS)
    for level in coarse:
        current, match = level.searched(current, level.every())
    current, match = fine.searched(current, fine.around(coarse[-1], match))
    known = visible | hidden
    rows_and_columns = np.stack(np.divmod(fine.everywhere(match), hidden.shape[1]), axis=-1)
    return Exemplars(filled_from_nearest(current, known), rows_and_columns)


class _Offer(NamedTuple):
    """Visible cells (int64 N, flat) with their keys, NxD.

    places: int64 cells x n, which of them each hidden cell may choose; None for all.
    """

    cells: np.ndarray
    keys: Tensor
    places: Tensor | None


class _Level:
    """The crop in cells of `scale` x `scale` pixels, and what is told of each cell and the square around it.

    A hidden cell's query times a visible cell's key is their distance, less what is the same for every key.
    """

    def __init__(
        self,
        scale: int,
        body: np.ndarray,
        painted: np.ndarray,
        parts: np.ndarray,
        visible: np.ndarray,
        hidden: np.ndarray,
    ) -> None:
        self._scale = scale
        self._side = _FINE_SIDE if scale == 1 else _COARSE_SIDE
        self._body = _shrunk(body, scale)
        share = _shrunk(visible.astype(np.float32), scale)
        self._hidden = _shrunk(hidden.astype(np.float32), scale) > 0
        self._at = np.flatnonzero(self._hidden)
        seen = share > _WHOLLY
        square = np.ones((self._side, self._side), np.uint8)
        inside = cv2.erode(seen.astype(np.uint8), square, borderValue=0) > 0
        self._sources = next((cells for cells in (inside, seen) if cells.sum() >= _FEWEST), share > 0)
        self._kinds = parts[scale // 2 :: scale, scale // 2 :: scale].ravel()
        known = (seen | self._hidden).astype(np.float32)
        self._weights = self._squares(known[..., None], self._at)
        self._weights /= self._weights.sum(dim=1, keepdim=True)
        wanted = torch.from_numpy(_shrunk(painted, scale).reshape(-1, 3)[self._at])
        one, part = torch.ones(len(wanted), 1), _one_hot(self._kinds[self._at])
        self._told = torch.cat([self._weights[..., 0], -2 * _HELD * wanted, _HELD * one, -part], dim=1)

    def _squares(self, picture: np.ndarray, cells: np.ndarray) -> Tensor:
        """HxWxC -> N x side^2 x C: the squares around cells (flat indices); at the border the last go on."""
        height, width = self._hidden.shape
        rows, columns = np.divmod(cells, width)
        down, right = self._steps
        return torch.from_numpy(
            picture[(rows[:, None] + down).clip(0, height - 1), (columns[:, None] + right).clip(0, width - 1)]
        )

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns from a cell to those of its square."""
        down, right = np.divmod(np.arange(self._side**2), self._side)
        return down - self._side // 2, right - self._side // 2

    def _keys(self, cells: np.ndarray) -> Tensor:
        squares = self._squares(self._body, cells)
        mean = squares.mean(dim=1)
        told = [squares.square().sum(dim=2), mean, mean.square().sum(dim=1, keepdim=True)]
        return torch.cat([squares.flatten(1), *told, _one_hot(self._kinds[cells])], dim=1)

    def searched(self, picture: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The hidden part of a picture of any scale made of visible squares, and for each cell which one.

        Returns float32 HxWx3 and int64, the visible cell of each hidden one, flat. candidates: as `_offer`.
        """
        height, width = self._hidden.shape
        coarser = picture.shape[0] < height
        resized = cv2.resize(
            picture, (width, height), interpolation=cv2.INTER_LINEAR if coarser else cv2.INTER_AREA
        )
        current = np.where(self._hidden[..., None], resized, self._body)
        offer = self._offer(candidates)
        for _ in range(_ROUNDS[self._scale]):
            match = self._matches(current, offer)
            current = self._voted(current, match)
        return current, match

    def every(self) -> np.ndarray:
        """int64 1 x n: visible cells to choose from, flat."""
        cells = np.flatnonzero(self._sources)
        return cells[None, np.linspace(0, len(cells) - 1, min(len(cells), _MOST)).astype(int)]

    def _offer(self, candidates: np.ndarray) -> _Offer:
        """candidates: int64 cells x n, what each hidden cell may choose from, flat; 1 x n for all of them."""
        if len(candidates) == 1:
            return _Offer(candidates[0], self._keys(candidates[0]), None)
        cells, places = np.unique(candidates, return_inverse=True)
        return _Offer(cells, self._keys(cells), torch.from_numpy(places.reshape(candidates.shape)))

    def _matches(self, current: np.ndarray, offer: _Offer) -> np.ndarray:
        """For each hidden cell the flat index of the visible one most like it in `current`."""
        squares = self._squares(current, self._at)
        queries = torch.cat([(-2 * squares * self._weights).flatten(1), self._told], dim=1)
        if offer.places is None:
            keys = offer.keys.T.contiguous()
            best = torch.cat([(some @ keys).argmin(dim=1) for some in queries.split(_AT_ONCE)])
        else:
            best = torch.cat(
                [
                    few.gather(1, _least(offer.keys[few], some)[:, None])[:, 0]
                    for some, few in zip(queries.split(_AT_ONCE), offer.places.split(_AT_ONCE), strict=True)
                ]
            )
        return offer.cells[best.numpy()]

    def _voted(self, current: np.ndarray, match: np.ndarray) -> np.ndarray:
        """`current` with each hidden cell the mean of what the squares over it say."""
        height, width = self._hidden.shape
        margin = self._side // 2
        said = np.zeros((height + 2 * margin, width + 2 * margin, 4), np.float32)
        rows, columns = np.divmod(self._at, width)
        squares = self._squares(self._body, match).numpy()
        for step, (down, right) in enumerate(zip(*self._steps, strict=True)):
            at = rows + margin + down, columns + margin + right
            said[(*at, slice(3))] += squares[:, step]
            said[(*at, 3)] += 1
        inner = said[margin : margin + height, margin : margin + width]
        return np.where(self._hidden[..., None], inner[..., :3] / inner[..., 3:].clip(1), current)

    def everywhere(self, match: np.ndarray) -> np.ndarray:
        """int64 HxW of one index a hidden cell; other cells have that of the nearest hidden one."""
        spread = np.zeros(self._hidden.shape, np.int64)
        spread[self._hidden] = match
        return filled_from_nearest(spread, self._hidden)

    def around(self, coarser: _Level, match: np.ndarray) -> np.ndarray:
        """int64 cells x 9: where the coarser cells around a hidden cell point to, moved to the visible."""
        step = coarser._scale // self._scale
        height, width = self._hidden.shape
        cells = np.arange(height * width).reshape(height, width)
        allowed = filled_from_nearest(cells, self._sources)
        points_to = np.stack(np.divmod(coarser.everywhere(match), width // step))
        rows, columns = np.divmod(self._at, width)
        found = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                parent = (
                    (rows // step + down).clip(0, height // step - 1),
                    (columns // step + right).clip(0, width // step - 1),
                )
                row = rows + step * (points_to[0][parent] - parent[0])
                column = columns + step * (points_to[1][parent] - parent[1])
                found.append(allowed[row.clip(0, height - 1), column.clip(0, width - 1)])
        return np.stack(found, axis=1)


def _shrunk(values: np.ndarray, scale: int) -> np.ndarray:
    """Means of scale x scale pixels."""
    height, width = values.shape[:2]
    return (
        values
        if scale == 1
        else cv2.resize(values, (width // scale, height // scale), interpolation=cv2.INTER_AREA)
    )


def _least(keys: Tensor, queries: Tensor) -> Tensor:
    """For each query (CxD) which of its own keys (CxNxD) is nearest."""
    return torch.einsum("cnd,cd->cn", keys, queries).argmin(dim=1)


def _one_hot(kinds: np.ndarray) -> Tensor:
    """N x 20, times the price of another part. Left and right are one part, unlabelled is background's."""
    kinds = np.where(kinds > NUM_PARTS, 0, kinds).astype(np.int64)
    of_either_side = torch.from_numpy(np.where(kinds >= _FIRST_LIMB, kinds & ~1, kinds))
    return _OTHER_PART**0.5 * functional.one_hot(of_either_side, NUM_PARTS + 1).float()
