"""The frozen validation composites of a data set, and N_i's masks of them (section 5.1)."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from deocclude.ahp import frozen, layout
from deocclude.ahp.engine import Engine
from deocclude.ahp.finder import doubtful_people
from deocclude.ahp.progress import progress_of
from deocclude.ahp.synthesis import DEFAULT, NotInBin
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError

SPLIT = "val"
PER_PERSON = 3
SEED = 0


def freeze(out: Path, scratch: Path, engine: Engine) -> tuple[int, int]:
    """Writes `out/val` with `InitialMasks`, the bytes of `ahp synthesize --initial-masks`.

    Returns how many composites there are and in how many N_i finds the person. Composites of the same people
    and occluders are not made again, nor masks of the same composites. scratch: folder for a note of that.
    Raises DeoccludeError if the validation split has no people or no occluders.
    """
    people, occluders = layout.People(out, SPLIT), layout.Occluders(out, SPLIT)
    note, digest = scratch / "composites", _digest(out, people.ids)
    folder = out / SPLIT
    if not (_read(note) == digest and _complete(folder)):
        note.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        count = min(len(people), frozen.MOST_PEOPLE)
        samples = frozen.validation_samples(people, occluders, PER_PERSON, SEED, count)
        try:
            frozen.write_samples(folder, samples, count * PER_PERSON)
        except NotInBin as error:
            raise DeoccludeError(f"{out}: {error}; add photos with occluders and build again") from None
        write_atomically(note, digest.encode())
    return len(frozen.FrozenComposites(out, SPLIT)), write_initial_masks(out, SPLIT, engine)


def _digest(out: Path, people: list[str]) -> str:
    """Of everything that the composites depend on."""
    digest = hashlib.sha256(repr((1, PER_PERSON, SEED, frozen.MOST_PEOPLE, DEFAULT)).encode())
    train = out / "train"
    files = [train / folder / f"{identity}.png" for identity in people for folder in _MAPS]
    files += [train / "JPEGImages" / f"{identity}.jpg" for identity in people]
    files += sorted((out / "occluders" / SPLIT).glob("*.png"))
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        digest.update(f"{file.relative_to(out).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


_MAPS = ("Annotations", "PseudoParsingAnnotations", "UnknownRegions")


def _read(note: Path) -> str:
    try:
        return note.read_text()
    except FileNotFoundError:
        return ""


def _complete(folder: Path) -> bool:
    """Whether every composite of `samples.json` has its files; a mutilated folder is made anew."""
    try:
        composites = frozen.FrozenComposites(folder.parent, folder.name)
    except DeoccludeError:
        return False
    kinds = {"RGBImages": "jpg", "RGBErased": "jpg", "ModalMasks": "png", "AmodalMasks": "png"}
    kinds |= {"ModalParsing": "png", "AmodalParsing": "png"}
    return all(
        (folder / kind / f"{identity}.{suffix}").is_file()
        for identity in composites.ids
        for kind, suffix in kinds.items()
    )


def write_initial_masks(root: Path, split: str, engine: Engine) -> int:
    """Writes the masks of N_i that `InitialMasks` lacks, empty where it misses the person.

    Returns in how many composites it finds them. The files do not depend on the engine.
    """
    composites = frozen.FrozenComposites(root.absolute(), split)
    made = (composites.folder / "samples.json").stat().st_mtime_ns
    work = partial(_initial_mask, composites.folder, made)
    found = engine.spread(work, range(len(composites)))
    total = 0
    with progress_of("initial masks", len(composites)) as advance, closing(found):
        for person in found:
            total += person
            advance(1)
    return total


@cache
def _composites(folder: Path, made: int) -> frozen.FrozenComposites:
    return frozen.FrozenComposites(folder.parent, folder.name)


def _initial_mask(folder: Path, made: int, index: int) -> bool:
    """Writes N_i's mask of one composite unless it is there; whether it found the person."""
    composites = _composites(folder, made)
    path = folder / "InitialMasks" / f"{composites.ids[index]}.png"
    if path.is_file():
        mask = composites.initial_mask(index)
        assert mask is not None
        return bool(mask.any())
    return frozen.write_initial_mask(composites, index, doubtful_people())
