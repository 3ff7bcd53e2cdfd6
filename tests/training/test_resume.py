import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy_task import CONFIG, Endless, Fixed, ToyTask

from deocclude.errors import DeoccludeError
from deocclude.training import TrainConfig, train
from deocclude.training.checkpoint import Checkpoints, random_state, read, set_random_state
from deocclude.training.log import forget_after

SCRIPT = Path(__file__).with_name("toy_task.py")


def toy(out, **settings):
    return train(ToyTask(), Endless(), Fixed(), TrainConfig(**{**CONFIG, **settings}), out)


def told(out):
    """step -> losses, and step -> metrics; no step may come twice."""
    losses, metrics = {}, {}
    for line in (out / "log.jsonl").read_text().splitlines():
        record = json.loads(line)
        into, key = (metrics, "validation") if "validation" in record else (losses, "losses")
        assert record["step"] not in into
        into[record["step"]] = record[key]
    return losses, metrics


def assert_same_state(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, dict):
            assert_same_state(value, second[name])
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, second[name]), name


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    toy(out)
    return out


def test_killed_and_resumed_is_as_if_never_killed(uninterrupted, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, SCRIPT, tmp_path, '{"workers": 1}'], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = tmp_path / "log.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().count("losses") >= 13):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert Checkpoints(tmp_path).steps()[-1] < CONFIG["steps"]

    toy(tmp_path)
    assert told(tmp_path) == told(uninterrupted)
    last = f"checkpoints/step-{CONFIG['steps']:08d}.pt"
    whole, resumed = read(uninterrupted / last), read(tmp_path / last)
    for part in ("networks", "average", "optimizers"):
        assert_same_state(whole[part], resumed[part])
    assert whole["best"] == resumed["best"]


def test_averages_over_the_log_interval_survive_a_resume(tmp_path):
    toy(tmp_path / "whole", log_every=8, checkpoint_every=0)
    toy(tmp_path / "cut", log_every=8, checkpoint_every=1, max_minutes=1e-9)
    while Checkpoints(tmp_path / "cut").steps()[-1] < 11:
        toy(tmp_path / "cut", log_every=8, checkpoint_every=0, max_minutes=1e-9)
    toy(tmp_path / "cut", log_every=8, checkpoint_every=0)
    cut, whole = told(tmp_path / "cut")[0], told(tmp_path / "whole")[0]
    assert cut == whole
    assert list(whole) == [8, 16, 24]


def test_the_time_limit_leaves_a_checkpoint(tmp_path):
    path = toy(tmp_path, checkpoint_every=0, max_minutes=1e-9)
    assert read(path)["step"] == 1


def test_a_finished_run_is_left_alone(uninterrupted):
    before = (uninterrupted / "log.jsonl").read_bytes()
    assert toy(uninterrupted) == Checkpoints(uninterrupted).latest()
    assert (uninterrupted / "log.jsonl").read_bytes() == before


def test_other_settings_are_refused(uninterrupted):
    with pytest.raises(DeoccludeError, match=r"other settings \(steps 24, now 30\)"):
        toy(uninterrupted, steps=30)
    with pytest.raises(DeoccludeError, match=r"recipe\.preset None, now paper"):
        toy(uninterrupted, recipe={"preset": "paper"})
    toy(uninterrupted, workers=1, log_every=7, keep=1)


def test_a_run_is_not_overwritten(uninterrupted):
    with pytest.raises(DeoccludeError, match="holds a run already"):
        train(ToyTask(), Endless(), None, TrainConfig(**CONFIG), uninterrupted, resume=False)


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = toy(tmp_path, steps=2)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DeoccludeError, match=f"{path}: not a checkpoint"):
        toy(tmp_path, steps=2)


def test_the_newest_and_the_best_checkpoints_stay(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in range(1, 7):
        checkpoints.save({"step": step, "best": {"step": 2}})
    assert checkpoints.steps() == [2, 5, 6]


def test_a_checkpoint_that_was_being_written_is_ignored_and_cleared(tmp_path):
    path = toy(tmp_path, steps=6)
    unfinished = path.with_name(".step-00000007.pt.tmp")
    unfinished.write_bytes(path.read_bytes()[:100])
    assert toy(tmp_path, steps=6) == path
    Checkpoints(tmp_path).save({"step": 8})
    assert not unfinished.exists()


def test_random_states_survive_a_file(tmp_path):
    import random

    import numpy as np

    def draw():
        return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002

    torch.save(random_state(), tmp_path / "state.pt")
    drawn = draw()
    set_random_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert draw() == drawn


def test_a_log_forgets_what_a_resumed_run_will_repeat(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 5}\n{"step": 6}\n{"st')
    forget_after(log, 5)
    assert log.read_text() == '{"step": 1}\n{"step": 5}\n'
