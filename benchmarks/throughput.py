"""Does training wait for its samples? `python benchmarks/throughput.py PACK [--stage masks|content]`.

The loop of `deocclude train` runs twice, on the windows of a pack and on one window kept in memory, which
costs nothing to load. The ratio of their samples a second is the share that loading leaves.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.data import Dataset

from deocclude.ahp.packed import PackedWindows
from deocclude.content_recovery.config import CONTENT_PRESETS, CONTENT_TRAINING
from deocclude.content_recovery.task import ContentRecoveryTask
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.task import MaskCompletionTask
from deocclude.training import TrainConfig, train

_UNCOUNTED = 3


class OneWindow(Dataset):
    """The same sample for every index."""

    def __init__(self, windows: Dataset) -> None:
        self._sample = windows[0]

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self._sample


def samples_a_second(task: Any, dataset: Dataset, config: TrainConfig) -> float:
    """Median over the updates of a run after the first three."""
    with tempfile.TemporaryDirectory() as folder:
        train(task, dataset, None, config, Path(folder))
        lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    return median(line["samples_per_second"] for line in lines[_UNCOUNTED:])


def main() -> None:
    """Prints both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="a folder of `deocclude ahp pack` of the same stage")
    parser.add_argument("--stage", choices=("masks", "content"), default="masks")
    parser.add_argument("--preset", choices=("lite", "paper"), default="lite")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mixed-precision", choices=("no", "bf16", "fp16"), default="bf16")
    options = parser.parse_args()

    def task() -> Any:
        if options.stage == "masks":
            return MaskCompletionTask(MASK_PRESETS[options.preset], templates=None, pretrained=False)
        return ContentRecoveryTask(CONTENT_PRESETS[options.preset], CONTENT_TRAINING[options.preset])

    config = TrainConfig(
        steps=options.steps, batch=options.batch, workers=options.workers, warmup=1, log_every=1,
        validate_every=0, mixed_precision=options.mixed_precision, threads=1,
    )  # fmt: skip
    windows = PackedWindows.read([options.pack], options.stage, task().config.size, 0)
    rates = {
        name: samples_a_second(task(), dataset, config)
        for name, dataset in (("windows of the pack", windows), ("one window in memory", OneWindow(windows)))
    }
    for name, rate in rates.items():
        print(f"{name:22} {rate:8.2f} samples a second")
    loaded, kept = rates.values()
    print(f"ratio {loaded / kept:.2f}")


if __name__ == "__main__":
    main()
