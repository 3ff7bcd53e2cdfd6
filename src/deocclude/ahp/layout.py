"""AHP's layout on disk: whole people, occluders, and frozen composites."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.parsing import NUM_CLASSES, UNLABELLED, to_palette_image

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")
PREPARED = "prepared.jsonl"
"""Journal of a built data set: what became of everybody."""

_QUALITY = 92


def source_of(identity: str) -> str:
    """The data set a person comes from: what stands before the first dash of the ID, else 'ahp'."""
    head, dash, _ = identity.partition("-")
    return head if dash else "ahp"


def encode_jpeg(photo: np.ndarray, quality: int = _QUALITY) -> bytes:
    """JPEG of a uint8 HxWx3 RGB photo; full chroma from quality 95 on."""
    sampling = 0x111111 if quality >= 95 else 0x221111
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(".jpg", photo[..., ::-1], options)[1].tobytes()


def encode_png(image: np.ndarray) -> bytes:
    """PNG of a uint8 HxW map, a bool HxW mask (0/255), or a uint8 HxWx4 RGBA image."""
    if image.dtype == np.bool_:
        image = image.astype(np.uint8) * 255
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA)
    return cv2.imencode(".png", image)[1].tobytes()


def encode_parsing(parsing: np.ndarray) -> bytes:
    """Palette PNG of a uint8 HxW map of LIP indices."""
    buffer = io.BytesIO()
    to_palette_image(parsing).save(buffer, "PNG")
    return buffer.getvalue()


def decode_rgb(content: bytes, path: Path) -> np.ndarray:
    """uint8 HxWx3 RGB of an encoded photo; `path` is for the message."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise DeoccludeError(f"{path}: not a readable photo; build the data set again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode_map(content: bytes, path: Path) -> np.ndarray:
    """uint8 HxW of a grey or palette PNG: the index, not the colour; `path` is for the message."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            label = np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DeoccludeError(f"{path}: not a readable map ({error}); build the data set again") from None
    if label.dtype == np.bool_:
        label = label.astype(np.uint8) * 255
    if label.ndim != 2 or label.dtype != np.uint8:
        raise DeoccludeError(f"{path}: not an 8-bit grey or index PNG; convert it")
    return label


def root_of(root: Path) -> Path:
    """The folder that holds `train`; one more level (AHP/AHP/train) is accepted."""
    for folder in (root, root / root.name, root / "AHP"):
        if (folder / "train" / "JPEGImages").is_dir():
            return folder
    raise DeoccludeError(f"{root}: no train/JPEGImages; make it with `deocclude ahp build --out {root}`")


def read_ids(root: Path, split: str) -> list[str]:
    """IDs of `train/ImageSets/SPLIT.txt`."""
    path = root_of(root) / "train" / "ImageSets" / f"{split}.txt"
    try:
        return path.read_text().split()
    except FileNotFoundError:
        raise DeoccludeError(f"{path}: no such file; finish `deocclude ahp build` first") from None


def find_photo(folder: Path, identity: str) -> Path:
    """`folder/ID.*` with whichever photo suffix it has."""
    for suffix in PHOTO_SUFFIXES:
        path = folder / f"{identity}{suffix}"
        if path.exists():
            return path
    raise DeoccludeError(f"{folder / identity}.jpg: no such photo; complete the data set or its list of IDs")


def write_person(root: Path, person: WholePerson) -> None:
    """Writes a whole person's files in ROOT/train: the body parts, and what `write_outline` writes."""
    path = root / "train" / "PseudoParsingAnnotations" / f"{person.id}.png"
    write_atomically(path, encode_parsing(person.parsing))
    write_outline(root / "train", person)


def write_outline(folder: Path, person: WholePerson) -> None:
    """Writes mask, unknown regions and photo; the photo comes last, so a person with a photo is complete."""
    write_atomically(folder / "Annotations" / f"{person.id}.png", encode_png(person.amodal))
    if person.unknown.any():
        write_atomically(folder / "UnknownRegions" / f"{person.id}.png", encode_png(person.unknown))
    write_atomically(folder / "JPEGImages" / f"{person.id}.jpg", encode_jpeg(person.photo))


def write_occluder(root: Path, split: str, occluder: Occluder) -> None:
    """Writes `occluders/SPLIT/ID.png`, RGBA."""
    alpha = occluder.mask.astype(np.uint8) * 255
    path = root / "occluders" / split / f"{occluder.id}.png"
    write_atomically(path, encode_png(np.dstack([occluder.image, alpha])))


def write_ids(root: Path, split: str, identities: Sequence[str]) -> None:
    """Writes `train/ImageSets/SPLIT.txt`, sorted."""
    lines = "".join(f"{identity}\n" for identity in sorted(identities))
    write_atomically(root / "train" / "ImageSets" / f"{split}.txt", lines.encode())


class People(Sequence[WholePerson]):
    """The whole people of one split, decoded when asked for; `keep_bytes` holds the files in memory."""

    def __init__(self, root: Path, split: str, *, keep_bytes: bool = False) -> None:
        self.root = root_of(root)
        self.ids = read_ids(root, split)
        if not self.ids:
            raise DeoccludeError(
                f"{self.root / 'train' / 'ImageSets' / split}.txt: lists nobody; build it from more photos"
            )
        self._files = [self._read(identity) for identity in self.ids] if keep_bytes else None

    def _read(self, identity: str) -> PersonFiles:
        return read_person_files(self.root / "train", identity)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> WholePerson:  # type: ignore[override]
        identity = self.ids[index]
        files = self._files[index] if self._files is not None else self._read(identity)
        return decode_person(identity, files)


PersonFiles = dict[str, tuple[Path, bytes]]
"""A person's files, encoded: "photo" and "amodal", "parsing" and "unknown" where they exist."""


def read_person_files(folder: Path, identity: str) -> PersonFiles:
    """What `write_person` or `write_outline` wrote. Raises DeoccludeError without a photo or a mask."""
    paths = {
        "photo": find_photo(folder / "JPEGImages", identity),
        "amodal": folder / "Annotations" / f"{identity}.png",
        "parsing": folder / "PseudoParsingAnnotations" / f"{identity}.png",
        "unknown": folder / "UnknownRegions" / f"{identity}.png",
    }
    if not paths["amodal"].exists():
        raise DeoccludeError(f"{paths['amodal']}: the mask is missing; add it or drop {identity}")
    return {name: (path, path.read_bytes()) for name, path in paths.items() if path.exists()}


def decode_person(identity: str, files: PersonFiles) -> WholePerson:
    """Raises DeoccludeError for files that cannot be decoded or do not belong together."""
    path, content = files["photo"]
    photo = decode_rgb(content, path)
    amodal = _map_of(files, "amodal", photo.shape[:2]) > 0
    if not amodal.any():
        raise DeoccludeError(f"{files['amodal'][0]}: shows nobody; take {identity} off the list")
    if "parsing" in files:
        parsing = _map_of(files, "parsing", photo.shape[:2])
        worst = parsing[parsing != UNLABELLED].max(initial=0)
        if worst >= NUM_CLASSES:
            raise DeoccludeError(
                f"{files['parsing'][0]}: class {worst} is none of LIP's 0..19, 255; relabel it"
            )
    else:
        parsing = np.full(amodal.shape, UNLABELLED, dtype=np.uint8)
    parsing = np.where(amodal, parsing, 0).astype(np.uint8)
    unknown = np.zeros_like(amodal)
    if "unknown" in files:
        unknown = _map_of(files, "unknown", photo.shape[:2]) > 0
    return WholePerson(identity, source_of(identity), photo, amodal, parsing, unknown)


def _map_of(files: PersonFiles, name: str, shape: tuple[int, ...]) -> np.ndarray:
    path, content = files[name]
    return decode_map_of_size(content, path, shape)


def decode_map_of_size(content: bytes, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """`decode_map` of a map that belongs to a photo of that shape; DeoccludeError if their sizes differ."""
    label = decode_map(content, path)
    if label.shape != shape:
        raise DeoccludeError(
            f"{path}: {label.shape[1]}x{label.shape[0]}, but the photo is {shape[1]}x{shape[0]}; "
            "they must have one size"
        )
    return label


class Occluders(Sequence[Occluder]):
    """The cut-outs of one split; the category is read off the ID (`SOURCE-CATEGORY-NUMBER`)."""

    def __init__(self, root: Path, split: str, *, keep_bytes: bool = False) -> None:
        folder = root_of(root) / "occluders" / split
        self._paths = sorted(folder.glob("*.png"))
        if not self._paths:
            raise DeoccludeError(f"{folder}: no cut-outs (*.png); run `deocclude ahp build` with COCO")
        self._bytes = [path.read_bytes() for path in self._paths] if keep_bytes else None

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Occluder:  # type: ignore[override]
        path = self._paths[index]
        content = self._bytes[index] if self._bytes is not None else path.read_bytes()
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
        if image is None or image.ndim != 3 or image.shape[2] != 4:
            raise DeoccludeError(f"{path}: not an RGBA PNG; cut the object out with an alpha channel")
        parts = path.stem.split("-")
        category = parts[1] if len(parts) > 2 else "object"
        rgb = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB)
        mask = image[..., 3] >= 128
        if not mask.any():
            raise DeoccludeError(f"{path}: fully transparent; remove it")
        return Occluder(path.stem, category.replace("_", " "), rgb, mask)
