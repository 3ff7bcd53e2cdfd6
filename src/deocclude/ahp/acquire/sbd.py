"""Semantic Boundaries Dataset: instance masks of VOC 2011's photos in `inst/*.mat`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, first_existing, fit_id, photo_size
from deocclude.ahp.acquire.instances import PERSON, people_of
from deocclude.ahp.acquire.matlab import load, require_scipy
from deocclude.ahp.candidate import Candidate
from deocclude.errors import DeoccludeError


def home_of(root: Path) -> Path:
    """The folder that holds `inst/`: `root` or its `benchmark_RELEASE/dataset`. DeoccludeError if none."""
    for folder in (root, root / "dataset", root / "benchmark_RELEASE" / "dataset"):
        if (folder / "inst").is_dir():
            return folder.absolute()
    raise DeoccludeError(f"{root}: no inst/ here; point --sbd to benchmark_RELEASE/dataset")


class Sbd:
    """`img/ID.jpg`, `inst/ID.mat` with the struct GTinst. IDs: sbd-PHOTO-NUMBER.

    voc: VOC's folder when it is acquired too; photos it has masks of come from there, they are finer.
    """

    name = "sbd"

    def __init__(self, root: Path, voc: Path | None = None) -> None:
        self.root = home_of(root)
        self._masked_elsewhere = (
            frozenset(path.stem for path in (voc / "SegmentationObject").glob("*.png"))
            if voc is not None
            else frozenset()
        )
        self._more_photos = None if voc is None else voc / "JPEGImages"
        require_scipy(self.root / "inst")

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        names = sorted({path.stem for path in (self.root / "inst").glob("*.mat")} - self._masked_elsewhere)
        for done, name in enumerate(names, 1):
            yield PhotoEntry(name, (), done / len(names))

    def read(self, entry: PhotoEntry) -> Iterator[Candidate]:
        path = self.root / "inst" / f"{entry.key}.mat"
        truth = load(path, "GTinst")
        try:
            instances = np.asarray(truth["Segmentation"][0, 0])
            categories = np.asarray(truth["Categories"][0, 0]).astype(np.int64).ravel()
            if instances.dtype.kind not in "iu":
                raise ValueError(f"Segmentation is {instances.dtype}")
        except (IndexError, ValueError, TypeError) as error:
            raise Unfit("broken MATLAB file", f"{path}: GTinst: {error}") from None
        if instances.ndim != 2 or instances.min(initial=0) < 0 or instances.max(initial=0) > categories.size:
            raise Unfit("malformed mask", f"{path}: instances without a category")
        if not (categories == PERSON).any():
            return
        folders = [self.root / "img"] + ([self._more_photos] if self._more_photos is not None else [])
        photo = first_existing([folder / f"{entry.key}.jpg" for folder in folders])
        size = photo_size(photo)
        if size != instances.shape:
            raise Unfit("mask of another size", f"{path}: {instances.shape[::-1]}, the photo {size[::-1]}")
        yield from people_of(
            self.name, fit_id(entry.key), photo, instances, lambda number: categories[number - 1] == PERSON
        )
