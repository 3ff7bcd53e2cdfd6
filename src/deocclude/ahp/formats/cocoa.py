"""COCOA (Zhu et al., "Semantic Amodal Segmentation", CVPR 2017).

One annotation an image (BSDS: one an annotator), with `regions` from front to back: `segmentation`, one flat
polygon of the whole region; `visible_mask` and `invisible_mask`, run lengths, absent where nothing is hidden;
`name`, `area`, `isStuff`, `occlude_rate`, `order`. `depth_constraint` "1-2,1-3" says that region 1 hides
parts of 2 and 3.

The polygon written here is filled back bit for bit by the COCO API, holes and parts included (`outline`). Of
a region with both masks the whole is their union.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deocclude.ahp.formats.instances import derived_id, find_photo, side_fields, without
from deocclude.ahp.formats.json_writer import JsonWriter
from deocclude.ahp.formats.masks import encode_rle, read_visible_and_hidden
from deocclude.ahp.formats.outline import outline
from deocclude.ahp.formats.person import AmodalPerson, Fault, Malformed
from deocclude.ahp.formats.side import KEY, level
from deocclude.ahp.formats.source import JsonPlace, Source, reason_of

NAME = "cocoa"
_REGION = (
    "segmentation", "visible_mask", "invisible_mask", "name", "area", "occlude_rate", "order", "image_id", KEY
)  # fmt: skip
_ANNOTATION = ("regions", "depth_constraint", "size", "image_id")


def read_cocoa(given: Path, photo_folder: Path | None) -> Source:
    """Regions of a COCOA file, image by image; IDs are cocoa-IMAGE-ANNOTATION-REGION unless written here.

    Raises DeoccludeError if the file as a whole is malformed; a malformed region comes as `Fault`.
    """
    place = JsonPlace.of(given, photo_folder)
    images, annotations, _ = place.load()
    total = sum(len(_regions(annotation)) for annotation in annotations)
    return Source(_people(place, images, annotations), total)


def _regions(annotation: Any) -> list[Any]:
    regions = annotation.get("regions") if isinstance(annotation, dict) else None
    return regions if isinstance(regions, list) else []


def _people(
    place: JsonPlace, images: dict[Any, dict[str, Any]], annotations: list[Any]
) -> Iterator[AmodalPerson | Fault]:
    position = {identity: number for number, identity in enumerate(images)}
    known = []
    for annotation in place.checked(annotations, images):
        if isinstance(annotation, Fault):
            yield annotation
        elif not isinstance(annotation.get("regions"), list):
            yield place.fault("annotation", annotation["id"], "has no list 'regions'; choose another --from")
        else:
            known.append(annotation)
    for annotation in sorted(known, key=lambda each: position[each["image_id"]]):
        yield from _people_of(place, images[annotation["image_id"]], annotation)


def _people_of(
    place: JsonPlace, image: dict[str, Any], annotation: dict[str, Any]
) -> Iterator[AmodalPerson | Fault]:
    regions = annotation["regions"]
    names = [f"{annotation['id']}, region {number}" for number in range(1, len(regions) + 1)]
    try:
        photo, file, size = find_photo(place, image)
        ids = [_id(annotation, number, region) for number, region in enumerate(regions, 1)]
        hides = _hides(annotation.get("depth_constraint"), ids)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield from (place.fault("annotation", name, reason_of(error)) for name in names)
        return
    shared = {
        "image": without(image, "file_name", "height", "width"),
        "annotation": without(annotation, *_ANNOTATION),
    }
    for name, identity, region in zip(names, ids, regions, strict=True):
        try:
            modal, amodal = read_visible_and_hidden(region, *size)
            fields = side_fields(place, region.get(KEY), size)
            fields["extra"] = {**fields["extra"], NAME: {**shared, "region": without(region, *_REGION)}}
            fields |= {"id": identity, "hides": hides[identity], "category": str(region["name"])}
            yield AmodalPerson(photo=photo, file=file, modal=modal, amodal=amodal | modal, **fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield place.fault("annotation", name, reason_of(error))


def _id(annotation: Mapping[str, Any], number: int, region: Any) -> str:
    notes = region.get(KEY) if isinstance(region, dict) else None
    if isinstance(notes, dict) and isinstance(notes.get("id"), str):
        return str(notes["id"])
    return derived_id(NAME, annotation["image_id"], annotation["id"], number)


def _hides(constraint: Any, ids: list[str]) -> dict[str, tuple[str, ...]]:
    hidden: dict[str, list[str]] = {identity: [] for identity in ids}
    for pair in str(constraint or "").split(","):
        front, dash, back = (part.strip() for part in pair.partition("-"))
        if not pair.strip():
            continue
        if not (dash and front.isdecimal() and back.isdecimal()) or not (
            1 <= int(front) <= len(ids) and 1 <= int(back) <= len(ids)
        ):
            raise Malformed(f"the depth constraint {pair!r} names no two of {len(ids)} regions; correct it")
        hidden[ids[int(front) - 1]].append(ids[int(back) - 1])
    return {identity: tuple(others) for identity, others in hidden.items()}


class CocoaWriter:
    """Writes COCOA; see `json_writer.JsonWriter` for its files.

    People of one photo that come one after the other are one annotation, in their order. Pairs of
    `AmodalPerson.hides` are written where both are among them.
    """

    def __init__(self, folder: Path) -> None:
        self._json = JsonWriter(folder, NAME)
        self._image: int | None = None
        self._kept: Mapping[str, Any] = {}
        self._regions: list[dict[str, Any]] = []
        self._people: list[tuple[str, tuple[str, ...]]] = []
        self.abandon = self._json.abandon

    @property
    def photos(self) -> int:
        return self._json.photos

    def add(self, person: AmodalPerson) -> None:
        """One region, behind those of the same photo before it."""
        image, kept = self._json.image_id(person), level(person, NAME, "annotation")
        if self._image is not None and (image, kept) != (self._image, self._kept):
            self._finish_image()
        self._image, self._kept = image, kept
        region = {
            "isStuff": 0,
            **level(person, NAME, "region"),
            "segmentation": outline(person.amodal),
            "name": person.category,
            "area": int(person.amodal.sum()),
            "occlude_rate": person.occlude_rate,
            "order": len(self._regions) + 1,
            KEY: without(self._json.notes(person), "hides"),
        }
        if person.occlude_rate:
            region |= {
                "visible_mask": encode_rle(person.modal),
                "invisible_mask": encode_rle(person.invisible),
            }
        self._regions.append(region)
        self._people.append((person.id, person.hides))

    def close(self) -> None:
        """Ends the file."""
        if self._image is not None:
            self._finish_image()
        self._json.close()

    def _finish_image(self) -> None:
        order = {identity: number for number, (identity, _) in enumerate(self._people, 1)}
        pairs = sorted(
            (order[identity], order[other])
            for identity, hides in self._people
            for other in hides
            if other in order
        )
        self._json.write(
            {
                **self._kept,
                "id": self._json.annotation_numbers.take(self._kept.get("id")),
                "image_id": self._image,
                "size": len(self._regions),
                "regions": self._regions,
                "depth_constraint": ",".join(f"{front}-{back}" for front, back in pairs),
            }
        )
        self._regions, self._people = [], []
