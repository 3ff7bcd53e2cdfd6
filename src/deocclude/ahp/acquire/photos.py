"""Photos that nobody has annotated: N_i tells who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import Unfit, fit_id, photo_size
from deocclude.ahp.candidate import Candidate
from deocclude.errors import DeoccludeError
from deocclude.images import PHOTO_SUFFIXES


class Photos:
    """Every photo below the folder; a box for each person whom N_i is sure of. The masks come from the next
    step, which looks closer. IDs: photos-PHOTO-NUMBER, the largest person first.
    """

    name = "photos"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        from deocclude.people.model_files import MODEL_FILES, model_path

        for model in MODEL_FILES:
            model_path(model)
        files = sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()
        )
        if not files:
            raise DeoccludeError(f"{self.root}: no photos; they end in {', '.join(sorted(PHOTO_SUFFIXES))}")
        for done, file in enumerate(files, 1):
            yield PhotoEntry(file, (), done / len(files))

    def read(self, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
        from deocclude.ahp.finder import sure_people
        from deocclude.ahp.reader import load_rgb

        path = self.root / entry.key
        height, width = photo_size(path)
        try:
            photo = load_rgb(path)
        except DeoccludeError as error:
            raise Unfit("photo unreadable", str(error)) from None
        people = sure_people()(photo)
        if not people:
            raise Unfit("nobody found", str(path))
        boxes = [person.box for person in people]
        for number, box in enumerate(boxes, 1):
            others = tuple(other for other in boxes if other is not box)
            identity = f"{self.name}-{fit_id(entry.key.rpartition('.')[0])}-{number}"
            yield Candidate(identity, self.name, path, height, width, box, others=others)
