"""The loop: one process or several, any precision, stopped at any moment and resumed exactly."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, default_collate

from deocclude.errors import DeoccludeError
from deocclude.threads import one_thread
from deocclude.training.average import averaged
from deocclude.training.checkpoint import Checkpoints, random_state, read, set_random_state
from deocclude.training.config import TrainConfig, schedule
from deocclude.training.log import RunLog
from deocclude.training.order import StepIndices
from deocclude.training.task import Batch, TrainingTask

if TYPE_CHECKING:
    from accelerate import Accelerator


def train(
    task: TrainingTask,
    dataset: Dataset[Batch],
    validation: Dataset[Batch] | None,
    config: TrainConfig,
    out: Path,
    resume: bool = True,
) -> Path:
    """Train `task` and return the last checkpoint's path.

    dataset: `dataset[i]` answers for every i >= 0 and depends on i alone; validation: a sized data set, or
    None. With `resume`, a run in `out` goes on from its last checkpoint; without, `out` must hold none.
    Raises DeoccludeError for a run with other settings, a loss that is not finite, a missing extra.
    """
    with _accelerator(config) as accelerator:
        if config.batch % accelerator.num_processes:
            raise DeoccludeError(
                f"batch {config.batch} does not divide among {accelerator.num_processes} processes; "
                "choose a multiple"
            )
        run = _Run(task, accelerator, config)
        checkpoints = Checkpoints(out, config.keep)
        last = checkpoints.latest()
        if last is not None and not resume:
            raise DeoccludeError(f"{out}: holds a run already; resume it, or choose another folder")
        if last is not None:
            run.restore(read(last), last)
        if not accelerator.is_main_process:
            return run.train(dataset, None, checkpoints, None) or checkpoints.path(run.step)
        with RunLog(out, run.step, config.steps) as log:
            log.say(
                f"{'resuming' if last else 'training'} on {accelerator.device}, "
                f"{accelerator.num_processes} process(es), precision {accelerator.mixed_precision}, "
                f"from step {run.step} of {config.steps}"
            )
            path = run.train(dataset, validation, checkpoints, log) or checkpoints.path(run.step)
            log.say(f"last checkpoint: {path}")
            return path


@contextmanager
def _accelerator(config: TrainConfig) -> Iterator[Accelerator]:
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs
        from accelerate.state import AcceleratorState
        from accelerate.utils import set_seed
    except ImportError as error:
        raise DeoccludeError("training needs accelerate: pip install 'deocclude[train]'") from error
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.backends.cudnn.benchmark = True
    # else a second run in this process could not choose another precision, nor join its group again
    AcceleratorState._reset_state(reset_partial_state=True)
    # a discriminator runs twice before one backward pass, and some passes leave parameters unused
    parallel = DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=True)
    try:
        accelerator = Accelerator(
            mixed_precision=config.mixed_precision, cpu=_on_cpus(config), kwargs_handlers=[parallel]
        )
    except ValueError as error:
        raise DeoccludeError(f"mixed precision {config.mixed_precision}: {error}") from error
    set_seed(config.seed, device_specific=True)
    try:
        yield accelerator
    finally:
        accelerator.end_training()  # a process that leaves its group open now and then aborts at its exit


def _on_cpus(config: TrainConfig) -> bool:
    """Several processes without a GPU have to be told, or each would train alone into the same folder."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return config.cpu or (several and not torch.cuda.is_available())


class _Run:
    """The state that a checkpoint holds, and what moves it."""

    def __init__(self, task: TrainingTask, accelerator: Accelerator, config: TrainConfig) -> None:
        self._task = task
        self._accelerator = accelerator
        self._config = config
        self.step = 0
        self._best: dict[str, Any] | None = None
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)  # of each term: some join late

        task.networks.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        task.networks.train()
        self._optimizers = task.optimizers()
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
            if config.clip:
                optimizer.register_step_pre_hook(self._clip)
        self._average = averaged(task.networks["generator"], config.ema)
        accelerator.prepare_model(self._average.module, evaluation_mode=True)
        self._trained = {
            name: network
            for name, network in task.networks.items()
            if any(parameter.requires_grad for parameter in network.parameters())
        }
        self._networks = nn.ModuleDict(
            {
                name: accelerator.prepare_model(network, evaluation_mode=name not in self._trained)
                for name, network in task.networks.items()
            }
        )
        self._stepped = {name: accelerator.prepare_optimizer(opt) for name, opt in self._optimizers.items()}

    def train(
        self,
        dataset: Dataset[Batch],
        validation: Dataset[Batch] | None,
        checkpoints: Checkpoints,
        log: RunLog | None,
    ) -> Path | None:
        """Go on to the last step or the time limit. Returns the checkpoint written last, None if none was."""
        config = self._config
        begun = saved_at = time.monotonic()
        saved: Path | None = None
        tick, spent, updates = begun, 0.0, 0
        for batch in self._batches(dataset):
            seconds = self._update(batch, time.monotonic() - begun, checkpoints)
            if log:
                log.advance(self.step)
            last = self.step == config.steps
            spent, updates = spent + time.monotonic() - tick, updates + 1
            if self.step % config.log_every == 0 or last:
                record = self._interval(spent / updates)
                spent, updates = 0.0, 0
                if log:
                    log.training(self.step, record)
            improved = False
            if config.validate_every and (self.step % config.validate_every == 0 or last):
                if log and validation is not None and len(_sized(validation)):
                    improved = self._validate(validation, log)
                improved = self._agree(improved)
            over = bool(config.max_minutes) and seconds >= config.max_minutes * 60
            due = bool(config.checkpoint_minutes) and (
                seconds - (saved_at - begun) >= config.checkpoint_minutes * 60
            )
            counted = bool(config.checkpoint_every) and self.step % config.checkpoint_every == 0
            if last or over or due or counted or improved:
                if log:
                    log.flush()
                saved = self._save(checkpoints)
                saved_at = begun + seconds
            tick = time.monotonic()
            if over and not last:
                if log:
                    log.say(
                        f"stopped after {seconds / 60:.0f} minutes at step {self.step}; run again to go on"
                    )
                break
        return saved

    def restore(self, state: dict[str, Any], path: Path) -> None:
        """Continue from a checkpoint. Raises DeoccludeError if it was made with other settings."""
        mine, theirs = self._config.defining(), state["config"]
        changed = sorted(_differences(theirs, mine))
        if changed:
            raise DeoccludeError(
                f"{path.parent.parent}: its run has other settings ({'; '.join(changed)}); "
                "train with those to go on, or into another folder"
            )
        if len(state["random"]) != self._accelerator.num_processes:
            raise DeoccludeError(
                f"{path.parent.parent}: its run has {len(state['random'])} processes, this one "
                f"{self._accelerator.num_processes}; use as many to go on"
            )
        try:
            for name, network in self._trained.items():
                network.load_state_dict(state["networks"][name])
            self._average.load_state_dict(state["average"])
            for name, optimizer in self._optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
        except (RuntimeError, KeyError, ValueError) as error:
            raise DeoccludeError(f"{path}: made for other networks; train into another folder") from error
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])
        self.step = state["step"]
        self._best = state["best"]
        self._sums.update(state["sums"])
        self._counts.update(state["counts"])
        set_random_state(state["random"][self._accelerator.process_index])

    def _save(self, checkpoints: Checkpoints) -> Path:
        from accelerate.utils import gather_object

        states = gather_object([random_state()])
        path = checkpoints.path(self.step)
        if self._accelerator.is_main_process:
            scaler = self._accelerator.scaler
            checkpoints.save(
                {
                    "step": self.step,
                    "config": self._config.defining(),
                    "networks": {name: net.state_dict() for name, net in self._trained.items()},
                    "average": self._average.state_dict(),
                    "optimizers": {name: opt.state_dict() for name, opt in self._optimizers.items()},
                    "scaler": scaler.state_dict() if scaler is not None else None,
                    "best": self._best,
                    "sums": dict(self._sums),
                    "counts": dict(self._counts),
                    "random": states,
                }
            )
        self._accelerator.wait_for_everyone()
        return path

    def _update(self, batch: Batch, seconds: float, checkpoints: Checkpoints) -> float:
        """One step of the task; averages its losses over the processes, and the clock, which it returns."""
        factor = schedule(self.step, self._config)
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        terms = self._task.step(
            self._networks, batch, self._stepped, self._accelerator.backward, self.step / self._config.steps
        )
        self._average.update_parameters(self._task.networks["generator"])
        self.step += 1
        values = torch.stack([term.detach().float() for term in terms.values()])
        told = torch.cat([values, values.new_tensor([seconds])])
        *losses, seconds = self._accelerator.reduce(told, "mean").tolist()
        for name, value in zip(terms, losses, strict=True):
            if not math.isfinite(value):
                kept = checkpoints.latest()
                raise DeoccludeError(
                    f"step {self.step}: the loss term {name!r} is {value}; "
                    f"lower the learning rate or clip gradients (last checkpoint: {kept or 'none'})"
                )
            self._sums[name] += value
            self._counts[name] += 1
        return seconds

    def _interval(self, seconds: float) -> dict[str, Any]:
        """The record of the updates since the last one, for `RunLog.training`; each took `seconds`."""
        losses = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        return {
            "losses": losses,
            "lr": {name: opt.param_groups[0]["lr"] for name, opt in self._optimizers.items()},
            "seconds_per_step": seconds,
            "samples_per_second": self._config.batch / seconds,
        }

    @torch.no_grad()
    def _validate(self, validation: Dataset[Batch], log: RunLog) -> bool:
        """Log metrics and a sheet of the averaged generator. Returns whether it is the best so far."""
        networks = nn.ModuleDict({**self._task.networks, "generator": self._average.module})
        size = max(1, self._config.batch // self._accelerator.num_processes)
        loader = DataLoader(validation, size, num_workers=self._config.workers, worker_init_fn=_one_thread)
        count = len(_sized(validation))
        shown = np.unique(np.linspace(0, count - 1, min(count, self._config.sheet_rows)).round().astype(int))
        with torch.random.fork_rng():
            metrics = self._task.validate(networks, (self._placed(batch) for batch in loader))
            sheet = self._task.picture(
                networks, self._placed(default_collate([validation[int(index)] for index in shown]))
            )
        log.validation(self.step, metrics, sheet)
        best = self._config.best
        if not best:
            return False
        if best.lstrip("-") not in metrics:
            raise DeoccludeError(
                f"best metric {best!r} is not measured; there is {', '.join(sorted(metrics))}"
            )
        value = -metrics[best[1:]] if best.startswith("-") else metrics[best]
        if self._best and self._best["metric"] == best and self._best["value"] >= value:
            return False
        self._best = {"metric": best, "value": value, "step": self.step}
        return True

    def _batches(self, dataset: Dataset[Batch]) -> Iterator[Batch]:
        accelerator, workers = self._accelerator, self._config.workers
        loader = DataLoader(
            dataset,
            batch_sampler=StepIndices(
                self.step,
                self._config.steps,
                self._config.batch,
                accelerator.process_index,
                accelerator.num_processes,
            ),
            num_workers=workers,
            pin_memory=accelerator.device.type == "cuda",
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_one_thread,
            generator=torch.Generator(),  # its own, so that making a loader draws nothing from torch's
        )
        try:
            for batch in loader:
                yield self._placed(batch)
        except DeoccludeError as error:  # a worker's comes with its whole traceback
            message = str(error).strip().splitlines()[-1]
            raise DeoccludeError(message.removeprefix("deocclude.errors.DeoccludeError: ")) from error

    def _placed(self, batch: Batch) -> Batch:
        placed = {}
        for name, value in batch.items():
            if isinstance(value, torch.Tensor):
                value = value.to(self._accelerator.device, non_blocking=True)
                if value.ndim == 4:
                    value = value.contiguous(memory_format=torch.channels_last)
            placed[name] = value
        return placed

    def _clip(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self._config.clip)

    def _agree(self, flag: bool) -> bool:
        """The main process's flag, in every process."""
        from accelerate.utils import broadcast_object_list

        return bool(broadcast_object_list([flag])[0])


def _differences(theirs: dict[str, Any], mine: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name in {**theirs, **mine}:
        before, now = theirs.get(name), mine.get(name)
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now, f"{prefix}{name}.")
        elif before != now:
            yield f"{prefix}{name} {before}, now {now}"


def _sized(dataset: Dataset[Batch]) -> Sized:
    assert isinstance(dataset, Sized)
    return dataset


def _one_thread(_: int) -> None:
    one_thread()
