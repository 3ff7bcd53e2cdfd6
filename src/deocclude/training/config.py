"""The settings of a training run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from deocclude.errors import DeoccludeError

MixedPrecision = Literal["no", "bf16", "fp16"]

_MAY_CHANGE_ON_RESUME = frozenset(
    {
        "workers", "log_every", "validate_every", "checkpoint_minutes", "checkpoint_every", "keep",
        "max_minutes", "threads", "cpu", "best", "sheet_rows",
    }
)  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of the loop. A run is resumed only with the same values; those that cannot change its
    losses (how often to log, validate and save, workers, time limit, ...) are free to differ.
    """

    steps: int = 10_000
    """Updates of the whole run; the schedule ends here."""

    batch: int = 16
    """Samples in one update, over all processes together."""

    seed: int = 0
    """Seeds the networks' random numbers (the data set has its own seed)."""

    workers: int = 2
    """Loader processes beside each training process; 0 loads in the training process."""

    warmup: int = 200
    """Updates over which the learning rate rises linearly from nearly 0."""

    floor: float = 0.01
    """Share of the learning rate that is left at the end of the cosine."""

    mixed_precision: MixedPrecision = "no"
    """Autocast of the networks: "bf16" (GPU, and CPUs with bf16 instructions), "fp16" (GPU) or "no"."""

    clip: float = 0.0
    """Largest gradient norm of each optimizer; 0 clips nothing."""

    ema: float = 0.999
    """Decay of the generator's running average, which is what gets validated and exported; 0 averages
    nothing. Early on it is smaller, (1 + step) / (10 + step)."""

    log_every: int = 20
    """Updates that one line of log.jsonl averages."""

    validate_every: int = 1_000
    """Updates between validations; 0 never validates. The last update always is, if there is anything to
    validate on."""

    best: str = ""
    """Validation metric that names the best checkpoint; "-name" where less is better; "" keeps no best."""

    sheet_rows: int = 8
    """Validation samples on a picture sheet."""

    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints; 0 for none by the clock."""

    checkpoint_every: int = 0
    """Updates between checkpoints; 0 for none by count."""

    keep: int = 2
    """Newest checkpoints that stay on the disk, besides the best."""

    max_minutes: float = 0.0
    """Stop after so many minutes with a checkpoint to resume from, for sessions with a time limit; 0 for no
    limit."""

    threads: int = 0
    """CPU threads of each training process; 0 leaves torch's choice."""

    cpu: bool = False
    """Stay on the CPU even where there is a GPU."""

    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the losses depend on, as plain values: stage, network, learning rate, data. Compared on
    resume."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "log_every", "keep"):
            if getattr(self, name) < 1:
                raise DeoccludeError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("workers", "warmup", "validate_every", "checkpoint_minutes", "checkpoint_every",
                     "max_minutes", "threads", "clip", "seed", "sheet_rows"):  # fmt: skip
            if getattr(self, name) < 0:
                raise DeoccludeError(f"{name} is {getattr(self, name)}: it must not be negative")
        for name in ("floor", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise DeoccludeError(f"{name} is {getattr(self, name)}: it must lie in [0, 1]")
        if self.mixed_precision not in ("no", "bf16", "fp16"):
            raise DeoccludeError(f"mixed precision {self.mixed_precision!r}: choose no, bf16 or fp16")

    def defining(self) -> dict[str, Any]:
        """The fields that a resumed run must share."""
        return {name: value for name, value in asdict(self).items() if name not in _MAY_CHANGE_ON_RESUME}


def schedule(step: int, config: TrainConfig) -> float:
    """Factor on the learning rate of update `step` (from 0): linear warm-up, then a cosine to the floor."""
    if step < config.warmup:
        return (step + 1) / (config.warmup + 1)
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
