"""Everything a run needs to go on, in one file that is always whole."""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError


def random_state() -> dict[str, Any]:
    """The states of Python's, NumPy's and torch's generators in this process, as tensors and plain values."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 (the state that tasks may draw from)
    assert isinstance(legacy, dict)
    return {
        "python": random.getstate(),
        "numpy": {**legacy, "state": {**legacy["state"], "key": legacy["state"]["key"].tolist()}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Inverse of `random_state`."""
    random.setstate(state["python"])
    numpy = state["numpy"]
    key = np.asarray(numpy["state"]["key"], dtype=np.uint32)
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": key}})  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


class Checkpoints:
    """The folder `RUN/checkpoints` with one file a saved step."""

    def __init__(self, run: Path, keep: int = 2) -> None:
        self._folder = run / "checkpoints"
        self._keep = keep

    def path(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.pt"

    def steps(self) -> list[int]:
        """Saved steps, oldest first."""
        return sorted(int(path.stem.removeprefix("step-")) for path in self._folder.glob("step-*.pt"))

    def latest(self) -> Path | None:
        steps = self.steps()
        return self.path(steps[-1]) if steps else None

    def save(self, state: Mapping[str, Any]) -> Path:
        """Write `state` (its "step" names the file), then drop all but the newest ones and the best."""
        path = self.path(state["step"])
        with replacing(path) as temporary:
            torch.save(dict(state), temporary)
        worth = {*self.steps()[-self._keep :], (state.get("best") or {}).get("step")}
        for step in self.steps():
            if step not in worth:
                self.path(step).unlink(missing_ok=True)
        for unfinished in self._folder.glob(".step-*.tmp"):  # of a run killed while it wrote
            unfinished.unlink()
        return path


def read(path: Path) -> dict[str, Any]:
    """A checkpoint, on the CPU. Loads tensors and plain values only, never code."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise DeoccludeError(
            f"{path}: not a checkpoint that can be read ({str(error).splitlines()[0]}); delete it to go on "
            "from the one before"
        ) from error
