import math

import numpy as np
import pytest
import torch
from torch import nn

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError
from deocclude.training import TrainConfig, schedule
from deocclude.training.average import averaged
from deocclude.training.order import StepIndices


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_sample_is_seen_once_and_in_the_same_update(processes):
    shares = [list(StepIndices(0, 5, 6, rank, processes)) for rank in range(processes)]
    for step in range(5):
        seen = [index for share in shares for index in share[step]]
        assert seen == list(range(6 * step, 6 * step + 6))


def test_a_resumed_order_is_the_rest_of_the_whole_one():
    whole = StepIndices(0, 7, 4, 1, 2)
    resumed = StepIndices(3, 7, 4, 1, 2)
    assert list(resumed) == list(whole)[3:]
    assert len(resumed) == 4


def test_the_schedule_rises_linearly_then_falls_as_a_cosine():
    config = TrainConfig(steps=110, warmup=10, floor=0.2)
    factors = np.array([schedule(step, config) for step in range(110)])
    steps = np.arange(110)
    expected = np.where(
        steps < 10, (steps + 1) / 11, 0.2 + 0.8 * (1 + np.cos(np.pi * (steps - 10) / 100)) / 2
    )
    np.testing.assert_allclose(factors, expected, rtol=1e-12)
    assert schedule(10, config) == 1
    assert schedule(60, config) == pytest.approx(0.6)
    assert schedule(110, config) == pytest.approx(0.2)


def test_a_run_without_warm_up_starts_at_the_full_rate():
    assert schedule(0, TrainConfig(steps=10, warmup=0)) == 1


def test_the_running_average_equals_numpy():
    network = nn.BatchNorm1d(3)
    average = averaged(network, 0.9)
    expected = None
    for update in range(30):
        with torch.no_grad():
            network.weight.normal_()
            network.running_mean.normal_()
            network.num_batches_tracked += 1
        average.update_parameters(network)
        now = np.stack([network.weight.detach().numpy(), network.running_mean.numpy()]).astype(np.float64)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = now if expected is None else decay * expected + (1 - decay) * now
    found = np.stack([average.module.weight.numpy(), average.module.running_mean.numpy()])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert average.module.num_batches_tracked == 30
    assert not average.module.training
    assert not average.module.weight.requires_grad


def test_without_decay_the_average_is_the_network():
    network = nn.Linear(2, 2)
    average = averaged(network, 0.0)
    for _ in range(3):
        nn.init.normal_(network.weight)
        average.update_parameters(network)
    torch.testing.assert_close(average.module.weight, network.weight.detach(), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"batch": -1}, "batch is -1"),
        ({"workers": -1}, "workers is -1"),
        ({"ema": 1.5}, "ema is 1.5"),
        ({"floor": math.nan}, "floor is nan"),
        ({"mixed_precision": "fp8"}, "fp8"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(DeoccludeError, match=message):
        TrainConfig(**settings)


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fill_the_disk():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill_the_disk()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
