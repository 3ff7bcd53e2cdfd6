"""Stage 1 on a photo: initial masks of people in, their refined and completed masks out (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from deocclude import tensors
from deocclude.crops import (
    OUTSIDE_PHOTO,
    Box,
    SquareWindow,
    box_of,
    intersection,
    moved,
    rows_and_columns,
    union,
)
from deocclude.mask_completion.network import MaskCompletionNetwork, MaskPrediction, mirror
from deocclude.overlap import iou, share_of_smaller
from deocclude.people.person import LEAST_MATCH, SURE, DetectedPerson
from deocclude.result import Patch
from deocclude.stage_maps import LEAST_CLARITY, Look, Maps, clarity_of, each, in_photo
from deocclude.stage_patches import on_edges, patches_of

_LANDMARK_REACH = 1.6
_LEAST_SUPPORT = 0.3
_LEAST_KEPT = 0.7
_SAME_PERSON = 0.5
_MOST_SHARED = 0.7
_UNGUIDED_LOOKS = 2
_LESS_THAN_SURE = 0.99 * SURE


class Completed(NamedTuple):
    """A person with `initial`, `modal`, `amodal`, `parsing_modal` and `parsing_amodal` patches."""

    person: DetectedPerson
    patches: dict[str, Patch]


class MaskStage:
    """The network of stage 1 with the three looks that it takes at each person.

    The first look is at the window that the initial mask and the landmarks ask for, one stride of pixels
    smaller than the network's crops; each further one at the window that the whole body found asks for,
    tighter and better centred, from the modal mask found before. The second sees the window mirrored: the
    network repeats its own mistakes less readily there. The last is the mean of two predictions, from the
    modal mask and, mirrored and one stride of pixels smaller, from the initial mask. Where a look loses more
    than three tenths of the visible body found before, the one before stands. Outlines end on the photo's
    edges where there are any nearby. Whoever is not seen clearly at last keeps the initial mask.

    Doubtful people (score below `SURE`) whom the first look does not see clearly get no further one; where
    nobody is sure, a faint person is better than none, so long as it fills three tenths of the initial mask.
    Nor do those get one who turn out to be somebody surer.
    """

    def __init__(self, network: MaskCompletionNetwork, device: torch.device) -> None:
        self._network = network
        self._device = device
        size, stride = network.config.size, network.config.stride
        self._less, self._size = max(stride, size - stride), size
        self._unguided = network.config.unguided > 0

    def __call__(
        self, photo: np.ndarray, people: Sequence[DetectedPerson], *, beside_sure: bool
    ) -> list[Completed]:
        """photo: uint8 HxWx3 RGB; people: a few, with bool HxW masks. Without those not seen.

        beside_sure: whether somebody in the photo, in `people` or not, is sure.
        """
        looks = self._first(photo, people, beside_sure)
        if looks:
            looks = self._further(photo, looks, last=False)
            looks = self._further(photo, looks, last=True)
        return [Completed(look.person, patches_of(look, on_edges(look, photo))) for look in looks]

    def overlooked(self, photo: np.ndarray, people: Sequence[DetectedPerson]) -> list[DetectedPerson]:
        """Whom the network sees without an initial mask: one doubtful person, or none.

        It looks at the whole photo (uint8 HxWx3 RGB), then close to the body found. None if that is one of
        `people`, if the network does not see it clearly, or was not trained to look so (`config.unguided`).
        """
        if not self._unguided:
            return []
        height, width = photo.shape[:2]
        window = SquareWindow.of_photo(height, width)
        nobody = np.zeros((self._size, self._size), dtype=bool)
        for _ in range(_UNGUIDED_LOOKS):
            (maps,) = each(self._predict(photo, [window], [nobody]))
            place, modal, amodal = in_photo(maps, window, height, width)
            mask = Patch(place, modal).at(height, width)
            clarity, body = clarity_of(maps), box_of(modal | amodal)
            if body is None or not modal.any() or clarity < LEAST_CLARITY:
                return []
            if any(_same(mask, person.mask) for person in people):
                return []
            window = SquareWindow.close_to(moved(body, *place[:2]))
        return [DetectedPerson(mask, _LESS_THAN_SURE * clarity)]

    def _first(self, photo: np.ndarray, people: Sequence[DetectedPerson], beside_sure: bool) -> list[Look]:
        windows = [SquareWindow.around(_reach(person)) for person in people]
        initial = [window.cut_mask(one.mask, self._less) for one, window in zip(people, windows, strict=True)]
        maps = each(self._predict(photo, windows, initial))
        looks = [
            Look(one, window, own)
            for one, window, mask, own in zip(people, windows, initial, maps, strict=True)
            if _confirmed(one, mask, own, beside_sure)
        ]
        visible = [Patch(*look.in_photo[:2]) for look in looks]
        return [looks[index] for index in _distinct([look.person for look in looks], visible)]

    def _further(self, photo: np.ndarray, looks: Sequence[Look], *, last: bool) -> list[Look]:
        windows, seen = zip(*(self._closer(look) for look in looks), strict=True)
        prediction = self._predict(photo, windows, seen, mirrored=not last)
        if last:
            initial = [
                window.cut_mask(look.person.mask, self._less)
                for look, window in zip(looks, windows, strict=True)
            ]
            usual = self._predict(photo, windows, initial, mirrored=True)
            prediction = MaskPrediction(*(_mean(*both) for both in zip(usual, prediction, strict=True)))
        maps = each(prediction)
        return [
            Look(before.person, window, own) if _kept(known, own) >= _LEAST_KEPT else before
            for before, window, known, own in zip(looks, windows, seen, maps, strict=True)
        ]

    def _closer(self, look: Look) -> tuple[SquareWindow, np.ndarray]:
        """The window close to the whole body of a look, and what is seen of the body in it (bool SxS).

        Where nothing is seen, the initial mask.
        """
        place, modal, amodal = look.in_photo
        box = box_of(modal | amodal)
        window = look.window if box is None else SquareWindow.close_to(moved(box, *place[:2]))
        if not modal.any():
            return window, window.cut_mask(look.person.mask, self._size)
        return window, window.seen_from(place).cut_mask(modal, self._size)

    def _predict(
        self,
        photo: np.ndarray,
        windows: Sequence[SquareWindow],
        initial: Sequence[np.ndarray],
        *,
        mirrored: bool = False,
    ) -> MaskPrediction:
        """Of each window of the photo; mirrored: the network sees it flipped left to right."""
        size = len(initial[0])
        crops = [window.cut(photo, size, outside=OUTSIDE_PHOTO) for window in windows]
        images, planes = tensors.images(crops, self._device), tensors.planes(initial, self._device)
        if mirrored:
            images, planes = images.flip(-1), planes.flip(-1)
        prediction: MaskPrediction = self._network(images, planes)
        return mirror(prediction) if mirrored else prediction


def _same(found: np.ndarray, known: np.ndarray) -> bool:
    """Whether a body seen without an initial mask is one that is known; bool HxW each.

    N_i's masks miss much of a body, or hold an occluder too; but a small piece of it may be anybody.
    """
    return share_of_smaller(found, known) > _MOST_SHARED and iou(found, known) >= LEAST_MATCH


def _confirmed(person: DetectedPerson, initial: np.ndarray, maps: Maps, beside_sure: bool) -> bool:
    """Whether `maps` show the person whom N_i supposes in `initial` (bool SxS), mostly occluder perhaps."""
    if person.score >= SURE or clarity_of(maps) >= LEAST_CLARITY:
        return True
    return not beside_sure and bool(maps.modal.sum() >= _LEAST_SUPPORT * max(1, initial.sum()))


def _kept(seen: np.ndarray, maps: Maps) -> float:
    """Share of the visible body seen before (bool SxS) that is still visible in `maps`."""
    return float((seen & (maps.modal > 0.5)).sum() / max(1, seen.sum()))


def _mean(usual: torch.Tensor, finer: torch.Tensor) -> torch.Tensor:
    """Of logits of two sizes, at the larger."""
    enlarged = functional.interpolate(usual.float(), size=finer.shape[-2:], mode="bilinear")
    return (enlarged + finer.float()) / 2


def without_repeats(completed: Sequence[Completed]) -> list[Completed]:
    """Without the doubtful people who turn out to be somebody surer."""
    visible = [one.patches["modal"] for one in completed]
    return [completed[index] for index in _distinct([one.person for one in completed], visible)]


def _distinct(people: Sequence[DetectedPerson], visible: Sequence[Patch]) -> list[int]:
    """Indices of all but the doubtful people whose visible body (bool) is that of somebody surer."""
    kept: list[int] = []
    for index in sorted(range(len(people)), key=lambda index: -people[index].score):
        surer = (visible[other] for other in kept)
        if people[index].score >= SURE or not any(
            _overlap(visible[index], other) > _SAME_PERSON for other in surer
        ):
            kept.append(index)
    return sorted(kept)


def _overlap(first: Patch, second: Patch) -> float:
    """Intersection over union of two bool patches; looks at the pixels of both boxes alone."""
    both = intersection(first.box, second.box)
    one, other = (
        patch.values[rows_and_columns(moved(both, -patch.box[0], -patch.box[1]))] for patch in (first, second)
    )
    shared = int((one & other).sum())
    return shared / max(1, int(first.values.sum()) + int(second.values.sum()) - shared)


def _reach(person: DetectedPerson) -> Box:
    """The mask's box, widened to the landmarks in the photo: hidden joints tell where the hidden part is.

    Landmarks never make a side longer than 1.6 times the mask's longest side.
    """
    box = person.box
    if person.landmarks is None:
        return box
    height, width = person.mask.shape
    x, y = person.landmarks[:, 0], person.landmarks[:, 1]
    longest = _LANDMARK_REACH * max(box[2] - box[0], box[3] - box[1])
    likely = (x >= max(0, box[2] - longest)) & (x < min(width, box[0] + longest))
    likely &= (y >= max(0, box[3] - longest)) & (y < min(height, box[1] + longest))
    if not likely.any():
        return box
    x, y = x[likely].astype(int), y[likely].astype(int)
    both = union(box, (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1))
    left, right = _shorten(both[0], box[0], box[2], both[2], longest)
    top, bottom = _shorten(both[1], box[1], box[3], both[3], longest)
    return left, top, right, bottom


def _shorten(low: int, kept_low: int, kept_high: int, high: int, longest: float) -> tuple[int, int]:
    """Pull low and high towards the kept range, in proportion, until they are `longest` apart."""
    added = (kept_low - low) + (high - kept_high)
    share = min(1.0, (longest - (kept_high - kept_low)) / added) if added else 1.0
    return kept_low - int((kept_low - low) * share), kept_high + int((high - kept_high) * share)
