"""Training windows made once and read many times.

Making one takes about 45 ms, most of it N_i's; reading it back takes 3 ms. A folder of packed windows holds
`pack.json` (how they were made) and shards of 500 windows: JPEG photos, PNG masks and parsing. Window i
depends on the seed and i alone, whoever makes it; an interrupted `pack` goes on with the missing shards.
Windows larger than the crops to train on are looked into anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset

from deocclude.ahp import augmentation, layout
from deocclude.ahp.batches import CompositeDataset, Stage
from deocclude.crops import OUTSIDE_PHOTO, SquareWindow
from deocclude.errors import DeoccludeError
from deocclude.parsing import inside, mirror
from deocclude.threads import one_thread

_SHARD = 500
_QUALITY = 95
_MASKS = ("initial", "modal", "amodal", "known", "known_amodal")
_PHOTOS = {"masks": ("image",), "content": ("image", "original")}
_SPARE = 0.08


def pack(composites: CompositeDataset, out: Path, count: int, workers: int = 1) -> int:
    """Write windows 0 to `count` - 1 of `composites` to `out`; returns how many were made now.

    Raises DeoccludeError if `out` holds windows made otherwise.
    """
    about = {**composites.about, "masks": list(_MASKS), "count": count}
    described = out / "pack.json"
    if described.is_file() and {**json.loads(described.read_text()), "count": count} != about:
        raise DeoccludeError(f"{out}: holds windows made with other settings; choose another folder")
    shards = range(-(-count // _SHARD))
    missing = [shard for shard in shards if not _path(out, shard).is_file()]
    with get_context("spawn").Pool(workers, _take, (composites,)) as pool:
        made = pool.imap_unordered(partial(_write_shard, out, count), missing)
        for _ in track(made, "windows", total=len(missing)):
            pass
    layout.write_atomically(described, (json.dumps(about, indent=1) + "\n").encode())
    return sum(min(_SHARD, count - shard * _SHARD) for shard in missing)


def _path(folder: Path, shard: int) -> Path:
    return folder / f"windows-{shard:05d}.npz"


_composites: CompositeDataset
"""What a worker process makes windows of."""


def _take(composites: CompositeDataset) -> None:
    global _composites
    _composites = composites
    one_thread()


def _write_shard(out: Path, count: int, shard: int) -> None:
    indices = range(shard * _SHARD, min(count, (shard + 1) * _SHARD))
    parts = [part for index in indices for part in _encode(_composites, index)]
    content = BytesIO()
    ends = np.cumsum([len(part) for part in parts])
    np.savez(content, data=np.frombuffer(b"".join(parts), np.uint8), ends=ends)
    layout.write_atomically(_path(out, shard), content.getvalue())


def _encode(composites: CompositeDataset, index: int) -> Iterator[bytes]:
    """The photos, then one PNG: red the masks' bits, green the amodal parsing, blue `in_front` everywhere."""
    window = composites.plain(index)
    for name in _PHOTOS[composites.settings.stage]:
        yield layout.encode_jpeg((window[name] * 255).byte().permute(1, 2, 0).numpy(), _QUALITY)
    bits = sum(window[name][0].to(torch.uint8) << place for place, name in enumerate(_MASKS))
    assert isinstance(bits, Tensor)
    parsing = window["parsing_amodal"].to(torch.uint8)
    in_front = window["in_front"].to(torch.uint8).expand_as(bits)
    labels = torch.stack([bits, parsing, in_front], dim=2).numpy()
    yield cv2.imencode(".png", labels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


@dataclass(frozen=True)
class _Pack:
    """The windows of one folder, `ends` being where each shard's encoded parts end."""

    about: dict[str, Any]
    data: list[np.ndarray]
    ends: list[np.ndarray]

    @classmethod
    def read(cls, folder: Path, stage: Stage, size: int) -> _Pack:
        described = folder / "pack.json"
        if not described.is_file():
            raise DeoccludeError(f"{folder}: no pack.json; run `deocclude ahp pack` (again) to finish it")
        about = json.loads(described.read_text())
        if about["stage"] != stage or about["size"] < size:
            raise DeoccludeError(
                f"{folder}: windows of {about['size']} pixels for {about['stage']}; "
                f"run `deocclude ahp pack --stage {stage} --size {size}`"
            )
        if about.get("masks") != list(_MASKS):
            raise DeoccludeError(f"{folder}: windows of an earlier version; pack them again in a new folder")
        data, ends = [], []
        for shard in range(-(-about["count"] // _SHARD)):
            path = _path(folder, shard)
            try:
                with np.load(path) as content:
                    data.append(content["data"])
                    ends.append(content["ends"])
            except (OSError, ValueError, KeyError) as error:
                raise DeoccludeError(f"{path}: unreadable ({error}); remove it and pack again") from None
        return cls(about, data, ends)

    def __len__(self) -> int:
        return int(self.about["count"])

    def parts(self, window: int) -> list[np.ndarray]:
        """The encoded photos and labels of a window."""
        photos = len(_PHOTOS[self.about["stage"]])
        shard, place = divmod(window, _SHARD)
        data, ends = self.data[shard], self.ends[shard]
        first = place * (photos + 1)
        starts = [int(ends[part - 1]) if part else 0 for part in range(first, first + photos + 1)]
        return [data[start : int(ends[first + k])] for k, start in enumerate(starts)]


@dataclass(frozen=True)
class PackedWindows(Dataset[dict[str, Tensor]]):
    """The windows of all folders in an endless series of shuffled rounds; item i depends on (seed, i) alone.

    Half of them mirrored, most with changed colours; the same dict as `CompositeDataset`'s, but `original`
    is there for stage 'content' alone. Windows larger than `size` are cut a little inside their edges; stage
    'masks' gets `finer` as well, the image at the size that it is packed in, for looks closer to the body.
    """

    stage: Stage
    size: int
    seed: int
    _packs: list[_Pack]

    @classmethod
    def read(cls, folders: Sequence[Path], stage: Stage, size: int, seed: int = 0) -> PackedWindows:
        """size: side of the crops; that of the packed windows or less.

        Raises DeoccludeError if a folder is incomplete or damaged, or made for another stage or smaller.
        """
        return cls(stage, size, seed, [_Pack.read(folder, stage, size) for folder in folders])

    @property
    def about(self) -> dict[str, Any]:
        """How the windows of each folder were made, as JSON can hold it."""
        return {"packs": [pack.about for pack in self._packs]}

    def __len__(self) -> int:
        return 2**31 - 1

    def _chosen(self, index: int) -> tuple[_Pack, int]:
        """The folder, and the window in it, of item `index`."""
        ends = np.cumsum([len(pack) for pack in self._packs])
        turn, place = divmod(index, int(ends[-1]))
        window = _place_in_round(self.seed, turn, place, int(ends[-1]))
        chosen = int(np.searchsorted(ends, window, side="right"))
        return self._packs[chosen], window - int(ends[chosen]) + len(self._packs[chosen])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        cv2.setNumThreads(0)
        pack, window = self._chosen(index)
        *photos, labels = (
            cv2.cvtColor(np.asarray(cv2.imdecode(part, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
            for part in pack.parts(window)
        )
        rng = np.random.default_rng([self.seed, index, 2])
        bits, parsing = labels[..., 0], labels[..., 1]
        masks = {name: np.bitwise_and(bits, 1 << place) > 0 for place, name in enumerate(_MASKS)}
        look = self._look(len(bits), rng)
        photos = [look.cut(photo, len(bits), outside=OUTSIDE_PHOTO) for photo in photos]
        masks = {name: look.cut_mask(mask, self.size) for name, mask in masks.items()}
        parsing = look.cut(parsing, self.size, nearest=True)
        if rng.random() < 0.5:
            photos = [np.ascontiguousarray(photo[:, ::-1]) for photo in photos]
            masks = {name: mask[:, ::-1] for name, mask in masks.items()}
            parsing = mirror(parsing)
        if rng.random() < pack.about["coloured"]:
            photos = augmentation.vary_colours(photos, rng)
        photos = augmentation.degrade(photos, rng)
        finer = {}
        if len(bits) > self.size:
            if self.stage == "masks":
                finer = {"finer": photos[0]}
            photos = [cv2.resize(photo, (self.size,) * 2, interpolation=cv2.INTER_AREA) for photo in photos]
        shown = dict(zip(_PHOTOS[self.stage], photos, strict=True)) | finer
        whole = inside(masks["amodal"], parsing)
        return {
            **{name: _tensor(photo).permute(2, 0, 1).float().div_(255) for name, photo in shown.items()},
            **{name: _tensor(mask)[None].float() for name, mask in masks.items()},
            "invisible": _tensor(masks["amodal"] & ~masks["modal"])[None].float(),
            "parsing_modal": _tensor(np.where(masks["modal"], whole, 0)).long(),
            "parsing_amodal": _tensor(whole).long(),
            "in_front": torch.tensor(bool(labels[0, 0, 2])),
        }

    def _look(self, side: int, rng: np.random.Generator) -> SquareWindow:
        if side == self.size:
            return SquareWindow(0, 0, side)
        spare = round(side * rng.uniform(0, _SPARE))
        left, top = rng.integers(0, spare + 1, 2)
        return SquareWindow(int(left), int(top), side - spare)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


def _place_in_round(seed: int, turn: int, place: int, count: int) -> int:
    """Element `place` of a permutation of range(count), another one each turn: an affine map modulo count."""
    rng = np.random.default_rng([seed, turn, 3])
    while True:
        factor = int(rng.integers(1, count)) if count > 1 else 1
        if np.gcd(factor, count) == 1:
            return (place * factor + int(rng.integers(count))) % count
