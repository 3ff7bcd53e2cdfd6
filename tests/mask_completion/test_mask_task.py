"""The losses of Eq. 3-4, where their gradients go, and a training step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.losses import (
    judged_mask,
    mask_cross_entropy,
    overlap_losses,
    parsing_cross_entropy,
    segmentation_losses,
)
from deocclude.mask_completion.network import MaskPrediction
from deocclude.mask_completion.report import MaskScores
from deocclude.mask_completion.second_look import seen_again
from deocclude.mask_completion.task import Lambdas, MaskCompletionTask, discriminator_term

TERMS = ["ce_modal", "ce_amodal", "ce_parsing_modal", "ce_parsing_amodal", "adversarial", "l1", "perceptual"]
OVERLAPS = ["iou_modal", "iou_amodal", "iou_invisible"]
TINY = {
    "paper": replace(
        MASK_PRESETS["paper"], encoder_widths=(8, 12, 16, 16, 16), first_decoder_widths=(16, 16, 12, 8),
        second_decoder_widths=(16, 16, 12, 8), branch_width=8, discriminator_width=4, perceptual_size=32,
    ),
    "lite": replace(MASK_PRESETS["lite"], discriminator_width=4),
}  # fmt: skip


def _batch(count: int = 2, size: int = 64) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = 0.2 * torch.rand(count, 3, size, size, generator=generator)
    amodal = torch.zeros(count, 1, size, size)
    for index in range(count):
        left = 8 + 6 * index
        amodal[index, :, 8:56, left : left + 20] = 1
    modal = amodal.clone()
    modal[:, :, 36:] = 0
    image += 0.6 * modal
    parsing = (5 * amodal[:, 0]).long()
    return {
        "image": image, "original": image, "initial": modal.clone(), "modal": modal, "amodal": amodal,
        "invisible": amodal - modal,
        "known": torch.ones_like(amodal), "known_amodal": torch.ones_like(amodal),
        "parsing_modal": (5 * modal[:, 0]).long(), "parsing_amodal": parsing,
        "in_front": torch.zeros(count, dtype=torch.bool),
    }  # fmt: skip


def _terms_of(task: MaskCompletionTask) -> set[str]:
    return {*TERMS, *(OVERLAPS if task.config.overlap else [])}


def _gradient(network: nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)


@pytest.fixture(scope="module", params=["paper", "lite"])
def task(request: pytest.FixtureRequest) -> MaskCompletionTask:
    torch.manual_seed(0)
    return MaskCompletionTask(TINY[request.param], pretrained=False)


@pytest.mark.parametrize("name", TERMS + OVERLAPS)
def test_each_term_alone_moves_the_generator_and_nothing_else(task: MaskCompletionTask, name: str) -> None:
    networks, batch = task.networks, _batch()
    networks.zero_grad(set_to_none=True)
    prediction = networks["generator"](batch["image"], batch["initial"])
    fake = judged_mask(prediction.amodal, batch["amodal"], batch["known"])
    terms = segmentation_losses(prediction, batch) | task.judgement_terms(networks, fake, batch)
    terms |= overlap_losses(prediction, batch)
    terms[name].backward()
    assert _gradient(networks["generator"]) > 0
    assert all(p.grad is None for p in networks["discriminator"].parameters())
    assert all(p.grad is None for p in networks["features"].parameters())


def test_the_discriminator_term_moves_the_discriminator_and_nothing_else(task: MaskCompletionTask) -> None:
    networks, batch = task.networks, _batch()
    networks.zero_grad(set_to_none=True)
    prediction = networks["generator"](batch["image"], batch["initial"])
    fake = judged_mask(prediction.amodal, batch["amodal"], batch["known"])
    discriminator_term(networks["discriminator"], batch["amodal"], fake).backward()
    assert _gradient(networks["discriminator"]) > 0
    assert all(p.grad is None for p in networks["generator"].parameters())


def test_a_step_moves_both_and_names_every_term(task: MaskCompletionTask) -> None:
    before = {name: [p.clone() for p in task.networks[name].parameters()] for name in task.networks}
    terms = task.step(task.networks, _batch(), task.optimizers(), Tensor.backward, 1.0)
    assert set(terms) == _terms_of(task) | {"discriminator"}
    assert all(term.ndim == 0 and term.isfinite() and not term.requires_grad for term in terms.values())
    for name, network in task.networks.items():
        moved = any(
            not torch.equal(old, new) for old, new in zip(before[name], network.parameters(), strict=True)
        )
        assert moved == (name != "features"), name


def test_half_of_the_batch_is_seen_again_and_a_quarter_has_no_initial_mask() -> None:
    torch.manual_seed(1)
    task, batch = MaskCompletionTask(TINY["lite"], pretrained=False), _batch(8)
    batch["in_front"][6] = True
    network = task.networks["generator"]
    network.modal_branch.mask[-1].bias.data.zero_()
    guided = {**batch, "initial": batch["initial"].clone()}
    guided["initial"][7] = 0
    network.eval()
    with torch.no_grad():
        first = network(guided["image"], guided["initial"])
    network.train()
    assert (first.modal > 0).flatten(1).any(dim=1).all()
    found = seen_again({**guided, "initial": (first.modal > 0).float()}, first)
    from_initial = seen_again(guided, first)

    looks = task.as_looked_at(network, batch)
    assert network.training
    assert looks.keys() == batch.keys()
    for index, expected in enumerate([batch, from_initial, batch, found, batch, found, batch, from_initial]):
        for name in batch:
            assert torch.equal(looks[name][index], expected[name][index]), (index, name)
    assert looks["initial"][6].any(), "of two people the mask says who is meant"
    assert not looks["initial"][7].any()
    assert batch["initial"][7].any()


def test_where_nobody_is_found_everything_stays_but_the_masks_left_out() -> None:
    task, batch = MaskCompletionTask(TINY["lite"], pretrained=False), _batch(8)
    network = task.networks["generator"]
    for branch in (network.modal_branch, network.amodal_branch):
        branch.mask[-1].bias.data.fill_(-99.0)
    looks = task.as_looked_at(network, batch)
    torch.testing.assert_close(looks["initial"][:6], batch["initial"][:6])
    assert not looks["initial"][6:].any()
    torch.testing.assert_close(looks["image"], batch["image"], atol=1e-5, rtol=0)


def test_the_paper_looks_once() -> None:
    batch = _batch(4)
    task = MaskCompletionTask(TINY["paper"], pretrained=False)
    looks = task.as_looked_at(task.networks["generator"], batch)
    assert all(torch.equal(looks[name], values) for name, values in batch.items())


def test_the_total_is_eq_4(task: MaskCompletionTask) -> None:
    terms = {name: torch.tensor(float(10**index)) for index, name in enumerate(TERMS)}
    adversarial = 1.0 if task.config.encoder == "double-conv" else 0.01
    total = 1111 + adversarial * 10_000 + 0.1 * 1_100_000
    assert task.total(terms).item() == pytest.approx(total)
    overlaps = {name: torch.tensor(1e6 * (index + 1)) for index, name in enumerate(OVERLAPS)}
    assert task.total(terms | overlaps).item() == pytest.approx(total + task.config.overlap * 6e6)


def test_the_paper_has_eq_4_alone() -> None:
    assert MASK_PRESETS["paper"].overlap == 0


def test_overlap_losses_equal_numpy() -> None:
    generator = torch.Generator().manual_seed(0)
    modal, amodal = torch.randn(2, 3, 1, 9, 9, generator=generator)
    batch = {
        name: torch.rand(3, 1, 9, 9, generator=generator).round()
        for name in ("modal", "amodal", "invisible", "known", "known_amodal")
    }
    terms = overlap_losses(MaskPrediction(modal, amodal, modal, modal), batch)
    m, a = (1 / (1 + np.exp(-logits.numpy())) for logits in (modal, amodal))
    for name, soft in (("modal", m), ("amodal", a), ("invisible", a * (1 - m))):
        truth, known = batch[name].numpy(), batch["known" if name == "modal" else "known_amodal"].numpy()
        each = []
        for p, t, k in zip(soft, truth, known, strict=True):
            shared = (p * t * k).sum()
            each.append(1 - (shared + 1) / ((p * k).sum() + (t * k).sum() - shared + 1))
        assert terms[f"iou_{name}"].item() == pytest.approx(np.mean(each), rel=1e-5)


def test_overlap_losses_vanish_for_the_truth_and_where_nobody_is() -> None:
    batch = _batch()
    batch["modal"][0], batch["amodal"][0], batch["invisible"][0] = 0, 0, 0
    sure = MaskPrediction(
        200 * batch["modal"] - 100, 200 * batch["amodal"] - 100, batch["modal"], batch["modal"]
    )
    assert all(term.item() == pytest.approx(0, abs=1e-6) for term in overlap_losses(sure, batch).values())


def test_the_judgement_joins_when_the_preset_says() -> None:
    task = MaskCompletionTask(replace(TINY["lite"], judged_from=0.5), pretrained=False)
    before = [p.clone() for p in task.networks["discriminator"].parameters()]
    early = task.step(task.networks, _batch(), task.optimizers(), Tensor.backward, 0.49)
    assert set(early) == {*TERMS[:4], *OVERLAPS}
    after = task.networks["discriminator"].parameters()
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
    late = task.step(task.networks, _batch(), task.optimizers(), Tensor.backward, 0.5)
    assert set(late) == {*TERMS, *OVERLAPS, "discriminator"}


def test_parsing_counts_the_pixels_at_the_centres_of_its_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(2, 1, 12, 12, generator=generator)
    parsing = torch.randn(2, 2, 20, 3, 3, generator=generator)
    parts = torch.randint(0, 20, (2, 12, 12), generator=generator)
    known = torch.ones(2, 1, 12, 12)
    batch = {"known": known, "known_amodal": known, "modal": masks.round(), "amodal": masks.round()}
    batch |= {"parsing_modal": parts, "parsing_amodal": parts.flip(0)}
    terms = segmentation_losses(MaskPrediction(masks, masks, *parsing), batch)
    centres = parts.numpy()[:, [2, 6, 10]][:, :, [2, 6, 10]]
    for name, logits, truth in (
        ("ce_parsing_modal", parsing[0].numpy(), centres),
        ("ce_parsing_amodal", parsing[1].numpy(), centres[::-1]),
    ):
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        expected = -np.take_along_axis(log_p, truth[:, None], 1).mean()
        assert terms[name].item() == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_one_trains() -> None:
    task = MaskCompletionTask(TINY["lite"], pretrained=False)
    terms = task.step(task.networks, _batch(1), task.optimizers(), Tensor.backward, 1.0)
    assert all(term.isfinite() for term in terms.values())


def test_terms_with_lambda_0_are_left_out() -> None:
    task = MaskCompletionTask(TINY["lite"], pretrained=False, lambdas=Lambdas(adversarial=0, generation=0))
    assert set(task.networks) == {"generator", "discriminator"}
    terms = task.step(task.networks, _batch(), task.optimizers(), Tensor.backward, 1.0)
    assert set(terms) == {*TERMS[:4], *OVERLAPS}


def test_nothing_is_learned_from_unknown_pixels() -> None:
    torch.manual_seed(0)
    target, known = (torch.rand(2, 1, 8, 8) > 0.5).float(), (torch.rand(2, 1, 8, 8) > 0.5).float()
    parts = torch.randint(0, 20, (2, 8, 8))
    mask = torch.randn(2, 1, 8, 8, requires_grad=True)
    parsing = torch.randn(2, 20, 8, 8, requires_grad=True)
    loss = mask_cross_entropy(mask, target, known) + parsing_cross_entropy(parsing, parts, known)
    loss = loss + (judged_mask(mask, target, known) - target).abs().mean()
    loss.backward()
    assert mask.grad is not None
    assert parsing.grad is not None
    assert (mask.grad[known == 0] == 0).all()
    assert (parsing.grad.abs().sum(1, keepdim=True)[known == 0] == 0).all()
    assert (mask.grad[known == 1] != 0).all()


def test_where_only_the_visible_is_known_the_amodal_mask_is_free_outside_it() -> None:
    batch = _batch()
    batch["known_amodal"] = batch["known"] * batch["amodal"]
    logits = {name: torch.randn_like(batch["modal"]).requires_grad_() for name in ("modal", "amodal")}
    parsing = torch.randn(2, 20, 16, 16)
    prediction = MaskPrediction(logits["modal"], logits["amodal"], parsing, parsing)
    terms = segmentation_losses(prediction, batch) | overlap_losses(prediction, batch)
    fake = judged_mask(prediction.amodal, batch["amodal"], batch["known_amodal"])
    (torch.stack(list(terms.values())).sum() + (fake - batch["amodal"]).abs().mean()).backward()
    assert logits["modal"].grad is not None
    assert logits["amodal"].grad is not None
    assert (logits["modal"].grad != 0).all()
    assert torch.equal(logits["amodal"].grad != 0, batch["amodal"] > 0)


def test_cross_entropies_equal_numpy() -> None:
    generator = np.random.default_rng(0)
    logits, parsing = generator.normal(size=(2, 1, 5, 7)), generator.normal(size=(2, 20, 5, 7))
    target, known = generator.random((2, 1, 5, 7)) > 0.5, generator.random((2, 1, 5, 7)) > 0.3
    parts = generator.integers(0, 20, (2, 5, 7))
    parts[generator.random(parts.shape) < 0.2] = 255
    p = 1 / (1 + np.exp(-logits))
    expected = -np.where(target, np.log(p), np.log(1 - p))[known].mean()
    ours = mask_cross_entropy(*(torch.tensor(x).float() for x in (logits, target, known)))
    assert ours.item() == pytest.approx(expected, rel=1e-5)
    log_p = parsing - np.log(np.exp(parsing).sum(1, keepdims=True))
    picked = np.take_along_axis(log_p, np.where(parts == 255, 0, parts)[:, None], 1)[:, 0]
    expected = -picked[(parts != 255) & known[:, 0]].mean()
    ours = parsing_cross_entropy(torch.tensor(parsing), torch.tensor(parts), torch.tensor(known).float())
    assert ours.item() == pytest.approx(expected, rel=1e-5)


def test_losses_without_a_pixel_are_0_with_a_graph() -> None:
    nothing = torch.zeros(1, 1, 4, 4)
    mask, parsing = torch.randn(1, 1, 4, 4, requires_grad=True), torch.randn(1, 20, 4, 4, requires_grad=True)
    loss = mask_cross_entropy(mask, nothing, nothing)
    loss = loss + parsing_cross_entropy(parsing, torch.full((1, 4, 4), 255), torch.ones(1, 1, 4, 4))
    loss.backward()
    assert loss.item() == 0
    assert mask.grad is not None
    assert parsing.grad is not None


def test_scores_equal_numpy() -> None:
    generator = np.random.default_rng(0)
    modal, amodal = (generator.random((3, 1, 9, 9)) for _ in range(2))
    amodal = np.maximum(modal, amodal)
    batch = {name: generator.random((3, 1, 9, 9)) > 0.5 for name in ("initial", "modal", "amodal", "known")}
    batch["amodal"] |= batch["modal"]
    batch["amodal"][2] = batch["modal"][2]
    batch["invisible"] = batch["amodal"] & ~batch["modal"]
    scores = MaskScores()
    for part in (slice(0, 2), slice(2, 3)):
        masks = torch.tensor(modal[part]), torch.tensor(amodal[part])
        scores.add(masks, {name: torch.tensor(x[part]).float() for name, x in batch.items()})
    ours = scores.summary()
    predicted = {"modal": modal >= 0.5, "amodal": amodal >= 0.5}
    predicted["invisible"] = predicted["amodal"] & ~predicted["modal"]
    rows = [(name, predicted[name], batch[name]) for name in ("modal", "amodal", "invisible")]
    rows += [(f"initial_{name}", batch["initial"], batch[name]) for name in ("modal", "amodal")]
    for name, a, b in rows:
        both = (a & b & batch["known"]).sum((1, 2, 3))
        either = ((a | b) & batch["known"]).sum((1, 2, 3))
        assert ours[f"{name}_micro"] == pytest.approx(both.sum() / either.sum())
        assert ours[f"{name}_mean"] == pytest.approx((both / either).mean())


def test_the_sheet_has_a_row_a_sample(task: MaskCompletionTask) -> None:
    task.networks.eval()
    picture = task.picture(task.networks, _batch())
    task.networks.train()
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * 64, 7 * 64, 3)


def test_it_learns_four_people_by_heart() -> None:
    torch.manual_seed(0)
    config = replace(TINY["paper"], optimizer="adamw", learning_rate=1e-2)
    task = MaskCompletionTask(config, pretrained=False, lambdas=Lambdas(adversarial=0, generation=0))
    batch, optimizers = _batch(4), task.optimizers()
    batch = {name: x[..., ::2, ::2] if x.ndim > 1 else x for name, x in batch.items()}
    for _ in range(50):
        task.step(task.networks, batch, optimizers, Tensor.backward, 0.0)
    scores = task.validate(task.networks, [batch])
    assert scores["amodal_micro"] > 0.75 > scores["initial_amodal_micro"]
    assert scores["invisible_micro"] > 0.5
