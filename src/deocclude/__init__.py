"""Whole people from photos in which something hides them: Zhou et al., "Human De-occlusion", CVPR 2021."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deocclude.pipeline import Deoccluder as Deoccluder

__version__ = version("deocclude")
__all__ = ["Deoccluder", "__version__"]


def __getattr__(name: str) -> Any:
    """`Deoccluder` brings torch along, so it is imported when first asked for."""
    if name == "Deoccluder":
        from deocclude.pipeline import Deoccluder

        return Deoccluder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
