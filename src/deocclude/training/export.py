"""A run's checkpoint -> weights that can be loaded by name."""

from __future__ import annotations

from pathlib import Path

from deocclude.errors import DeoccludeError
from deocclude.training.checkpoint import Checkpoints, read
from deocclude.weights import store


def export(run: Path, out: Path, *, best: bool = True) -> int:
    """Write the averaged generator of a run's best (or last) checkpoint as `weights.store.save` does.

    Returns the checkpoint's step. Raises DeoccludeError if there is none, or it does not say its network.
    """
    checkpoints = Checkpoints(run)
    path = checkpoints.latest()
    if path is None:
        raise DeoccludeError(f"{run}: no checkpoints here; pass the --out folder of deocclude train")
    state = read(path)
    if best and state["best"] and state["best"]["step"] != state["step"]:
        path = checkpoints.path(state["best"]["step"])
        state = read(path)
    recipe = state["config"]["recipe"]
    try:
        config_class, network_class = store.classes(recipe["stage"])
        config = config_class(**recipe["network"])
        network = network_class(config)
        average = {
            name.removeprefix("module."): value
            for name, value in state["average"].items()
            if name.startswith("module.")
        }
        network.load_state_dict(average)
    except (KeyError, TypeError, RuntimeError) as error:
        raise DeoccludeError(f"{path}: not a checkpoint of this version's networks; train again") from error
    store.save(network, config, out)
    return int(state["step"])
