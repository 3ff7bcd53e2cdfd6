"""Composites as tensors for training and validation; see 'Batches' in docs/architecture.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from deocclude.ahp import augmentation
from deocclude.ahp.company import in_front_of
from deocclude.ahp.density import TRAINING, RatioDensity
from deocclude.ahp.false_alarms import FalseAlarms
from deocclude.ahp.framing import cut_by_frame
from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.initial_masks import InitialMaskErrors, corrupt, occluder_in
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.ahp.seen_people import SeenPeople
from deocclude.ahp.synthesis import DEFAULT, PERSON, SynthesisSettings, draw_sample
from deocclude.crops import OUTSIDE_PHOTO, Box, SquareWindow, box_of
from deocclude.errors import DeoccludeError
from deocclude.overlap import iou
from deocclude.parsing import inside
from deocclude.people.blazepose import BlazePose
from deocclude.people.person import LEAST_MATCH

_MOST_LOOKS = 3
_AS_THEY_ARE = 0.5
_JITTER = 0.03
"""By how much the edges of a window's box move, as a share of its sides."""
_LEAST_IN_FRONT = 0.5
"""IoU from which on N_i's mask is of the person in front, not of the one behind, whose mask is not known."""

Stage = Literal["masks", "content"]


@dataclass(frozen=True)
class BatchSettings:
    """How composites are varied."""

    frame_cut: float = 0.4
    """Share of people whom the frame cuts."""
    turned: float = 0.3
    """Share of people who are turned by up to 12 degrees and scaled by up to 15%."""
    coloured: float = 0.8
    """Share with changed colours."""
    dyed: float = 0.0
    """Share of people whose clothes change colour, so that their look says less than their outline."""
    stage: Stage = "masks"
    """Whose windows: stage 1 looks around the initial mask, stage 2 around the amodal one."""
    detected: float = 0.0
    """Share of fresh composites whose initial mask is N_i's own; the others' are simulated."""
    false_alarms: float = 0.0
    """Share taken from `ROOT/false_alarms`: nobody is there, whatever the initial mask says."""
    unoccluded: float = 0.0
    """Share of people with nothing pasted over them, so that stage 1 learns to leave them as they are."""
    in_front: float = 0.0
    """Share of people who stand in front of another one, half of them with nothing pasted over them."""
    seen: float = 0.0
    """Share taken from `ROOT/seen`: people of whom only the visible part is known, half as they are."""

    def __post_init__(self) -> None:
        kinds = self.false_alarms, self.unoccluded, self.in_front, self.seen
        if self.stage == "content" and any(kinds):
            raise DeoccludeError("stage 'content' learns from hidden parts alone; set the other shares to 0")
        if sum(kinds) > 1:
            raise DeoccludeError(
                "false alarms, unoccluded people, those in front of others and seen ones are more than 1 "
                "together; lower a share"
            )


def looked_for(stage: Stage, initial: np.ndarray, amodal: np.ndarray) -> Box:
    """The box around which the cascade's window lies at that stage; for stage 1 it knows nothing of the body.

    initial, amodal: bool HxW.
    """
    box = box_of(initial if stage == "masks" else amodal)
    assert box is not None
    return box


def shaken(box: Box, rng: np.random.Generator, amount: float) -> Box:
    """The box with each edge moved at random: normally distributed, `amount` of the box's sides."""
    width, height = box[2] - box[0], box[3] - box[1]
    shift = rng.normal(0, amount, 4) * (width, height, width, height)
    left, top, right, bottom = (round(edge + move) for edge, move in zip(box, shift, strict=True))
    return left, top, max(right, left + 4), max(bottom, top + 4)


def tensors_of(
    sample: OcclusionSample, initial: np.ndarray, window: SquareWindow, size: int
) -> dict[str, Tensor]:
    """The window of a sample as the dict of docs/architecture.md, without the batch dimension.

    initial: bool HxW. `known` is 0 where nobody can judge: unknown regions, and outside the photo. So is
    `known_amodal`, and of a sample that is not complete wherever no body is to be seen. `in_front`: a bool.
    """

    def photo(image: np.ndarray) -> Tensor:
        cut = window.cut(image, size, outside=OUTSIDE_PHOTO)
        return torch.from_numpy(cut).permute(2, 0, 1).float().div_(255)

    def parsing(values: np.ndarray, mask: np.ndarray) -> Tensor:
        return torch.from_numpy(inside(mask, window.cut(values, size, nearest=True))).long()

    amodal = window.cut_mask(sample.amodal, size)
    modal = window.cut_mask(sample.modal, size) & amodal
    known = window.cut_mask(~sample.unknown, size)
    masks = {
        "initial": window.cut_mask(initial, size),
        "modal": modal,
        "amodal": amodal,
        "invisible": amodal & ~modal,
        "known": known,
        "known_amodal": known if sample.complete else known & amodal,
    }
    return {
        "image": photo(sample.occluded),
        "original": photo(sample.original),
        **{name: torch.from_numpy(values)[None].float() for name, values in masks.items()},
        "parsing_modal": parsing(sample.parsing_modal, modal),
        "parsing_amodal": parsing(sample.parsing_amodal, amodal),
        "in_front": torch.tensor(sample.in_front),
    }


class CompositeDataset(Dataset[dict[str, Tensor]]):
    """An endless series of fresh composites; item i depends on (seed, i) alone.

    root: folder of the AHP layout. split: whose people and occluders. size: side of the window in pixels.
    Raises DeoccludeError if the folder is incomplete.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        size: int = 256,
        seed: int = 0,
        density: RatioDensity = TRAINING,
        settings: BatchSettings | None = None,
        synthesis: SynthesisSettings = DEFAULT,
        errors: InitialMaskErrors | None = None,
        length: int = 2**31 - 1,
    ) -> None:
        root = Path(root)
        self.settings = settings or BatchSettings()
        self.size, self.seed, self.density, self.length = size, seed, density, length
        self.synthesis, self.errors = synthesis, errors
        self.people: Sequence[WholePerson] = People(root, split, keep_bytes=True)
        self.occluders = Occluders(root, split, keep_bytes=True)
        self.false_alarms = FalseAlarms(root, split) if self.settings.false_alarms > 0 else None
        self.seen: Sequence[WholePerson] = SeenPeople(root, split) if self.settings.seen > 0 else ()

    @property
    def about(self) -> dict[str, Any]:
        """What the composites depend on, as JSON can hold it."""
        return {
            "size": self.size,
            "seed": self.seed,
            "people": len(self.people),
            "occluders": len(self.occluders),
            "density": self.density.name,
            "person_share": self.synthesis.person_share,
            **asdict(self.settings),
        }

    def __len__(self) -> int:
        return self.length

    def _change(self, person: WholePerson, rng: np.random.Generator) -> WholePerson:
        if rng.random() < 0.5:
            person = augmentation.mirror_person(person)
        if self.settings.dyed and rng.random() < self.settings.dyed:
            person = augmentation.dye_person(person, rng)
        if rng.random() < self.settings.turned:
            degrees, scale = float(rng.uniform(-12, 12)), float(rng.uniform(0.85, 1.15))
            person = augmentation.turn_person(person, degrees, scale)
        if rng.random() < self.settings.frame_cut:
            person = cut_by_frame(person, rng)
        return person

    def _put_in_front(self, person: WholePerson, rng: np.random.Generator) -> WholePerson:
        other = self.people[int(rng.integers(len(self.people)))]
        return self._change(in_front_of(person, other, rng), rng)

    def sample(self, index: int) -> tuple[OcclusionSample, np.ndarray, np.random.Generator]:
        """Composite `index` at the photo's size, its initial mask (bool HxW), and its generator."""
        rng = np.random.default_rng([self.seed, index, 1])
        settings, kind = self.settings, rng.random()
        if self.false_alarms is not None and kind < settings.false_alarms:
            return (*_maybe_mirrored(*self.false_alarms[int(rng.integers(len(self.false_alarms)))], rng), rng)
        people = self.seen if kind >= 1 - settings.seen else self.people
        alone = settings.false_alarms + settings.unoccluded
        change = self._put_in_front if alone <= kind < alone + settings.in_front else self._change
        if kind < alone + _AS_THEY_ARE * settings.in_front or kind >= 1 - _AS_THEY_ARE * settings.seen:
            person = change(people[int(rng.integers(len(people)))], rng)
            sample = OcclusionSample.unoccluded(person)
        else:
            sample, rng = draw_sample(
                people, self.occluders, self.density, self.seed, index, self.synthesis, change
            )
        initial = self._detected(sample) if rng.random() < self.settings.detected else None
        return sample, corrupt(sample, rng, self.errors) if initial is None else initial, rng

    @cached_property
    def _source(self) -> BlazePose:
        return BlazePose()

    def _detected(self, sample: OcclusionSample) -> np.ndarray | None:
        people = islice(self._source.at_first_sight(sample.occluded), _MOST_LOOKS)
        return next((one.mask for one in people if _means(one.mask, sample)), None)

    def plain(self, index: int) -> dict[str, Tensor]:
        """Item `index` without changed colours."""
        cv2.setNumThreads(0)
        return self._cut(*self.sample(index))

    def _cut(
        self, sample: OcclusionSample, initial: np.ndarray, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        box = looked_for(self.settings.stage, initial, sample.amodal)
        window = SquareWindow.around(shaken(box, rng, _JITTER))
        return tensors_of(sample, initial, window, self.size)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        cv2.setNumThreads(0)
        sample, initial, rng = self.sample(index)
        images = [sample.occluded, sample.original]
        if rng.random() < self.settings.coloured:
            images = augmentation.vary_colours(images, rng)
        images = augmentation.degrade(images, rng)
        return self._cut(replace(sample, occluded=images[0], original=images[1]), initial, rng)


def _means(mask: np.ndarray, sample: OcclusionSample) -> bool:
    """Whether N_i's mask is of the person asked for, rather than of another one in front or behind."""
    overlap = iou(mask, sample.modal)
    if overlap < (_LEAST_IN_FRONT if sample.in_front else LEAST_MATCH):
        return False
    if sample.occluder_category != PERSON:
        return True
    return overlap > iou(mask, occluder_in(sample))


def _maybe_mirrored(
    sample: OcclusionSample, initial: np.ndarray, rng: np.random.Generator
) -> tuple[OcclusionSample, np.ndarray]:
    if rng.random() < 0.5:
        return augmentation.mirror_sample(sample), np.ascontiguousarray(initial[:, ::-1])
    return sample, initial


class ValidationDataset(Dataset[dict[str, Tensor]]):
    """The frozen composites of one split, with N_i's masks where they are stored, else simulated ones.

    The window is that of the initial mask.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "val",
        size: int = 256,
        stage: Stage = "masks",
    ) -> None:
        self.frozen = FrozenComposites(Path(root), split)
        self.size, self.stage = size, stage
        self._indices = [i for i in range(len(self.frozen)) if self._initial(i) is not None]

    def _initial(self, index: int) -> np.ndarray | None:
        if not self.frozen.has_initial_masks:
            return corrupt(self.frozen[index], np.random.default_rng([0, index]))
        mask = self.frozen.initial_mask(index)
        return mask if mask is not None and mask.any() else None

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        cv2.setNumThreads(0)
        chosen = self._indices[index]
        sample, initial = self.frozen[chosen], self._initial(chosen)
        assert initial is not None
        window = SquareWindow.around(looked_for(self.stage, initial, sample.amodal))
        return tensors_of(sample, initial, window, self.size)
