"""How long and how each preset is trained; `paper` is section 5.1."""

from __future__ import annotations

from deocclude.training.config import TrainConfig

RECIPES: dict[str, dict[str, TrainConfig]] = {
    "masks": {
        "paper": TrainConfig(steps=48_000, batch=32, warmup=500, best="invisible_micro"),
        "lite": TrainConfig(steps=20_000, batch=16, warmup=300, clip=5.0, best="invisible_micro"),
    },
    "content": {
        "paper": TrainConfig(steps=230_000, batch=16, warmup=500, best="-l1"),
        "lite": TrainConfig(steps=20_000, batch=16, warmup=300, clip=5.0, best="-l1"),
    },
}
"""stage -> preset -> settings."""
