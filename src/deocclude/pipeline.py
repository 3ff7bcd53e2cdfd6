"""The cascade of figure 1a: a photo goes in, every person in it comes out whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar, cast

import cv2
import numpy as np
import torch
from torch import nn

from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of, union
from deocclude.errors import DeoccludeError
from deocclude.images import Photo, load_photo
from deocclude.mask_completion.network import MaskCompletionNetwork, complete
from deocclude.people.person import SURE, DetectedPerson, PersonSource
from deocclude.resampling import SHARP, enlarge, enlarge_parsing
from deocclude.result import DeoccludedPhoto, Patch, Person

__all__ = ["DeoccludedPhoto", "Deoccluder", "Person", "choose_device"]

Network = TypeVar("Network", bound=nn.Module)

_PEOPLE_AT_ONCE = 4
_LANDMARK_REACH = 1.6
_LEAST_SUPPORT = 0.3
_SAME_PERSON = 0.5
_SLIVER = 1 / 64


class Deoccluder:
    """The cascade with its networks loaded; call it with a photo."""

    def __init__(
        self,
        people: PersonSource | None,
        masks: MaskCompletionNetwork,
        content: ContentRecoveryNetwork,
        *,
        device: str | torch.device = "cpu",
        model: str = "custom",
    ) -> None:
        """people: who finds the people; None if every call brings its own. model: its name in reports."""
        self.people = people
        self.device = torch.device(device)
        self.model = model
        self._masks = _ready(masks, self.device)
        self._content = _ready(content, self.device)

    @classmethod
    def load(
        cls, model: str = "lite", device: str = "auto", people: str | PersonSource | None = "blazepose"
    ) -> Deoccluder:
        """model: "lite", "paper" or a folder with masks.safetensors and content.safetensors.

        device: "cpu", "cuda", or "auto": cuda where there is one. people: a source, its name, or None if
        every call brings its own people.
        Raises DeoccludeError for an unknown model, damaged weights, or a device that is not there.
        """
        from deocclude.people import load_source
        from deocclude.weights import store

        where = choose_device(device)
        return cls(
            load_source(people) if isinstance(people, str) else people,
            cast(MaskCompletionNetwork, store.load("masks", model, where)),
            cast(ContentRecoveryNetwork, store.load("content", model, where)),
            device=where,
            model=model,
        )

    @torch.inference_mode()
    def __call__(
        self, photo: Photo, people: Sequence[DetectedPerson] | PersonSource | None = None
    ) -> DeoccludedPhoto:
        """Complete everybody in a photo, or the given `people`, or whom the given source finds.

        Doubtful people (score below `SURE`) whom stage 1 does not see either are left out.
        Raises DeoccludeError for a photo that cannot be read. A photo without people gives an empty list.
        """
        pixels = load_photo(photo)
        seconds: dict[str, float] = {}
        with _timed(seconds, "people"):
            found, source = self._find(pixels, people)
        with _timed(seconds, "masks"):
            completed = [one for batch in _batches(found) for one in self._complete(pixels, batch)]
            found, masks = _confirmed(found, completed)
        with _timed(seconds, "content"):
            painted = [patch for batch in _batches(masks) for patch in self._paint(pixels, batch)]
        everybody = [
            Person(
                score=person.score,
                box=person.box,
                landmarks=person.landmarks,
                occlusion_ratio=_hidden_share(patches),
                _photo=pixels,
                _masks=patches,
                _painted=paint,
            )
            for person, patches, paint in zip(found, masks, painted, strict=True)
        ]
        return DeoccludedPhoto(pixels, everybody, seconds, source)

    @torch.inference_mode()
    def recover(
        self,
        photo: Photo,
        modal: np.ndarray,
        amodal: np.ndarray,
        parsing_modal: np.ndarray,
        parsing_amodal: np.ndarray,
    ) -> np.ndarray:
        """Stage 2 alone, for masks known otherwise: uint8 HxWx3, painted inside amodal minus modal only.

        modal, amodal: bool HxW. parsing_modal, parsing_amodal: uint8 HxW LIP indices, 255 where unlabelled.
        """
        pixels = load_photo(photo)
        box = box_of(amodal)
        if box is None:
            return pixels.copy()
        maps = {
            "modal": modal & amodal,
            "amodal": amodal,
            "parsing_modal": parsing_modal,
            "parsing_amodal": parsing_amodal,
        }
        inner = slice(box[1], box[3]), slice(box[0], box[2])
        patches = {name: Patch(box, values[inner]) for name, values in maps.items()}
        (painted,) = self._paint(pixels, [patches])
        person = Person(1.0, box, None, _hidden_share(patches), pixels, patches, painted)
        return person.recovered

    def _find(
        self, photo: np.ndarray, people: Sequence[DetectedPerson] | PersonSource | None
    ) -> tuple[list[DetectedPerson], str]:
        people = self.people if people is None else people
        if people is None:
            raise DeoccludeError(
                'nobody finds the people; load with people="blazepose" or give them with the photo'
            )
        found = people(photo) if callable(people) else people
        for person in found:
            if person.mask.shape != photo.shape[:2]:
                (height, width), (h, w) = photo.shape[:2], person.mask.shape
                raise DeoccludeError(
                    f"mask of {w}x{h} for a photo of {width}x{height}; make it the photo's size"
                )
        name = people.name if callable(people) else "given"
        return sorted(found, key=lambda person: -int(person.mask.sum())), name

    def _complete(self, photo: np.ndarray, people: Sequence[DetectedPerson]) -> list[_Completed]:
        """Stage 1 for a few people: the four photo-sized maps of each, and the initial mask."""
        size = self._masks.config.size
        windows = [SquareWindow.around(_reach(person)) for person in people]
        images = [window.cut(photo, size, outside=OUTSIDE_PHOTO) for window in windows]
        initial = [_cut_mask(person.mask, w, size) for person, w in zip(people, windows, strict=True)]
        completed = complete(self._masks(self._images(images), self._planes(initial)))
        modal, amodal = (
            completed.modal.float().cpu().numpy()[:, 0],
            completed.amodal.float().cpu().numpy()[:, 0],
        )
        parsing_modal = completed.parsing_modal.cpu().numpy().astype(np.uint8)
        parsing_amodal = completed.parsing_amodal.cpu().numpy().astype(np.uint8)
        support = modal.sum(axis=(1, 2)) / np.maximum(1, np.stack(initial).sum(axis=(1, 2)))
        return [
            _Completed(_at_photo_size(person, window, *maps), float(seen))
            for person, window, seen, *maps in zip(
                people, windows, support, modal, amodal, parsing_modal, parsing_amodal, strict=True
            )
        ]

    def _paint(self, photo: np.ndarray, people: Sequence[dict[str, Patch]]) -> list[Patch | None]:
        """Stage 2 for a few people: the colours in the box of the hidden part, None if nothing is hidden."""
        size = self._content.config.size
        painted: list[Patch | None] = [None] * len(people)
        inputs = []
        for index, patches in enumerate(people):
            hidden_box = _box_in_photo(
                patches["amodal"].values & ~patches["modal"].values, patches["amodal"].box
            )
            amodal_box = _box_in_photo(patches["amodal"].values, patches["amodal"].box)
            if hidden_box is None or amodal_box is None:
                continue
            window = SquareWindow.around(amodal_box)
            inside = {name: window.seen_from(patch.box) for name, patch in patches.items()}
            modal, amodal = (
                _cut_mask(patches[name].values, inside[name], size) for name in ("modal", "amodal")
            )
            if modal.any() and (amodal & ~modal).any():
                maps = [
                    inside[name].cut(patches[name].values, size, nearest=True)
                    for name in ("parsing_modal", "parsing_amodal")
                ]
                image = window.cut(photo, size, outside=OUTSIDE_PHOTO)
                inputs.append((index, hidden_box, window, image, modal, amodal, *maps))
        if not inputs:
            return painted
        indices, boxes, windows, images, modals, amodals, parsing_modal, parsing_amodal = zip(
            *inputs, strict=True
        )
        output = self._content(
            self._images(images),
            self._planes(modals),
            self._planes(amodals),
            torch.from_numpy(np.stack(parsing_modal)).long().to(self.device),
            torch.from_numpy(np.stack(parsing_amodal)).long().to(self.device),
        )
        for index, box, window, pixels in zip(
            indices, boxes, windows, output.float().cpu().numpy(), strict=True
        ):
            painted[index] = Patch(box, _colours(pixels, window, box))
        return painted

    def _images(self, crops: Sequence[np.ndarray]) -> torch.Tensor:
        pixels = torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2)
        return pixels.float().div(255).contiguous(memory_format=torch.channels_last)

    def _planes(self, masks: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(masks)[:, None]).to(self.device).float()


class _Completed(NamedTuple):
    """Stage 1's maps of one person; support: the area it sees over the area that the initial mask claims."""

    patches: dict[str, Patch]
    support: float


def _confirmed(
    people: Sequence[DetectedPerson], completed: Sequence[_Completed]
) -> tuple[list[DetectedPerson], list[dict[str, Patch]]]:
    """Without the doubtful people whom stage 1 hardly sees, or who turn out to be somebody surer."""
    kept: list[int] = []
    for index in sorted(range(len(people)), key=lambda index: -people[index].score):
        if people[index].score < SURE:
            if completed[index].support < _LEAST_SUPPORT:
                continue
            modal = completed[index].patches["modal"]
            if any(_overlap(modal, completed[other].patches["modal"]) > _SAME_PERSON for other in kept):
                continue
        kept.append(index)
    kept.sort()
    return [people[index] for index in kept], [completed[index].patches for index in kept]


def _overlap(first: Patch, second: Patch) -> float:
    """Intersection over union of two bool patches."""
    left, top = (max(first.box[axis], second.box[axis]) for axis in (0, 1))
    right, bottom = (min(first.box[axis], second.box[axis]) for axis in (2, 3))
    if left >= right or top >= bottom:
        return 0.0
    both = [
        patch.values[top - patch.box[1] : bottom - patch.box[1], left - patch.box[0] : right - patch.box[0]]
        for patch in (first, second)
    ]
    shared = int((both[0] & both[1]).sum())
    return shared / max(1, int(first.values.sum()) + int(second.values.sum()) - shared)


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is cuda where there is one, else cpu.

    Raises DeoccludeError when the named device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeoccludeError(f"device {name!r} is not known; use auto, cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeoccludeError(
            "device cuda: torch finds none here; install a CUDA build of torch or use --device cpu"
        )
    return device


def _ready(network: Network, device: torch.device) -> Network:
    return network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


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


def _cut_mask(mask: np.ndarray, window: SquareWindow, size: int) -> np.ndarray:
    return window.cut(mask.astype(np.uint8) * 255, size) > 127


def _at_photo_size(
    person: DetectedPerson,
    window: SquareWindow,
    soft_modal: np.ndarray,
    soft_amodal: np.ndarray,
    parsing_modal: np.ndarray,
    parsing_amodal: np.ndarray,
) -> dict[str, Patch]:
    """Soft masks are enlarged first and thresholded then, so edges stay clean at any photo size."""
    height, width = person.mask.shape
    seen = (
        max(0, window.left),
        max(0, window.top),
        min(width, window.left + window.side),
        min(height, window.top + window.side),
    )
    initial = person.mask[seen[1] : seen[3], seen[0] : seen[2]]
    modal = enlarge(soft_modal, window, seen) > 0.5
    if not modal.any():
        modal = initial
    amodal = (enlarge(soft_amodal, window, seen) > 0.5) | modal
    modal |= _slivers(amodal & ~modal, window)
    left, top, right, bottom = box_of(amodal | initial) or (0, 0, 0, 0)
    box = (seen[0] + left, seen[1] + top, seen[0] + right, seen[1] + bottom)
    inner = slice(top, bottom), slice(left, right)
    modal, amodal = modal[inner].copy(), amodal[inner].copy()
    known_modal = parsing_modal if parsing_modal.any() else parsing_amodal
    known_amodal = np.where(parsing_amodal > 0, parsing_amodal, parsing_modal)
    return {
        "initial": Patch(box, initial[inner].copy()),
        "modal": Patch(box, modal),
        "amodal": Patch(box, amodal),
        "parsing_modal": Patch(box, enlarge_parsing(known_modal, modal, window, box)),
        "parsing_amodal": Patch(box, enlarge_parsing(known_amodal, amodal, window, box)),
    }


def _slivers(hidden: np.ndarray, window: SquareWindow) -> np.ndarray:
    """Where a bool mask of the hidden part is no wider than a 64th of the window.

    Such strips run along the outline, where two soft masks end a little apart: nothing hides there.
    """
    reach = max(1.0, window.side * _SLIVER / 2)
    core = cv2.distanceTransform(hidden.astype(np.uint8), cv2.DIST_L2, 3) > reach
    if not core.any():
        return hidden
    return hidden & (cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3) > reach + 1)


def _box_in_photo(mask: np.ndarray, place: Box) -> Box | None:
    box = box_of(mask)
    if box is None:
        return None
    return place[0] + box[0], place[1] + box[1], place[0] + box[2], place[1] + box[3]


def _colours(pixels: np.ndarray, window: SquareWindow, box: Box) -> np.ndarray:
    """uint8 hxwx3 of the network's float 3xSxS in [0, 1], at the photo pixels of `box`."""
    colours = np.empty((box[3] - box[1], box[2] - box[0], 3), np.uint8)
    for channel, plane in enumerate(pixels):
        colours[..., channel] = np.rint(enlarge(plane, window, box, SHARP).clip(0, 1) * 255)
    return colours


def _hidden_share(patches: dict[str, Patch]) -> float:
    modal, amodal = patches["modal"].values, patches["amodal"].values
    return float((amodal & ~modal).sum() / max(1, amodal.sum()))


def _batches(people: Sequence) -> Iterator[Sequence]:
    return (people[start : start + _PEOPLE_AT_ONCE] for start in range(0, len(people), _PEOPLE_AT_ONCE))


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
