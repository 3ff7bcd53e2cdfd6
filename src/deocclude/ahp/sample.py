"""The two records of section 4: a whole person, and the same person occluded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deocclude.parsing import NUM_CLASSES, UNLABELLED


def _check_photo(name: str, photo: np.ndarray) -> None:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"{name} must be uint8 HxWx3 RGB, got {photo.dtype} {photo.shape}")


def _check_mask(name: str, mask: np.ndarray, shape: tuple[int, ...]) -> None:
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise ValueError(f"{name} must be bool {shape}, got {mask.dtype} {mask.shape}")


def _check_parsing(name: str, parsing: np.ndarray, shape: tuple[int, ...]) -> None:
    if parsing.dtype != np.uint8 or parsing.shape != shape:
        raise ValueError(f"{name} must be uint8 {shape}, got {parsing.dtype} {parsing.shape}")
    worst = parsing[parsing != UNLABELLED].max(initial=0)
    if worst >= NUM_CLASSES:
        raise ValueError(
            f"{name} holds class {worst}; LIP has 0..{NUM_CLASSES - 1}, {UNLABELLED} is unlabelled"
        )


@dataclass(frozen=True)
class WholePerson:
    """An unoccluded person (section 4.1, 'Preserve').

    photo: uint8 HxWx3 RGB. amodal: bool HxW, the whole body. parsing: uint8 HxW, LIP index inside the body,
    0 outside, 255 where the part is not labelled. unknown: bool HxW, pixels nobody can judge (behind a bag
    that the person carries, say); no loss or metric counts them. complete: False where `amodal` is only what
    the photo shows and more of the body may be hidden (`ahp.seen_people`). in_front: whether another
    person is right behind, so that only an initial mask tells who is meant (`ahp.company`).
    """

    id: str
    source: str
    photo: np.ndarray
    amodal: np.ndarray
    parsing: np.ndarray
    unknown: np.ndarray
    complete: bool = True
    in_front: bool = False

    def __post_init__(self) -> None:
        _check_photo("photo", self.photo)
        shape = self.photo.shape[:2]
        _check_mask("amodal", self.amodal, shape)
        _check_mask("unknown", self.unknown, shape)
        _check_parsing("parsing", self.parsing, shape)
        if not self.amodal.any():
            raise ValueError(f"person {self.id}: the amodal mask is empty")


@dataclass(frozen=True)
class Occluder:
    """A cut-out to put in front of a person. image: uint8 hxwx3 RGB; mask: bool hxw."""

    id: str
    category: str
    image: np.ndarray
    mask: np.ndarray

    def __post_init__(self) -> None:
        _check_photo("image", self.image)
        _check_mask("mask", self.mask, self.image.shape[:2])
        if not self.mask.any():
            raise ValueError(f"occluder {self.id}: the mask is empty")


@dataclass(frozen=True)
class OcclusionSample:
    """An occluded person with everything known about it (section 4.1, last paragraph; figure 4, last row).

    occluded, original: uint8 HxWx3 RGB. modal: the visible body, amodal: the whole body,
    invisible = amodal minus modal: bool HxW. parsing_modal, parsing_amodal: uint8 HxW of LIP indices, 255
    unlabelled. unknown, complete, in_front: as in `WholePerson`. ratio: |invisible| / |amodal|, in [0, 1].
    """

    id: str
    source: str
    occluder_id: str
    occluder_category: str
    occluded: np.ndarray
    original: np.ndarray
    modal: np.ndarray
    amodal: np.ndarray
    invisible: np.ndarray
    parsing_modal: np.ndarray
    parsing_amodal: np.ndarray
    unknown: np.ndarray
    ratio: float
    complete: bool = True
    in_front: bool = False

    @classmethod
    def unoccluded(cls, person: WholePerson) -> OcclusionSample:
        """The person as the photo shows it: all of the body is visible."""
        return cls(
            id=person.id,
            source=person.source,
            occluder_id="",
            occluder_category="",
            occluded=person.photo,
            original=person.photo,
            modal=person.amodal,
            amodal=person.amodal,
            invisible=np.zeros_like(person.amodal),
            parsing_modal=person.parsing,
            parsing_amodal=person.parsing,
            unknown=person.unknown,
            ratio=0.0,
            complete=person.complete,
            in_front=person.in_front,
        )

    def __post_init__(self) -> None:
        _check_photo("occluded", self.occluded)
        _check_photo("original", self.original)
        shape = self.occluded.shape[:2]
        if self.original.shape[:2] != shape:
            raise ValueError(f"original is {self.original.shape[:2]}, occluded is {shape}")
        for name in ("modal", "amodal", "invisible", "unknown"):
            _check_mask(name, getattr(self, name), shape)
        _check_parsing("parsing_modal", self.parsing_modal, shape)
        _check_parsing("parsing_amodal", self.parsing_amodal, shape)
        if (self.modal & ~self.amodal).any():
            raise ValueError(f"sample {self.id}: modal reaches outside amodal")
        if (self.invisible != (self.amodal & ~self.modal)).any():
            raise ValueError(f"sample {self.id}: invisible is not amodal minus modal")
        exact = self.invisible.sum() / max(1, self.amodal.sum())
        if abs(exact - self.ratio) > 1e-9:
            raise ValueError(f"sample {self.id}: ratio {self.ratio} but the masks give {exact}")
