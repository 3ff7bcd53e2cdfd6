"""Users' own functions and classes, named on the command line as MODULE:NAME."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from deocclude.errors import DeoccludeError


def plug_in(name: str) -> Any:
    """What MODULE:NAME names; modules in the current folder are found too, and NAME may have dots.

    Raises DeoccludeError if it cannot be imported.
    """
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise DeoccludeError(f"{name}: cannot be imported ({error}); give MODULE:NAME") from None
    finally:
        sys.path.remove(here)
    return found
