"""AHP itself, the paper's or one built by this package: whole people, preserved once already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deocclude.ahp import layout
from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, first_existing, fit_id, label_map, photo_size
from deocclude.ahp.candidate import Candidate
from deocclude.crops import box_of


class Ahp:
    """`train/JPEGImages`, `train/Annotations`, `train/PseudoParsingAnnotations`. IDs: ahp-ID."""

    name = "ahp"

    def __init__(self, root: Path) -> None:
        self.root = layout.root_of(root.absolute())

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        names = sorted(path.stem for path in (self.root / "train" / "Annotations").glob("*.png"))
        for done, name in enumerate(names, 1):
            yield PhotoEntry(name, (), done / len(names))

    def read(self, entry: PhotoEntry) -> Iterator[Candidate]:
        folder = self.root / "train"
        photo = first_existing(
            [folder / "JPEGImages" / f"{entry.key}{suffix}" for suffix in layout.PHOTO_SUFFIXES]
        )
        height, width = photo_size(photo)
        path = folder / "Annotations" / f"{entry.key}.png"
        mask = label_map(path, (height, width)) > 0
        box = box_of(mask)
        if box is None:
            raise Unfit("empty mask", str(path))
        parsing = folder / "PseudoParsingAnnotations" / f"{entry.key}.png"
        yield Candidate(
            id=f"{self.name}-{fit_id(entry.key)}",
            source=self.name,
            photo=photo,
            height=height,
            width=width,
            box=box,
            mask=mask,
            parsing=parsing if parsing.is_file() else None,
        )
