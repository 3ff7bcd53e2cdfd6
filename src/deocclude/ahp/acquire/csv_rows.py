"""Rows of a large CSV file with a header, one at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from deocclude.errors import DeoccludeError


class Row(NamedTuple):
    """values: by column. line: in the file, from 1. share: of the file that is read, in [0, 1]."""

    values: dict[str, str]
    line: int
    share: float


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row | str]:
    """The rows; for one with too few or too many fields the place of it, 'FILE: line N'.

    Raises DeoccludeError if the file cannot be opened or has not all `columns`.
    """
    try:
        with path.open("rb") as raw:
            size = max(1, path.stat().st_size)
            read = 0

            def lines() -> Iterator[str]:
                nonlocal read
                for line in raw:
                    read += len(line)
                    yield line.decode(errors="replace").replace("\0", "\ufffd")

            reader = csv.reader(lines(), quoting=csv.QUOTE_NONE)
            header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise DeoccludeError(f"{path}: no column {missing[0]}; fetch the file again, with its header")
            for fields in reader:
                if len(fields) == len(header):
                    values = dict(zip(header, fields, strict=True))
                    yield Row(values, reader.line_num, min(1.0, read / size))
                elif fields:
                    yield f"{path}: line {reader.line_num}"
    except OSError as error:
        raise DeoccludeError(f"{path}: {error.strerror}; check the file") from None
