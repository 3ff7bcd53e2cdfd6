"""How a verb tells what it has passed over."""

from __future__ import annotations

from collections.abc import Sequence

import typer

_MOST = 20


def report(faults: Sequence[str]) -> None:
    """The first few on stderr, a line each, then how many more."""
    for fault in faults[:_MOST]:
        typer.echo(f"left out: {fault}", err=True)
    if len(faults) > _MOST:
        typer.echo(f"left out: {len(faults) - _MOST} more", err=True)
