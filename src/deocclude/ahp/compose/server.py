"""The local web server of `ahp compose`: its page, people, cut-outs and composites."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.ahp.compose.api import ComposeApi
from deocclude.ahp.layout import encode_jpeg, encode_png
from deocclude.ahp.sample import Occluder
from deocclude.ahp.web import server
from deocclude.ahp.web.requests import Refused

_QUALITY = 95
_THUMB = 104


def page_files() -> server.Files:
    """The files of the page by path."""
    return server.page_files("deocclude.ahp.compose")


class ComposeServer(server.PageServer):
    """Serves one library until `shutdown`; port 0 takes any free one."""

    def __init__(self, host: str, port: int, api: ComposeApi) -> None:
        self.api = api
        super().__init__(host, port, page_files(), api.requests)

    def picture(self, kind: str, name: str) -> tuple[str, bytes, bool]:
        """/person/ID.jpg, /cutout/ID.png, /thumb/ID.png, /composite/ID.jpg."""
        identity, _, suffix = name.rpartition(".")
        library = self.api.library
        if kind == "person" and suffix == "jpg" and identity in library.people:
            return "image/jpeg", encode_jpeg(library.person(identity).photo, _QUALITY), True
        if kind in ("cutout", "thumb") and suffix == "png" and identity in library.cutouts:
            image = _rgba(library.occluder(identity))
            return "image/png", encode_png(image if kind == "cutout" else _shrunk(image)), True
        if kind == "composite" and suffix == "jpg":
            return "image/jpeg", self.api.composite_photo(identity), False
        raise Refused(404, "no such page")


def _rgba(occluder: Occluder) -> np.ndarray:
    alpha = occluder.mask.astype(np.uint8) * 255
    return np.dstack([occluder.image * occluder.mask[..., None], alpha])


def _shrunk(image: np.ndarray) -> np.ndarray:
    """uint8 hxwx4 whose long side is at most 104, colours weighted by alpha."""
    scale = _THUMB / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    small = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    colours = small[..., :3] * (255 / np.maximum(small[..., 3:], 1))
    return np.clip(np.rint(np.dstack([colours, small[..., 3]])), 0, 255).astype(np.uint8)
