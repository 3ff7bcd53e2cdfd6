"""An option of `run` and `evaluate` alike."""

from __future__ import annotations

from typing import Annotated

import typer

Exemplars = Annotated[
    bool,
    typer.Option(
        help="Give the hidden part the visible body's texture, or leave it as the network paints it."
    ),
]
