"""A small adversarial task, and a script that trains it: `toy_task.py RUN [CONFIG_AS_JSON]`."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import Dataset

from deocclude.training import TrainConfig, train

CONFIG = {
    "steps": 24, "batch": 4, "workers": 0, "warmup": 4, "log_every": 1, "validate_every": 8,
    "checkpoint_every": 5, "checkpoint_minutes": 0, "best": "-l1", "clip": 1.0, "threads": 1, "cpu": True,
}  # fmt: skip


class Endless(Dataset):
    """Sample i is drawn from the seed i."""

    def __getitem__(self, index):
        image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(index))
        return {"image": image, "amodal": image.mean(dim=0, keepdim=True)}


class Fixed(Endless):
    def __len__(self):
        return 5


class ToyTask:
    def __init__(self):
        torch.manual_seed(0)
        generator = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2), nn.Conv2d(4, 1, 1)
        )
        discriminator = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3))
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": discriminator})

    def optimizers(self):
        return {name: torch.optim.Adam(net.parameters(), 1e-2) for name, net in self.networks.items()}

    def step(self, networks, batch, optimizers, backward, progress):
        painted = networks["generator"](batch["image"])
        judge = networks["discriminator"]
        caught = softplus(-judge(batch["amodal"])).mean() + softplus(judge(painted.detach())).mean()
        optimizers["discriminator"].zero_grad()
        backward(caught)
        optimizers["discriminator"].step()
        l1 = (painted - batch["amodal"]).abs().mean()
        adversarial = softplus(-judge(painted)).mean()
        noise = float(np.random.rand() + torch.rand(()))  # noqa: NPY002, so that the random states matter
        optimizers["generator"].zero_grad()
        backward(l1 + 0.1 * noise * adversarial)
        optimizers["generator"].step()
        return {"l1": l1, "adversarial": adversarial, "discriminator": caught}

    def validate(self, networks, batches):
        assert not networks["generator"].training
        errors = [(networks["generator"](b["image"]) - b["amodal"]).abs().mean().item() for b in batches]
        return {"l1": float(np.mean(errors))}

    def picture(self, networks, batch):
        return (batch["image"].permute(0, 2, 3, 1).reshape(-1, 8, 3).numpy() * 255).astype(np.uint8)


class SlowTask(ToyTask):
    def step(self, *arguments):
        time.sleep(0.03)
        return super().step(*arguments)


if __name__ == "__main__":
    settings = {**CONFIG, **json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")}
    task = SlowTask()
    train(task, Endless(), Fixed(), TrainConfig(**settings), Path(sys.argv[1]))
    if "RANK" in os.environ:
        state = task.networks.state_dict()
        torch.save(state, Path(sys.argv[1]) / f"rank-{os.environ['RANK']}.pt")
