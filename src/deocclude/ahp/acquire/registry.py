"""The sources that `deocclude ahp acquire` knows, by the name of their option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from deocclude.ahp.acquire import Source
from deocclude.ahp.acquire.ahp import Ahp
from deocclude.ahp.acquire.ccp import Ccp
from deocclude.ahp.acquire.coco import Coco
from deocclude.ahp.acquire.folder import Folder
from deocclude.ahp.acquire.lip import Lip
from deocclude.ahp.acquire.lspet import Lspet
from deocclude.ahp.acquire.objects365 import Objects365
from deocclude.ahp.acquire.openimages import OpenImages
from deocclude.ahp.acquire.photos import Photos
from deocclude.ahp.acquire.sbd import Sbd, home_of
from deocclude.ahp.acquire.voc import Voc
from deocclude.errors import DeoccludeError

_ALONE: dict[str, Callable[[Path], Source]] = {
    "ahp": Ahp,
    "ccp": Ccp,
    "coco": Coco,
    "lip": Lip,
    "lspet": Lspet,
    "objects365": Objects365,
    "openimages": OpenImages,
    "photos": Photos,
}
NAMES = (*sorted((*_ALONE, "sbd", "voc")),)


def open_sources(folders: Mapping[str, Path], more: Sequence[tuple[str | None, Path]] = ()) -> list[Source]:
    """A source for each of `folders` (by a name of `NAMES`), and for `more` folders with COCO JSON, each with
    a name of its own or None. VOC and SBD, given both, share their photos out between them.

    Raises DeoccludeError if nothing is given, a folder is missing or not of that data set, or names clash.
    """
    if not folders and not more:
        options = ", ".join(f"--{name}" for name in (*NAMES, "folder"))
        raise DeoccludeError(f"no data set given; name at least one of {options}")
    for name, folder in (*folders.items(), *(("folder", folder) for _, folder in more)):
        if not folder.is_dir():
            raise DeoccludeError(f"{folder}: no such folder; give --{name} the folder of the data set")
    sources = [_ALONE[name](folder) for name, folder in folders.items() if name in _ALONE]
    voc = None
    if "voc" in folders:
        voc = Voc(folders["voc"], home_of(folders["sbd"]) if "sbd" in folders else None)
        sources.append(voc)
    if "sbd" in folders:
        sources.append(Sbd(folders["sbd"], voc.root if voc is not None else None))
    sources += [Folder(folder, name) for name, folder in more]
    sources.sort(key=lambda source: source.name)
    for first, second in pairwise(sources):
        if first.name == second.name:
            raise DeoccludeError(
                f"two data sets are called '{first.name}'; name one otherwise: --folder NAME=DIR"
            )
    return sources
