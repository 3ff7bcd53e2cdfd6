"""The record that every amodal format converts to and from, and what a format could not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from deocclude.parsing import NUM_CLASSES, UNLABELLED

_UNFIT_FOR_FILES = re.compile(r'[\s/\\:*?"<>|\x00-\x1f\x7f]')
_DRIVE = re.compile(r"[A-Za-z]:")


class Malformed(ValueError):
    """A record of a file is not what its format says; the message gives the reason alone."""


def check_id(identity: Any) -> str:
    """The ID if it can name a file (any letters, no blanks, no separators); else raises Malformed."""
    if (
        not isinstance(identity, str)
        or not identity
        or identity[0] in ".-"
        or _UNFIT_FOR_FILES.search(identity)
        or not _encodable(identity)
    ):
        raise Malformed(f"the ID {identity!r} cannot name a file; use letters, digits, dots, dashes")
    return identity


def check_name(name: Any) -> str:
    """A photo's file name, relative, with `/` between folders; Malformed if it leads out of its folder."""
    if not isinstance(name, str) or not name or not _encodable(name) or min(name) < " ":
        raise Malformed(f"{name!r} is no file name; correct it")
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or _DRIVE.match(name) or ".." in path.parts or not path.name:
        raise Malformed(f"the file name {name!r} leads out of the folder of photos; make it relative")
    return str(path)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Fault:
    """A person that could not be read. message: one line with file, ID, reason and remedy."""

    id: str
    where: Path
    message: str


@dataclass(frozen=True, eq=False)
class AmodalPerson:
    """A person, visible part and whole, as the amodal data sets hold it (section 4.1).

    id: fits a file name, unique in a data set. photo: the photo's name in its data set, relative, with `/`.
    file: where its bytes are. modal, amodal: bool HxW at the photo's upright size, modal inside amodal,
    amodal not empty. category: 'person', or whatever the source says. hides: IDs of those in the same photo
    that this one hides in part. parsing_modal, parsing_amodal: uint8 HxW of LIP indices, 0 outside the body,
    255 unlabelled; None where no body part is known. unknown: bool HxW of pixels nobody can judge, or None.
    original: file of the photo without the occluder, or None. extra: what only one format holds, by format
    and by level ('annotation', 'image', 'category', ...), JSON values. Raises ValueError when malformed.
    """

    id: str
    photo: str
    file: Path
    modal: np.ndarray
    amodal: np.ndarray
    category: str = "person"
    hides: tuple[str, ...] = ()
    parsing_modal: np.ndarray | None = None
    parsing_amodal: np.ndarray | None = None
    unknown: np.ndarray | None = None
    original: Path | None = None
    extra: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id)
        check_name(self.photo)
        shape = self.amodal.shape
        for name in ("modal", "amodal", "unknown"):
            mask = getattr(self, name)
            if mask is not None and (mask.dtype != np.bool_ or mask.ndim != 2 or mask.shape != shape):
                raise Malformed(f"{name} is {mask.dtype} {mask.shape}, not bool {shape}; they need one size")
        if not self.amodal.any():
            raise Malformed("the amodal mask is empty; remove the person")
        if (self.modal & ~self.amodal).any():
            raise Malformed("the modal mask reaches outside the amodal one; unite them")
        for name, body in (("parsing_modal", self.modal), ("parsing_amodal", self.amodal)):
            _check_parsing(name, getattr(self, name), body)

    @property
    def invisible(self) -> np.ndarray:
        """bool HxW: amodal minus modal."""
        return self.amodal & ~self.modal

    @property
    def occlude_rate(self) -> float:
        """|invisible| / |amodal|, in [0, 1]."""
        return int(self.invisible.sum()) / int(self.amodal.sum())


def _check_parsing(name: str, parsing: np.ndarray | None, body: np.ndarray) -> None:
    if parsing is None:
        return
    if parsing.dtype != np.uint8 or parsing.shape != body.shape:
        raise Malformed(f"{name} is {parsing.dtype} {parsing.shape}, not uint8 {body.shape}")
    if ((parsing >= NUM_CLASSES) & (parsing != UNLABELLED)).any():
        raise Malformed(
            f"{name} holds classes beyond LIP's 0..{NUM_CLASSES - 1} and {UNLABELLED}; relabel it"
        )
    if parsing[~body].any():
        raise Malformed(f"{name} labels pixels outside the body; set them to 0")
