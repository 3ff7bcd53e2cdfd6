"""The user's own masks as a source of people: PNG files, folders of them, or COCO JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deocclude.errors import DeoccludeError
from deocclude.people.coco import CocoPeople
from deocclude.people.label_image import MASK_SUFFIXES, people_in
from deocclude.people.person import DetectedPerson, PersonSource


class SuppliedMasks:
    """Masks at `path`, for one photo or for several; `for_photo` picks those of one.

    - Image file (PNG): see `label_image.people_in`; for a single photo only.
    - Folder: for the photo STEM.jpg the file STEM.png or the files in STEM/. For a single photo, a folder
      without those may also hold its masks under any names, one file or more.
    - COCO JSON: see `coco.CocoPeople`.

    photos: how many photos these masks are for; with several, only names that match are taken.
    Raises DeoccludeError if `path` is missing or of another kind.
    """

    def __init__(self, path: str | Path, photos: int = 1) -> None:
        self._path = Path(path)
        self._single = photos == 1
        if not self._path.exists():
            raise DeoccludeError(f"{path}: no such file or folder; give a PNG, a folder of PNGs or COCO JSON")
        is_json = self._path.suffix.lower() == ".json"
        if self._path.is_file() and not is_json:
            if self._path.suffix.lower() not in MASK_SUFFIXES:
                raise DeoccludeError(f"{path}: no kind of mask; give a PNG, a folder of PNGs or COCO JSON")
            if not self._single:
                raise DeoccludeError(
                    f"{path}: one mask for {photos} photos; give a folder with STEM.png of each"
                )
        self._coco = CocoPeople(self._path) if is_json else None

    def for_photo(self, photo: str | Path | None = None) -> PersonSource:
        """The people of one photo. photo: its path; None if it has none, which only a single photo may."""
        return _MasksOfPhoto(self, None if photo is None else Path(photo))

    def masks(self, photo: Path | None, height: int, width: int) -> list[np.ndarray]:
        """bool HxW masks, one a person, none empty.

        Raises DeoccludeError if a file cannot be read, a mask is not height x width, or nobody is there.
        """
        name = str(photo) if photo else "the photo"
        if self._coco is not None:
            masks = self._coco.masks(photo, height, width)
        else:
            masks = [m for file in self._files(photo) for m in people_in(file, name, height, width)]
        if not masks:
            raise DeoccludeError(
                f"{self._path}: no mask of a person for {name}; add one or run without --masks"
            )
        return masks

    def _files(self, photo: Path | None) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        if photo is not None:
            own = [self._path / f"{photo.stem}{suffix}" for suffix in MASK_SUFFIXES]
            if files := [file for file in own if file.is_file()]:
                return files[:1]
            if (self._path / photo.stem).is_dir():
                return _images(self._path / photo.stem)
        return _images(self._path) if self._single else []


@dataclass
class _MasksOfPhoto:
    supplied: SuppliedMasks
    photo: Path | None
    name: str = "supplied"

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        masks = self.supplied.masks(self.photo, *photo.shape[:2])
        people = [DetectedPerson(mask, 1.0) for mask in masks]
        return sorted(people, key=lambda person: -int(person.mask.sum()))


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in MASK_SUFFIXES)
