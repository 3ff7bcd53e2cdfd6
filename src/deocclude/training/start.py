"""Exported weights -> a network to train on."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from deocclude.content_recovery.colours import COLOURS
from deocclude.errors import DeoccludeError
from deocclude.mask_completion.hourglass import may_be_missing
from deocclude.weights import store


def start_from(init: Path, stage: store.Stage, network: nn.Module) -> None:
    """Weights that lack refinements, context or colours are taken too: `network` keeps its own of those.

    Raises DeoccludeError if the file is none of `export`, or of a network that does not fit.
    """
    weights = store.load_file(stage, init).state_dict()
    grown = {
        name: value
        for name, value in network.state_dict().items()
        if may_be_missing(name) or name.startswith(COLOURS)
    }
    try:
        network.load_state_dict(grown | weights)
    except RuntimeError as error:
        raise DeoccludeError(f"{init}: weights of another preset or size; choose that preset") from error
