"""What a run tells: JSON lines, TensorBoard, picture sheets and the progress on the console."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError

_SECONDS_BETWEEN_PLAIN_LINES = 30.0


class RunLog:
    """Writes into a run's folder: log.jsonl, tensorboard/, sheets/step-N.png. A context manager.

    A resumed run starts by forgetting everything after `start`, the step of its checkpoint.
    """

    def __init__(self, out: Path, start: int, steps: int, console: Console | None = None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise DeoccludeError("training needs tensorboard: pip install 'deocclude[train]'") from error
        out.mkdir(parents=True, exist_ok=True)
        self._out = out
        self._steps = steps
        forget_after(out / "log.jsonl", start)
        self._lines = (out / "log.jsonl").open("a", encoding="utf-8")
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=start + 1)
        self._console = console or Console()
        self._begun = (start, time.monotonic())
        self._spoke = 0.0
        self._bar: Progress | None = None
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(),
                TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.description}"),
                console=self._console,
            )  # fmt: skip
            self._row = self._bar.add_task("", total=steps, completed=start)
            self._bar.start()

    def advance(self, step: int) -> None:
        if self._bar:
            self._bar.update(self._row, completed=step)

    def training(self, step: int, record: Mapping[str, Any]) -> None:
        """record: "losses", "lr" (dicts of floats), "seconds_per_step", "samples_per_second"."""
        self._write({"step": step, **record})
        self._scalars("loss", record["losses"], step)
        self._scalars("lr", record["lr"], step)
        self._board.add_scalar("speed/samples_per_second", record["samples_per_second"], step)
        said = "  ".join(f"{name} {value:.4g}" for name, value in record["losses"].items())
        if self._bar:
            self._bar.update(self._row, description=said)
        elif time.monotonic() - self._spoke > _SECONDS_BETWEEN_PLAIN_LINES or step == self._steps:
            self._spoke = time.monotonic()
            self.say(f"step {step}/{self._steps}, {self._left(step)} left: {said}")

    def validation(self, step: int, metrics: Mapping[str, float], sheet: np.ndarray) -> None:
        """metrics as `TrainingTask.validate` returns them; sheet: uint8 HxWx3."""
        self._write({"step": step, "validation": dict(metrics)})
        self._scalars("validation", metrics, step)
        self._board.add_image("validation", sheet, step, dataformats="HWC")
        with replacing(self._out / "sheets" / f"step-{step}.png") as temporary:
            Image.fromarray(sheet).save(temporary, format="PNG")
        self.say(
            f"step {step} validation: " + "  ".join(f"{key} {value:.4f}" for key, value in metrics.items())
        )

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)

    def flush(self) -> None:
        self._lines.flush()
        self._board.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        self._lines.close()
        self._board.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        self._lines.write(json.dumps(record) + "\n")
        self._lines.flush()

    def _scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._board.add_scalar(f"{group}/{name}", value, step)

    def _left(self, step: int) -> str:
        first, begun = self._begun
        seconds = (time.monotonic() - begun) / max(1, step - first) * (self._steps - step)
        return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of a log after `step`, and one cut short by a kill; nothing happens without a log."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    with replacing(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")
