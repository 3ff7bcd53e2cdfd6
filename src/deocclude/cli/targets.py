"""Files that a command will write once it has measured."""

from __future__ import annotations

from pathlib import Path

from deocclude.errors import DeoccludeError


def require_folders(*targets: Path | None) -> None:
    """Raises DeoccludeError before any work is done if the folder of a file (None: no file) is missing."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise DeoccludeError(f"{target}: the folder {target.parent} does not exist; make it first")
