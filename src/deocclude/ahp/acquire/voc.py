"""Pascal VOC: masks where `SegmentationObject` has them, else the boxes of `Annotations/*.xml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from deocclude.ahp.acquire import Dropped, PhotoEntry
from deocclude.ahp.acquire.checks import (
    Unfit,
    check_size,
    first_existing,
    fit_id,
    label_map,
    photo_size,
    whole_box,
)
from deocclude.ahp.acquire.instances import PERSON, people_of
from deocclude.ahp.candidate import Candidate
from deocclude.crops import Box
from deocclude.errors import DeoccludeError

_PLACES = ("JPEGImages", "*/JPEGImages", "*/*/JPEGImages")


class Voc:
    """`JPEGImages/`, `Annotations/`, `SegmentationObject/`, `SegmentationClass/`, here or in `VOC2012/`.

    sbd: SBD's folder when it is acquired too: people it has masks of come from there, not as boxes from here.
    IDs: voc-PHOTO-NUMBER for masks, voc-PHOTO-boxNUMBER for boxes.
    """

    name = "voc"

    def __init__(self, root: Path, sbd: Path | None = None) -> None:
        homes = [path.parent for place in _PLACES for path in sorted(root.absolute().glob(place))]
        if not homes:
            raise DeoccludeError(f"{root}: no JPEGImages/ here or two levels down; point --voc to VOC2012")
        self.root = homes[-1]
        self._masked_elsewhere = (
            frozenset(path.stem for path in (sbd / "inst").glob("*.mat")) if sbd is not None else frozenset()
        )

    def photos(self, scratch: Path) -> Iterator[PhotoEntry | Dropped]:
        masked = {path.stem for path in (self.root / "SegmentationObject").glob("*.png")}
        boxed = {path.stem for path in (self.root / "Annotations").glob("*.xml")}
        names = sorted(masked | (boxed - self._masked_elsewhere))
        if not names:
            raise DeoccludeError(
                f"{self.root}: neither SegmentationObject/*.png nor Annotations/*.xml; add them"
            )
        for done, name in enumerate(names, 1):
            yield PhotoEntry(name, (name in masked,), done / len(names))

    def read(self, entry: PhotoEntry) -> Iterator[Candidate | Dropped]:
        (masked,) = entry.payload
        if masked:
            yield from self._with_masks(entry.key)
        else:
            yield from self._with_boxes(entry.key)

    def _photo(self, name: str) -> Path:
        return first_existing([self.root / "JPEGImages" / f"{name}.jpg"])

    def _with_masks(self, name: str) -> Iterator[Candidate]:
        photo = self._photo(name)
        size = photo_size(photo)
        instances = label_map(self.root / "SegmentationObject" / f"{name}.png", size)
        classes = label_map(self.root / "SegmentationClass" / f"{name}.png", size)

        def is_person(number: int) -> bool:
            return 2 * int((classes[instances == number] == PERSON).sum()) > int((instances == number).sum())

        yield from people_of(self.name, fit_id(name), photo, instances, is_person)

    def _with_boxes(self, name: str) -> Iterator[Candidate | Dropped]:
        path = self.root / "Annotations" / f"{name}.xml"
        try:
            tree = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, OSError, ValueError) as error:
            raise Unfit("broken XML", f"{path}: {error}") from None
        objects = tree.findall("object")
        is_person = [thing.findtext("name", "").strip() == "person" for thing in objects]
        if not any(is_person):
            return
        identity = f"{self.name}-{fit_id(name)}-box"
        try:
            photo = self._photo(name)
            height, width = photo_size(photo)
            check_size(photo, (height, width), (_stated(tree, "height"), _stated(tree, "width")))
        except Unfit as fault:
            for number, person in enumerate(is_person, 1):
                if person:
                    yield Dropped(self.name, f"{identity}{number}", fault.reason, fault.where)
            return
        boxes: list[Box | Unfit] = [
            _box(thing, height, width, f"{path}: object {number}") for number, thing in enumerate(objects, 1)
        ]
        for index, box in enumerate(boxes):
            if is_person[index]:
                person_id = f"{identity}{index + 1}"
                if isinstance(box, Unfit):
                    yield Dropped(self.name, person_id, box.reason, box.where)
                    continue
                others = tuple(b for i, b in enumerate(boxes) if i != index and not isinstance(b, Unfit))
                yield Candidate(person_id, self.name, photo, height, width, box, others=others)


def _stated(tree: ElementTree.Element, side: str) -> int | None:
    text = tree.findtext(f"size/{side}", "").strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _box(thing: ElementTree.Element, height: int, width: int, where: str) -> Box | Unfit:
    """VOC counts pixels from 1, and xmax and ymax still belong to the object."""
    try:
        left, top, right, bottom = (
            float(thing.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        return whole_box((left - 1, top - 1, right, bottom), height, width, where)
    except ValueError:
        return Unfit("malformed box", where)
    except Unfit as fault:
        return fault
