"""Clothing Co-Parsing: one person a photo, with 59 tags a pixel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, first_existing, fit_id, label_map, photo_size
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.ccp import CARRIED, read_tags
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError


class Ccp:
    """`photos/ID.jpg`, `labels/ID.png`, `tags.json`. The mask is every tag but null, bags and wallets.

    The tags are no LIP classes; the next step makes body parts of them, with N_i's landmarks. IDs: ccp-PHOTO.
    """

    name = "ccp"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._body = np.array([tag != "null" and tag not in CARRIED for tag in read_tags(self.root)])

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        names = sorted(path.stem for path in (self.root / "labels").glob("*.png"))
        if not names:
            raise DeoccludeError(f"{self.root}: no labels/*.png; point --ccp to the folder of CCP")
        for done, name in enumerate(names, 1):
            yield PhotoEntry(name, (), done / len(names))

    def read(self, entry: PhotoEntry) -> Iterator[Candidate]:
        photo = first_existing([self.root / "photos" / f"{entry.key}.jpg"])
        height, width = photo_size(photo)
        path = self.root / "labels" / f"{entry.key}.png"
        tags = label_map(path, (height, width))
        if tags.max(initial=0) >= len(self._body):
            raise Unfit("malformed mask", f"{path}: tag {tags.max()} is not in tags.json")
        mask = self._body[tags]
        box = box_of(mask)
        if box is None:
            raise Unfit("empty mask", str(path))
        yield Candidate(f"{self.name}-{fit_id(entry.key)}", self.name, photo, height, width, box, mask=mask)
