"""The cascade of figure 1a: a photo goes in, every person in it comes out whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar, cast

import numpy as np
import torch
from torch import nn

from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.content_stage import ContentStage
from deocclude.crops import box_of, rows_and_columns
from deocclude.errors import DeoccludeError
from deocclude.fusing import fuse_batch_norms
from deocclude.images import Photo, load_photo
from deocclude.mask_completion.network import MaskCompletionNetwork
from deocclude.mask_stage import MaskStage, without_repeats
from deocclude.people.person import SURE, DetectedPerson, PersonSource
from deocclude.result import DeoccludedPhoto, Patch, Person
from deocclude.sharpening import sharpened

__all__ = ["DeoccludedPhoto", "Deoccluder", "Person", "choose_device"]

Network = TypeVar("Network", bound=nn.Module)

_PEOPLE_AT_ONCE = 4


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
        exemplars: bool = True,
    ) -> None:
        """people: who finds the people; None if every call brings its own. model: its name in reports.

        exemplars: the hidden part takes its texture from the visible body (`find_exemplars`); without, it is
        as the content network paints it (the paper's way).
        """
        self.people = people
        self.device = torch.device(device)
        self.model = model
        self.exemplars = exemplars
        self._masks = MaskStage(_ready(masks, self.device), self.device)
        self._content = ContentStage(_ready(content, self.device), self.device, exemplars=exemplars)

    @classmethod
    def load(
        cls,
        model: str = "lite",
        device: str = "auto",
        people: str | PersonSource | None = "blazepose",
        exemplars: bool = True,
    ) -> Deoccluder:
        """model: "lite", "paper" or a folder with masks.safetensors and content.safetensors.

        device: "cpu", "cuda", or "auto": cuda where there is one. people: a source, its name, or None if
        every call brings its own people. exemplars: as for `Deoccluder`.
        Raises DeoccludeError for an unknown model, damaged weights, or a device that is not there.
        """
        from deocclude.people import load_source
        from deocclude.weights import store

        where = choose_device(device)
        masks = cast(MaskCompletionNetwork, store.load("masks", model, where))
        fuse_batch_norms(masks)
        return cls(
            load_source(people) if isinstance(people, str) else people,
            masks,
            cast(ContentRecoveryNetwork, store.load("content", model, where)),
            device=where,
            model=model,
            exemplars=exemplars,
        )

    @torch.inference_mode()
    def __call__(
        self, photo: Photo, people: Sequence[DetectedPerson] | PersonSource | None = None
    ) -> DeoccludedPhoto:
        """Complete everybody in a photo (see `find`), or the given `people`, or whom the given source finds.

        Doubtful people (score below `SURE`) whom stage 1 does not see either are left out, and those who turn
        out to be somebody surer.
        Raises DeoccludeError for a photo that cannot be read. A photo without people gives an empty list.
        """
        pixels = load_photo(photo)
        seconds: dict[str, float] = {}
        with _timed(seconds, "people"):
            clear = sharpened(pixels)
            found = self._found(clear) if people is None else _largest_first(_listed(clear, people))
        with _timed(seconds, "masks"):
            sure = any(person.score >= SURE for person in found)
            completed = without_repeats(
                [one for batch in _batches(found) for one in self._masks(clear, batch, beside_sure=sure)]
            )
            masks = [one.patches for one in completed]
        source = people if people is not None else self.people
        with _timed(seconds, "content"):
            painted = [patch for batch in _batches(masks) for patch in self._content(pixels, batch)]
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
            for (person, patches), paint in zip(completed, painted, strict=True)
        ]
        name = source.name if callable(source) else "given"
        return DeoccludedPhoto(pixels, everybody, seconds, name)

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
        patches = {name: Patch(box, values[rows_and_columns(box)]) for name, values in maps.items()}
        (painted,) = self._content(pixels, [patches])
        person = Person(1.0, box, None, _hidden_share(patches), pixels, patches, painted)
        return person.recovered

    @torch.inference_mode()
    def find(self, photo: Photo) -> list[DetectedPerson]:
        """Whom a call with this photo alone sets out to complete, from the largest mask to the smallest.

        The source's people, and whom stage 1 sees besides (`MaskStage.overlooked`).
        Raises DeoccludeError for a photo that cannot be read, or without a source.
        """
        return self._found(sharpened(load_photo(photo)))

    def _found(self, photo: np.ndarray) -> list[DetectedPerson]:
        if self.people is None:
            raise DeoccludeError(
                'nobody finds the people; load with people="blazepose" or give them with the photo'
            )
        found = _listed(photo, self.people)
        return _largest_first(found + self._masks.overlooked(photo, found))


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


def _listed(photo: np.ndarray, people: Sequence[DetectedPerson] | PersonSource) -> list[DetectedPerson]:
    """The people given, or whom the given source finds; DeoccludeError if a mask is not the photo's size."""
    found = list(people(photo) if callable(people) else people)
    for person in found:
        if person.mask.shape != photo.shape[:2]:
            (height, width), (h, w) = photo.shape[:2], person.mask.shape
            raise DeoccludeError(f"mask of {w}x{h} for a photo of {width}x{height}; make it the photo's size")
    return found


def _largest_first(people: Sequence[DetectedPerson]) -> list[DetectedPerson]:
    return sorted(people, key=lambda person: -int(person.mask.sum()))


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
