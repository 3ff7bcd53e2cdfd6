"""The files of a workspace that a review reads and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.layout import decode_map_of_size, encode_png
from deocclude.ahp.photo import photo_of
from deocclude.ahp.work_files import CANDIDATES, SEGMENTED, first_mask_file, mask_file, parsing_file
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError


@dataclass(frozen=True)
class Segmentation:
    """One line of `segmented.jsonl`: "ok" or why there is no mask, and numbers that speak against it."""

    outcome: str
    faults: dict[str, float]


class Workspace:
    """`candidates.jsonl`, `segmented.jsonl`, `masks/ID.png` and the photos, each read when asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.candidates = root / CANDIDATES
        if not self.candidates.is_file():
            raise DeoccludeError(f"{self.candidates}: no such file; run `deocclude ahp acquire` first")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Byte offset and content of every line of `candidates.jsonl`."""
        offset = 0
        with self.candidates.open("rb") as file:
            for line in file:
                if line.strip():
                    yield offset, line
                offset += len(line)

    def candidate_at(self, offset: int) -> Candidate:
        """The candidate whose line begins at that byte. Raises DeoccludeError if none does."""
        with self.candidates.open("rb") as file:
            file.seek(offset)
            line = file.readline()
        return self.parse(offset, line)

    def parse(self, offset: int, line: bytes) -> Candidate:
        """The candidate of one line. Raises DeoccludeError that names the file and the byte."""
        try:
            return Candidate.from_json(line.decode("utf-8"))
        except (DeoccludeError, UnicodeDecodeError) as error:
            raise DeoccludeError(f"{self.candidates}: line at byte {offset}: {error}") from None

    def segmentations(self) -> dict[str, Segmentation]:
        """`segmented.jsonl` by id; empty where nothing was segmented."""
        path = self.root / SEGMENTED
        if not path.is_file():
            return {}
        found = {}
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                    faults = {str(name): float(value) for name, value in record.get("faults", {}).items()}
                    found[str(record["id"])] = Segmentation(str(record["outcome"]), faults)
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise DeoccludeError(
                        f"{path}:{number}: no outcome of a segmentation; run `deocclude ahp segment` again"
                    ) from None
        return found

    def mask_path(self, identity: str) -> Path:
        return mask_file(self.root, identity)

    def mask_of(self, candidate: Candidate) -> np.ndarray | None:
        """bool HxW: `masks/ID.png`, else the candidate's own, None if neither exists or it is empty."""
        path = self.mask_path(candidate.id)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            mask = candidate.mask
        else:
            mask = decode_map_of_size(content, path, (candidate.height, candidate.width)) > 0
        return mask if mask is not None and mask.any() else None

    def parsing_path(self, identity: str) -> Path:
        return parsing_file(self.root, identity)

    def parsing_of(self, candidate: Candidate) -> np.ndarray | None:
        """uint8 HxW of LIP indices: `parsing/ID.png`, else the candidate's own file, else None."""
        for path in (self.parsing_path(candidate.id), candidate.parsing):
            if path is not None and path.is_file():
                return decode_map_of_size(path.read_bytes(), path, (candidate.height, candidate.width))
        return None

    def photo_of(self, candidate: Candidate) -> np.ndarray:
        """uint8 HxWx3 RGB. Raises DeoccludeError if it is missing or has another size than the candidate."""
        try:
            return photo_of(candidate)
        except Unfit as fault:
            raise DeoccludeError(f"{fault}; acquire the people again") from None

    def save_mask(self, candidate: Candidate, mask: np.ndarray) -> None:
        """Replaces `masks/ID.png` by a bool HxW mask; the first one replaced stays in `masks-before/`."""
        if mask.dtype != np.bool_ or mask.shape != (candidate.height, candidate.width):
            raise ValueError(f"{candidate.id}: mask must be bool {candidate.height}x{candidate.width}")
        before = first_mask_file(self.root, candidate.id)
        if not before.exists():
            current = self.mask_of(candidate)
            if current is not None:
                write_atomically(before, encode_png(current))
        write_atomically(self.mask_path(candidate.id), encode_png(mask))
