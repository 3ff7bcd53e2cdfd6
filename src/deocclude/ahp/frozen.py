"""Frozen composites: made once, read by validation and evaluation (section 5.1), or by training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.ahp import layout
from deocclude.ahp.density import VALIDATION, Bin
from deocclude.ahp.framing import cut_by_frame
from deocclude.ahp.initial_masks import match
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.progress import progress_of
from deocclude.ahp.sample import Occluder, OcclusionSample, WholePerson
from deocclude.ahp.synthesis import DEFAULT, NotInBin, SynthesisSettings, draw_occluder, occlude
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError
from deocclude.parsing import UNLABELLED
from deocclude.people.person import PersonSource

MOST_PEOPLE = 297
"""People in the paper's validation set."""

_QUALITY = 95
_TRIES = 200
_CUT_EVERY = 3


def folder_of(root: Path, split: str) -> Path:
    """`ROOT/SPLIT` with frozen composites; one more level (AHP/AHP/test) is accepted."""
    for folder in (root, root / root.name, root / "AHP"):
        if (folder / split / "RGBErased").is_dir():
            return folder / split
    raise DeoccludeError(
        f"{root / split}: no RGBErased folder; make it with `deocclude ahp synthesize {root}`"
    )


class FrozenComposites(Sequence[OcclusionSample]):
    """`ROOT/SPLIT/{RGBImages,RGBErased,ModalMasks,AmodalMasks}` and what else is there, decoded on demand.

    Body parts are unlabelled and nothing is unknown where the optional folders lack a file.
    """

    def __init__(self, root: Path, split: str) -> None:
        self.folder = folder_of(root, split)
        listing = self.folder / "samples.json"
        self.records: list[dict[str, Any]]
        if listing.exists():
            try:
                self.records = json.loads(listing.read_text())
                self.ids = [str(record["id"]) for record in self.records]
            except (ValueError, KeyError, TypeError) as error:
                raise DeoccludeError(
                    f"{listing}: malformed ({error}); run `deocclude ahp synthesize` again"
                ) from None
        else:
            self.ids = sorted(path.stem for path in (self.folder / "AmodalMasks").glob("*.png"))
            self.records = [{"id": identity} for identity in self.ids]
        if not self.ids:
            raise DeoccludeError(f"{self.folder}: holds no composites; run `deocclude ahp synthesize` again")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_initial_masks(self) -> bool:
        """Whether N_i's masks are stored."""
        return (self.folder / "InitialMasks").is_dir()

    def initial_mask(self, index: int) -> np.ndarray | None:
        """bool HxW: N_i's mask, empty if N_i did not find the person; None if none is stored."""
        path = self.folder / "InitialMasks" / f"{self.ids[index]}.png"
        return layout.decode_map(path.read_bytes(), path) > 0 if path.exists() else None

    def _map(self, kind: str, identity: str, shape: tuple[int, ...]) -> np.ndarray | None:
        path = self.folder / kind / f"{identity}.png"
        if not path.exists():
            return None
        return layout.decode_map_of_size(path.read_bytes(), path, shape)

    def _mask(self, kind: str, identity: str, shape: tuple[int, ...]) -> np.ndarray:
        mask = self._map(kind, identity, shape)
        if mask is None:
            raise DeoccludeError(f"{self.folder / kind / identity}.png: the mask is missing; add it")
        return mask > 0

    def __getitem__(self, index: int) -> OcclusionSample:  # type: ignore[override]
        identity, record = self.ids[index], self.records[index]
        photos = []
        for kind in ("RGBErased", "RGBImages"):
            path = layout.find_photo(self.folder / kind, identity)
            photos.append(layout.decode_rgb(path.read_bytes(), path))
        shape = photos[0].shape[:2]
        if photos[1].shape[:2] != shape:
            raise DeoccludeError(f"{path}: its size is not that of RGBErased; they must have one size")
        amodal = self._mask("AmodalMasks", identity, shape)
        if not amodal.any():
            raise DeoccludeError(
                f"{self.folder / 'AmodalMasks' / identity}.png: shows nobody; remove the sample"
            )
        modal = self._mask("ModalMasks", identity, shape) & amodal
        invisible = amodal & ~modal
        parsing = {}
        for kind, body in (("ModalParsing", modal), ("AmodalParsing", amodal)):
            stored = self._map(kind, identity, shape)
            parsing[kind] = np.where(body, UNLABELLED if stored is None else stored, 0).astype(np.uint8)
        unknown = self._map("UnknownRegions", identity, shape)
        return OcclusionSample(
            id=identity,
            source=str(record.get("source", "ahp")),
            occluder_id=str(record.get("occluder", "")),
            occluder_category=str(record.get("category", "")),
            occluded=photos[0],
            original=photos[1],
            modal=modal,
            amodal=amodal,
            invisible=invisible,
            parsing_modal=parsing["ModalParsing"],
            parsing_amodal=parsing["AmodalParsing"],
            unknown=np.zeros_like(amodal) if unknown is None else unknown > 0,
            ratio=int(invisible.sum()) / int(amodal.sum()),
        )


def write_sample(folder: Path, identity: str, sample: OcclusionSample) -> None:
    """Writes the files of one composite; photos are JPEG of quality 95."""
    files = {
        f"RGBImages/{identity}.jpg": layout.encode_jpeg(sample.original, _QUALITY),
        f"ModalMasks/{identity}.png": layout.encode_png(sample.modal),
        f"AmodalMasks/{identity}.png": layout.encode_png(sample.amodal),
        f"ModalParsing/{identity}.png": layout.encode_parsing(sample.parsing_modal),
        f"AmodalParsing/{identity}.png": layout.encode_parsing(sample.parsing_amodal),
        f"RGBErased/{identity}.jpg": layout.encode_jpeg(sample.occluded, _QUALITY),
    }
    if sample.unknown.any():
        files[f"UnknownRegions/{identity}.png"] = layout.encode_png(sample.unknown)
    for name, content in files.items():
        write_atomically(folder / name, content)


def _record(
    identity: str, person: str, sample: OcclusionSample, ratio_bin: Bin | None, framing: str
) -> dict[str, Any]:
    return {
        "id": identity,
        "person": person,
        "source": sample.source,
        "ratio": round(sample.ratio, 6),
        "bin": list(ratio_bin or ()),
        "occluder": sample.occluder_id,
        "category": sample.occluder_category,
        "framing": framing,
    }


def same_share(ids: Sequence[str], most: int, seed: int) -> list[int]:
    """Positions of at most `most` people, the same share of each source, in the order of `ids`."""
    share = min(1.0, most / max(1, len(ids)))
    chosen: list[int] = []
    for source in sorted({layout.source_of(identity) for identity in ids}):
        of_source = [i for i, identity in enumerate(ids) if layout.source_of(identity) == source]
        rng = np.random.default_rng([seed, len(of_source)])
        chosen += [of_source[i] for i in rng.permutation(len(of_source))[: round(share * len(of_source))]]
    return sorted(chosen)


def validation_samples(
    people: People,
    occluders: Occluders,
    per_person: int,
    seed: int,
    count: int = MOST_PEOPLE,
    settings: SynthesisSettings = DEFAULT,
) -> Iterator[tuple[str, OcclusionSample, dict[str, Any]]]:
    """ID, composite and record: every chosen person `per_person` times, a third of them cut by the frame.

    The bins of the validation density take turns, so each holds a quarter of the samples. Hard and feathered
    pastes (`settings.hard`) of one seed have the same masks.
    """
    chosen = same_share(people.ids, count, seed)
    order = np.random.default_rng(seed).permutation(len(chosen) * per_person)
    for number, turn in enumerate(order):
        position, repeat = divmod(number, per_person)
        index = chosen[position]
        ratio_bin = VALIDATION.bins[int(turn) % len(VALIDATION.bins)]
        cut = (position + repeat) % _CUT_EVERY == 0
        sample, framing = _fitting(people, index, occluders, ratio_bin, cut, [seed, index, repeat], settings)
        identity = f"{people.ids[index]}-{repeat}"
        yield identity, sample, _record(identity, people.ids[index], sample, ratio_bin, framing)


def _fitting(
    people: Sequence[WholePerson],
    index: int,
    occluders: Sequence[Occluder],
    ratio_bin: Bin,
    cut: bool,
    seed: list[int],
    settings: SynthesisSettings,
) -> tuple[OcclusionSample, str]:
    rng = np.random.default_rng(seed)
    whole = people[index]
    for _ in range(_TRIES):
        person = cut_by_frame(whole, rng) if cut else whole
        framing = "cut" if person is not whole else "whole"
        try:
            occluder = draw_occluder(people, index, occluders, rng, settings)
            return occlude(person, occluder, ratio_bin, rng, settings), framing
        except NotInBin:
            continue
    raise NotInBin(f"person {whole.id}: no occluder fits ratio bin {ratio_bin}")


def write_samples(
    folder: Path, samples: Iterable[tuple[str, OcclusionSample, dict[str, Any]]], total: int
) -> int:
    """Writes composites and `samples.json`; returns how many. The same samples give the same bytes.

    `InitialMasks` of earlier composites are removed: they would not fit.
    """
    shutil.rmtree(folder / "InitialMasks", ignore_errors=True)
    records = []
    with progress_of("composites", total) as advance:
        for identity, sample, record in samples:
            write_sample(folder, identity, sample)
            records.append(record)
            advance(1)
    lines = ",\n".join(json.dumps(record) for record in records)
    write_atomically(folder / "samples.json", f"[\n{lines}\n]\n".encode())
    return len(records)


def write_initial_mask(frozen: FrozenComposites, index: int, source: PersonSource) -> bool:
    """Writes N_i's mask of one composite, empty where N_i misses the person; whether it found them."""
    sample = frozen[index]
    person = match(source(sample.occluded), sample.modal)
    mask = np.zeros_like(sample.modal) if person is None else person.mask
    path = frozen.folder / "InitialMasks" / f"{frozen.ids[index]}.png"
    write_atomically(path, layout.encode_png(mask))
    return person is not None
