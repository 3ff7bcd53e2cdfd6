"""The training task: who moves whom, what validation measures, what stage 1 contributes."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from deocclude.baselines.nearest_fill import nearest_visible_fill
from deocclude.content_recovery.config import CONTENT_TRAINING
from deocclude.content_recovery.predicted import with_predictions
from deocclude.content_recovery.task import ContentRecoveryTask
from deocclude.mask_completion.network import MaskPrediction

ALL_FROM_THE_START = dataclasses.replace(CONTENT_TRAINING["paper"], close_up=32, discriminator_width=4)
TERMS = ("adversarial", "l1", "perceptual", "style")


class Blurs(nn.Module):
    """Three feature maps, as VGG16Features gives, without its weights."""

    def forward(self, image):
        return [image, functional.avg_pool2d(image, 2), functional.avg_pool2d(image.square(), 4)]


@pytest.fixture
def task(tiny):
    torch.manual_seed(0)
    return ContentRecoveryTask(tiny, ALL_FROM_THE_START, features=Blurs())


def gradients(network):
    return sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)


def step(task, batch, backward=torch.Tensor.backward, progress=0.5):
    return task.step(task.networks, batch, task.optimizers(), backward, progress)


@pytest.mark.parametrize("term", TERMS)
def test_each_term_alone_moves_the_generator_and_nothing_else(tiny, make_person, term):
    only = {name: float(name == term) for name in TERMS}
    task = ContentRecoveryTask(tiny, dataclasses.replace(ALL_FROM_THE_START, **only), features=Blurs())
    seen = []

    def backward(loss):
        for network in task.networks.values():
            network.zero_grad()
        loss.backward()
        seen.append({name: gradients(network) for name, network in task.networks.items()})

    step(task, make_person(32), backward)
    assert seen[0]["generator"] > 0
    assert seen[0]["discriminator"] == 0
    assert len(seen) == (2 if term == "adversarial" else 1)
    if term == "adversarial":
        assert seen[1]["discriminator"] > 0
        assert seen[1]["generator"] == 0


def test_the_adversarial_gradient_improves_the_judgement(task, make_person):
    batch = make_person(32)
    discriminator = task.networks["discriminator"]
    picture = batch["image"].clone().requires_grad_()
    from deocclude.adversarial import generator_loss

    loss = generator_loss(discriminator(picture))
    loss.backward()
    better = picture.detach() - 0.5 * picture.grad / picture.grad.norm()
    assert generator_loss(discriminator(better)) < loss


def test_a_step_updates_both_networks_and_names_every_term(task, make_person):
    before = {name: parameter.clone() for name, parameter in task.networks.named_parameters()}
    terms = step(task, make_person(32))
    assert set(terms) == {*TERMS, "discriminator"}
    assert all(term.ndim == 0 and not term.requires_grad and term.isfinite() for term in terms.values())
    for network in ("generator", "discriminator"):
        moved = [
            n for n, p in task.networks.named_parameters() if n.startswith(network) and not p.equal(before[n])
        ]
        assert moved


def test_the_total_is_equation_7(task):
    terms = {name: torch.tensor(value) for name, value in zip(TERMS, (2.0, 3.0, 5.0, 7.0), strict=True)}
    assert task.total({**terms, "discriminator": torch.tensor(9.0)}).item() == pytest.approx(
        0.1 * 2 + 3 + 5 + 40 * 7
    )


def test_losses_join_when_their_time_comes(tiny, make_person):
    late = dataclasses.replace(ALL_FROM_THE_START, perceptual_from=0.4, adversarial_from=0.6)
    task = ContentRecoveryTask(tiny, late, features=Blurs())
    batch = make_person(32)
    assert set(step(task, batch, progress=0.0)) == {"l1"}
    assert set(step(task, batch, progress=0.5)) == {"l1", "perceptual", "style"}
    assert set(step(task, batch, progress=1.0)) == {*TERMS, "discriminator"}


def test_it_learns_one_picture(tiny, make_person):
    torch.manual_seed(0)
    settings = dataclasses.replace(
        ALL_FROM_THE_START, learning_rate=1e-2, adversarial=0.0, perceptual=0.0, style=0.0
    )
    task = ContentRecoveryTask(tiny, settings)
    batch = make_person(32)
    batch["original"] = batch["original"].mean(dim=(2, 3), keepdim=True).expand(-1, -1, 32, 32) * 0.5
    batch["image"] = torch.where(batch["invisible"] > 0, torch.ones(()), batch["original"])
    optimizers = task.optimizers()
    losses = [
        task.step(task.networks, batch, optimizers, torch.Tensor.backward, 0.0)["l1"].item()
        for _ in range(40)
    ]
    assert losses[-1] < 0.35 * losses[0]


def test_pixels_nobody_knows_count_nowhere(task, make_person):
    batch = make_person(32)
    batch["known"] = batch["known"].clone()
    batch["known"][..., 14:20, :] = 0
    unknown = (batch["known"] == 0).expand(-1, 3, -1, -1)
    other = dict(batch, original=torch.where(unknown, 1 - batch["original"], batch["original"]))
    results = []
    for given in (batch, other):
        torch.manual_seed(0)
        again = ContentRecoveryTask(
            task.config, dataclasses.replace(ALL_FROM_THE_START, adversarial=0, perceptual=0, style=0)
        )
        results.append(step(again, given)["l1"])
    assert results[0] == results[1]
    assert task.validate(task.networks, [batch]) == task.validate(task.networks, [other])


def test_validation_measures_hidden_pixels_beside_the_fills(task, make_person):
    batches = [make_person(32, seed=seed) for seed in (1, 2)]
    task.networks.train()
    numbers = task.validate(task.networks, batches)
    assert task.networks["generator"].training
    total = squared = count = 0.0
    for batch in batches:
        for index in range(2):
            photo, original = (
                (batch[name][index] * 255).round().byte().permute(1, 2, 0).numpy()
                for name in ("image", "original")
            )
            visible, hidden = (batch[name][index, 0].numpy() > 0.5 for name in ("modal", "invisible"))
            error = nearest_visible_fill(photo, visible, hidden)[hidden] / 255 - original[hidden] / 255
            total, squared, count = (
                total + np.abs(error).sum(),
                squared + (error**2).sum(),
                count + error.size,
            )
    assert numbers["l1_nearest"] == pytest.approx(total / count, rel=1e-6)
    assert numbers["psnr_nearest"] == pytest.approx(-10 * np.log10(squared / count), rel=1e-6)
    assert set(numbers) == {
        f"{kind}{method}" for kind in ("l1", "psnr") for method in ("", "_nearest", "_telea")
    }
    assert 0 < numbers["l1"] < 1


def test_the_sheet_has_a_row_a_sample(task, make_person):
    batch = make_person(32, samples=3)
    sheet = task.picture(task.networks, batch)
    assert sheet.shape == (3 * 32, 4 * 32, 3)
    assert sheet.dtype == np.uint8
    occluded, result = sheet[:32, :32], sheet[:32, 64:96]
    hidden = batch["invisible"][0, 0].numpy() > 0
    assert (occluded[~hidden] == result[~hidden]).all()
    assert (occluded[hidden] != result[hidden]).any()


class OracleOfHalves(nn.Module):
    """Stage 1 that finds the upper half visible, everything amodal, every part to be class 7."""

    config = SimpleNamespace(size=16)

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, image, initial):
        count, _, side, _ = image.shape
        assert side == 16
        modal = torch.full((count, 1, side, side), -9.0)
        modal[:, :, : side // 2] = 9
        parsing = functional.one_hot(torch.full((count, side, side), 7), 20).permute(0, 3, 1, 2).float()
        return MaskPrediction(modal * self.weight, torch.full_like(modal, 9), parsing, parsing)


def test_stage_1_labels_what_is_not_labelled(make_person):
    batch = make_person(32)
    batch["parsing_modal"][:, :4] = 255
    mine = with_predictions(OracleOfHalves(), batch, share=0.0)
    assert (mine["parsing_modal"][:, :4] == 7).all()
    assert torch.equal(mine["parsing_modal"][:, 4:], batch["parsing_modal"][:, 4:])
    assert all(
        torch.equal(mine[name], batch[name]) for name in ("modal", "amodal", "invisible", "parsing_amodal")
    )


def test_stage_1_replaces_the_masks_of_a_share_of_the_samples(make_person):
    torch.manual_seed(0)
    batch = make_person(32, samples=40)
    mine = with_predictions(OracleOfHalves(), batch, share=0.5)
    replaced = mine["amodal"].flatten(1).mean(1) == 1
    assert 8 < replaced.sum() < 32
    assert (mine["modal"][replaced][:, :, :16] == 1).all()
    assert (mine["invisible"][replaced][:, :, 16:] == 1).all()
    assert (mine["parsing_amodal"][replaced] == 7).all()
    assert torch.equal(mine["modal"][~replaced], batch["modal"][~replaced])


def test_training_on_predictions_keeps_the_true_body_and_the_frozen_network(tiny, make_person):
    oracle = OracleOfHalves()
    task = ContentRecoveryTask(
        tiny,
        dataclasses.replace(ALL_FROM_THE_START, predicted_share=1.0),
        mask_network=oracle,
        features=Blurs(),
    )
    batch = make_person(32)
    outside = (batch["amodal"] == 0).expand(-1, 3, -1, -1)
    seen = []
    task.networks["discriminator"].register_forward_hook(lambda module, args, out: seen.append(args[0]))
    step(task, batch)
    judged = seen[0]
    assert torch.equal(judged[outside], batch["original"][outside])
    assert not torch.equal(judged, batch["original"])
    assert oracle.weight.grad is None
    assert not oracle.training
    assert "mask_network" not in dict(task.networks)


def test_copying_colours_learns_faster_than_painting(tiny):
    training = dataclasses.replace(ALL_FROM_THE_START, learning_rate=1e-3, colours_rate=5.0)
    task = ContentRecoveryTask(tiny, training, features=Blurs())
    rates = {
        parameter: group["lr"]
        for group in task.optimizers()["generator"].param_groups
        for parameter in group["params"]
    }
    generator = task.networks["generator"]
    copying = set(generator.colours.parameters())
    assert set(rates) == set(generator.parameters())
    for parameter, rate in rates.items():
        assert rate == pytest.approx(5e-3 if parameter in copying else 1e-3)
