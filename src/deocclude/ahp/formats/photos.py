"""Photos of a data set: found by name, measured without decoding, copied byte for byte."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from deocclude.ahp import layout
from deocclude.ahp.formats.person import Malformed, check_name
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError, one_line
from deocclude.images import MOST_PIXELS, encode_png, load_photo

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


def find(folder: Path, name: object) -> Path:
    """The file of that name in the folder; Malformed if the name is unfit or there is no such file."""
    path = folder / check_name(name)
    if not path.is_file():
        raise Malformed(f"{path} is missing; add the photo or name its folder with --photos")
    return path


def upright_size(path: Path) -> tuple[int, int]:
    """(height, width) of a photo as EXIF turns it, read off its header; Malformed if it is no picture."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _SIDEWAYS
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Malformed(f"{path} is no readable photo ({one_line(error)}); replace the file") from None
    return (width, height) if turned else (height, width)


def check_size(path: Path, stated: tuple[object, object] | None) -> tuple[int, int]:
    """`upright_size`; Malformed if the annotations state another (height, width), or if it is too large."""
    size = upright_size(path)
    if stated is not None and stated != size:
        raise Malformed(
            f"{path} is {size[1]}x{size[0]} (upright), the annotations say {stated[1]}x{stated[0]}; "
            "take the photo they were made for"
        )
    if size[0] * size[1] > MOST_PIXELS:
        raise Malformed(f"{path} has more than {MOST_PIXELS // 10**6} million pixels; make it smaller")
    return size


class PhotoFolder:
    """A folder that photos are copied into, each name once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[str, Path] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def add(self, name: str, source: Path) -> None:
        """Copies the file to `name`; DeoccludeError if another photo has that name already."""
        known = self._sources.get(name)
        target = self._folder / name
        if known is not None and known != source and not filecmp.cmp(known, source, shallow=False):
            raise DeoccludeError(
                f"{source}: another photo ({known}) is called {name} too; rename one of them"
            )
        if known is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            self._sources[name] = source


def copy_as(source: Path, folder: Path, identity: str) -> None:
    """The photo as `folder/ID.*`: its bytes where AHP's readers know the kind of file, else as PNG."""
    suffix = source.suffix.lower()
    if suffix in layout.PHOTO_SUFFIXES:
        write_atomically(folder / f"{identity}{suffix}", source.read_bytes())
    else:
        write_atomically(folder / f"{identity}.png", encode_png(load_photo(source)))
