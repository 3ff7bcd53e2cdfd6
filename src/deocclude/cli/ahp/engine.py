"""The options by which every step of a data set's making is spread: `--engine` and `--workers`."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deocclude.ahp.engine import Engine


class EngineName(str, Enum):
    """How the work is spread; see `ahp.engine`."""

    serial = "serial"
    processes = "processes"
    ray = "ray"


EngineOption = Annotated[EngineName, typer.Option("--engine", help="How the work is spread.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; as many as there are cores if not given.")
]


def engine_of(name: EngineName, workers: int | None) -> Engine:
    """Raises DeoccludeError if Ray is asked for and not installed."""
    from deocclude.ahp.engine import Engine

    return Engine(name.value, workers or os.cpu_count() or 1)
