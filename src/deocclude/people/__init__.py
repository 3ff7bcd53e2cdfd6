"""Who is in the photo, with initial masks: the paper's N_i. Sources are imported on first use."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson, PersonSource

if TYPE_CHECKING:
    from deocclude.people.blazepose import BlazePose
    from deocclude.people.maskrcnn import MaskRCNN
    from deocclude.people.supplied import SuppliedMasks

__all__ = [
    "SOURCES",
    "BlazePose",
    "DetectedPerson",
    "MaskRCNN",
    "PersonSource",
    "SuppliedMasks",
    "load_source",
]

_LAZY = {"BlazePose": "blazepose", "MaskRCNN": "maskrcnn", "SuppliedMasks": "supplied"}
_THREADS = min(4, os.cpu_count() or 1)
"""More than four were not tried."""
SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "blazepose": ("BlazePose", {"doubtful": True, "num_threads": _THREADS}),
    "maskrcnn": ("MaskRCNN", {}),
}
"""Names that `load_source` knows, with the classes behind them and the options that the cascade uses."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def load_source(name: str, **options: Any) -> PersonSource:
    """The source called `name`, a key of `SOURCES`, as the cascade uses it; options go to its class.

    Raises DeoccludeError for an unknown name, or if what the source needs is not installed.
    """
    if name not in SOURCES:
        raise DeoccludeError(f"unknown source of people {name!r}; choose one of: {', '.join(SOURCES)}")
    of_class, usual = SOURCES[name]
    source: PersonSource = __getattr__(of_class)(**{**usual, **options})
    return source
