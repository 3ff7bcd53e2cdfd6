"""Photos from whatever file people have, in any mode, and PNG files that are never half-written."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError, one_line

Photo = str | Path | Image.Image | np.ndarray

PHOTO_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""What counts as a photo when a folder is given."""

LEAST_SIDE = 16
MOST_PIXELS = 200_000_000


def load_photo(source: Photo) -> np.ndarray:
    """uint8 HxWx3 RGB of a photo, upright.

    EXIF orientation is applied, 16 bit and float greys are scaled (not clipped), transparency is laid over
    white, every other mode is converted. An array must be uint8 HxWx3 RGB already.
    Raises DeoccludeError for what cannot be read, is smaller than 16 or larger than 200 million pixels.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
            raise DeoccludeError(
                f"a photo array must be uint8 HxWx3 RGB, got {source.dtype} {source.shape}; convert it first"
            )
        _check_size("photo array", source.shape[1], source.shape[0])
        return source
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "photo")
        _check_size(name, *source.size)
        with _damage_named(name):
            return _decode(source, name)
    path = Path(source)
    _check_file(path)
    with _without_pillows_size_limit(), _damage_named(str(path)), Image.open(path) as image:
        _check_size(str(path), *image.size)
        return _decode(image, str(path))


def encode_png(image: np.ndarray | Image.Image) -> bytes:
    """PNG file of a picture, packed for speed. Arrays: bool HxW (as 0 and 255), uint8 HxW, HxWx3 or HxWx4."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image.astype(np.uint8) * 255 if image.dtype == np.bool_ else image)
    encoded = io.BytesIO()
    image.save(encoded, format="PNG", compress_level=1)
    return encoded.getvalue()


def save_png(image: np.ndarray | Image.Image, path: Path) -> None:
    """`encode_png` into a file: the whole new one, or the old one when writing fails (OSError)."""
    encoded = encode_png(image)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DeoccludeError(f"{path}: is a folder; name a photo in it")
    if not path.exists():
        raise DeoccludeError(f"{path}: no such file; check the name")
    if path.is_file() and path.stat().st_size == 0:
        raise DeoccludeError(f"{path}: the file is empty; copy or download it again")


def _check_size(name: str, width: int, height: int) -> None:
    if min(width, height) < LEAST_SIDE:
        raise DeoccludeError(
            f"{name}: {width}x{height} image; a photo needs at least {LEAST_SIDE} pixels a side"
        )
    if width * height > MOST_PIXELS:
        raise DeoccludeError(
            f"{name}: {width}x{height} image; at most {MOST_PIXELS // 10**6} million pixels, resize it first"
        )


@contextmanager
def _without_pillows_size_limit() -> Iterator[None]:
    """`_check_size` has its own limit: phones make photos that Pillow takes for an attack."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Whatever Pillow raises about a file becomes one line with its name."""
    try:
        yield
    except UnidentifiedImageError:
        raise DeoccludeError(
            f"{name}: not an image, or a kind that Pillow cannot read; convert it to JPEG or PNG"
        ) from None
    except PermissionError:
        raise DeoccludeError(f"{name}: no permission to read it; change its mode (chmod)") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error) as error:
        reason = one_line(error) or type(error).__name__
        raise DeoccludeError(
            f"{name}: damaged image ({reason}); copy or export it again as JPEG or PNG"
        ) from None


def _decode(image: Image.Image, name: str) -> np.ndarray:
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        grey = _grey_to_bytes(np.asarray(image), name)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _grey_to_bytes(values: np.ndarray, name: str) -> np.ndarray:
    """uint8 of integer greys of 16 bit, or float greys in [0, 1], [0, 255] or [0, 65535]."""
    lowest, highest = float(values.min()), float(values.max())
    if not (lowest >= 0 and highest <= 65535):
        raise DeoccludeError(
            f"{name}: grey values from {lowest:g} to {highest:g}; export it with 8 or 16 bits a channel"
        )
    whole = 65535.0
    if values.dtype.kind == "f" and highest <= 255:
        whole = 1.0 if highest <= 1 else 255.0
    return np.rint(values * np.float32(255.0 / whole)).astype(np.uint8)
