import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toy_task import CONFIG, Endless, Fixed, ToyTask

from deocclude.errors import DeoccludeError
from deocclude.training import TrainConfig, train
from deocclude.training.checkpoint import Checkpoints, read


def config(**settings):
    return TrainConfig(**{**CONFIG, **settings})


def test_a_run_tells_what_it_did(tmp_path):
    train(
        ToyTask(), Endless(), Fixed(), config(steps=8, log_every=3, validate_every=4, sheet_rows=2), tmp_path
    )
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "losses" in record] == [3, 6, 8]
    assert [record["step"] for record in records if "validation" in record] == [4, 8]
    first = records[0]
    assert set(first["losses"]) == {"l1", "adversarial", "discriminator"}
    assert first["samples_per_second"] == pytest.approx(4 / first["seconds_per_step"])
    assert set(first["lr"]) == {"generator", "discriminator"}
    assert np.array(Image.open(tmp_path / "sheets" / "step-8.png")).shape == (2 * 8, 8, 3)
    assert any((tmp_path / "tensorboard").iterdir())


def test_it_learns(tmp_path):
    train(ToyTask(), Endless(), Fixed(), config(steps=120, validate_every=20, ema=0.9), tmp_path)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    errors = [json.loads(line)["validation"]["l1"] for line in lines if "validation" in line]
    assert errors[-1] < 0.6 * errors[0]


def test_terms_that_join_late_are_averaged_over_their_own_steps(tmp_path):
    class Late(ToyTask):
        def step(self, networks, batch, optimizers, backward, progress):
            terms = super().step(networks, batch, optimizers, backward, progress)
            return {"l1": terms["l1"]} | ({"late": torch.tensor(2.0)} if progress >= 0.5 else {})

    train(Late(), Endless(), None, config(steps=6, log_every=6), tmp_path)
    assert json.loads((tmp_path / "log.jsonl").read_text())["losses"]["late"] == 2


def test_frozen_networks_are_used_but_not_saved(tmp_path):
    class WithFeatures(ToyTask):
        def __init__(self):
            super().__init__()
            self.networks["features"] = torch.nn.Conv2d(1, 1, 1).requires_grad_(False)

        def optimizers(self):
            return {name: torch.optim.SGD(self.networks[name].parameters(), 0.1) for name in
                    ("generator", "discriminator")}  # fmt: skip

        def step(self, networks, batch, *arguments):
            networks["features"](batch["amodal"])
            return super().step(networks, batch, *arguments)

    last = train(WithFeatures(), Endless(), None, config(steps=2), tmp_path)
    assert set(read(last)["networks"]) == {"generator", "discriminator"}


@pytest.mark.parametrize("worst", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, worst):
    class Exploding(ToyTask):
        def step(self, *arguments):
            terms = super().step(*arguments)
            return {**terms, "l1": terms["l1"] * (worst if arguments[-1] > 0.25 else 1)}

    with pytest.raises(DeoccludeError, match=r"step 8: the loss term 'l1' is (nan|inf).*step-00000005.pt"):
        train(Exploding(), Endless(), None, config(), tmp_path)
    assert Checkpoints(tmp_path).steps() == [5]


def test_without_validation_samples(tmp_path):
    class Nothing(Endless):
        def __len__(self):
            return 0

    for name, validation in (("none", None), ("empty", Nothing())):
        train(ToyTask(), Endless(), validation, config(steps=3, validate_every=1), tmp_path / name)
        assert "validation" not in (tmp_path / name / "log.jsonl").read_text()


def test_a_best_metric_that_is_not_measured_is_named(tmp_path):
    with pytest.raises(DeoccludeError, match="best metric 'iou' is not measured; there is l1"):
        train(ToyTask(), Endless(), Fixed(), config(steps=2, best="iou"), tmp_path)


def test_a_bad_sample_in_a_worker_is_one_line(tmp_path):
    class Broken(Endless):
        def __getitem__(self, index):
            if index == 9:
                raise DeoccludeError("photo-9.jpg: not a photo; remove it")
            return super().__getitem__(index)

    with pytest.raises(DeoccludeError) as caught:
        train(ToyTask(), Broken(), None, config(workers=1), tmp_path)
    assert str(caught.value) == "photo-9.jpg: not a photo; remove it"


def test_bf16_runs_convolutions_in_bf16_and_returns_float32(tmp_path):
    seen = []

    class Watched(ToyTask):
        def step(self, networks, batch, *arguments):
            inner = self.networks["generator"][0]
            handle = inner.register_forward_hook(lambda *a: seen.append(("inside", a[2].dtype)))
            seen.append(("outside", networks["generator"](batch["image"]).dtype))
            handle.remove()
            return super().step(networks, batch, *arguments)

    train(Watched(), Endless(), None, config(steps=1, mixed_precision="bf16"), tmp_path)
    assert dict(seen) == {"inside": torch.bfloat16, "outside": torch.float32}


def test_pictures_and_kernels_are_channels_last(tmp_path):
    class Watched(ToyTask):
        def step(self, networks, batch, *arguments):
            assert batch["image"].is_contiguous(memory_format=torch.channels_last)
            assert networks["generator"][0].weight.is_contiguous(memory_format=torch.channels_last)
            return super().step(networks, batch, *arguments)

    train(Watched(), Endless(), None, config(steps=1), tmp_path)


def test_gradients_are_clipped(tmp_path):
    norms = []

    class Watched(ToyTask):
        def step(self, *arguments):
            terms = super().step(*arguments)
            gradients = [parameter.grad.norm() for parameter in self.networks["generator"].parameters()]
            norms.append(torch.stack(gradients).norm().item())
            return terms

    train(Watched(), Endless(), None, config(steps=5, clip=1e-3), tmp_path)
    assert max(norms) <= 1e-3 * 1.001


def test_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(DeoccludeError, match=r"pip install 'deocclude\[train\]'"):
        train(ToyTask(), Endless(), None, config(), tmp_path)


@pytest.mark.parametrize("cpu", [True, False])
def test_two_processes_hold_the_same_networks(tmp_path, cpu):
    script = Path(__file__).with_name("toy_task.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = json.dumps({"steps": 6, "validate_every": 3, "checkpoint_every": 2, "cpu": cpu})
    common = {
        **os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, script, tmp_path, settings],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    for process in processes:
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told
    first, second = (torch.load(tmp_path / f"rank-{rank}.pt") for rank in range(2))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.isfinite(value).all()
        if "running" not in name:  # statistics of each process's own samples
            assert torch.equal(value, second[name]), name
    last = Checkpoints(tmp_path).latest()
    assert last is not None
    assert read(last)["step"] == 6
    assert len(read(last)["random"]) == 2
    lines = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 3, 4, 5, 6, 6]
