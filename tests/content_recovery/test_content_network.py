"""The network of both presets: size, shapes, what it sees and what it must not see."""

import dataclasses
import json

import pytest
import torch

from deocclude.content_recovery.config import CONTENT_PRESETS, ContentRecoveryConfig
from deocclude.content_recovery.network import ContentRecoveryNetwork, composite, hidden_part

INPUTS = ("image", "modal", "amodal", "parsing_modal", "parsing_amodal")


def run(network, batch):
    return network(*(batch[name] for name in INPUTS))


def trainable(network, without=""):
    return sum(p.numel() for name, p in network.named_parameters() if not without or without not in name)


def test_the_paper_preset_has_25_8_million_parameters_without_attention():
    with torch.device("meta"):
        network = ContentRecoveryNetwork(CONTENT_PRESETS["paper"])
        plain = ContentRecoveryNetwork(
            dataclasses.replace(CONTENT_PRESETS["paper"], encoder_attention=(), decoder_attention=())
        )
    assert trainable(plain) == trainable(network, without="attention")
    assert trainable(plain) == pytest.approx(25.8e6, rel=0.02)


def test_the_lite_preset_fits_ten_megabytes_in_half_precision():
    with torch.device("meta"):
        network = ContentRecoveryNetwork(CONTENT_PRESETS["lite"])
    assert 2e6 < trainable(network) < 5e6


@pytest.mark.parametrize("preset", ["paper", "lite"])
def test_presets_run_forward_and_backward(preset, make_person):
    network = ContentRecoveryNetwork(CONTENT_PRESETS[preset])
    batch = make_person(128)
    out = run(network, batch)
    assert out.shape == (2, 3, 128, 128)
    assert out.dtype == torch.float32
    assert 0 <= out.min() <= out.max() <= 1
    (out - batch["original"]).abs().mean().backward()
    untouched = [
        name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()
    ]
    assert untouched == []


def test_every_part_of_the_network_gets_gradient(tiny, make_person):
    network = ContentRecoveryNetwork(tiny)
    torch.nn.init.normal_(network.colours.psi.weight)
    batch = make_person(32)
    (run(network, batch) - batch["original"]).square().mean().backward()
    # a bias in front of a batch normalisation, or a shift that the softmax ignores, moves nothing
    dead = [name for name, p in network.named_parameters() if p.grad.abs().max() == 0 and "bias" not in name]
    assert dead == []


def test_the_occluders_pixels_inside_the_hole_are_not_seen(tiny, make_person):
    network = ContentRecoveryNetwork(tiny).eval()
    batch = make_person(32)
    other = dict(batch, image=torch.where(batch["invisible"] > 0, 1 - batch["image"], batch["image"]))
    torch.testing.assert_close(run(network, batch), run(network, other), rtol=0, atol=0)


@pytest.mark.parametrize("changed", ["modal", "amodal", "parsing_modal", "parsing_amodal"])
def test_every_input_matters(tiny, make_person, changed):
    network = ContentRecoveryNetwork(tiny).eval()
    batch = make_person(32)
    other = dict(batch)
    if "parsing" in changed:
        other[changed] = (batch[changed] % 19 + 1) * (batch[changed] > 0)
    else:
        other[changed] = batch[changed].clone()
        other[changed][..., 8:12, 10:14] = 0
    assert (run(network, batch) - run(network, other)).abs().max() > 1e-6


def test_unlabelled_body_parts_count_as_no_part(tiny, make_person):
    network = ContentRecoveryNetwork(tiny).eval()
    batch = make_person(32)
    unlabelled = dict(batch, parsing_modal=torch.full((2, 32, 32), 255))
    none = dict(batch, parsing_modal=torch.zeros(2, 32, 32, dtype=torch.long))
    torch.testing.assert_close(run(network, unlabelled), run(network, none), rtol=0, atol=0)


def test_the_background_is_dimmed_and_the_person_is_not(tiny, make_person):
    batch = make_person(32)
    seen = []
    for background in (0.0, 0.3):
        torch.manual_seed(0)
        network = ContentRecoveryNetwork(dataclasses.replace(tiny, background=background))
        network.encoder[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        run(network, batch)
    visible = batch["image"] * batch["modal"]
    torch.testing.assert_close(seen[0].features[:, :3], visible)
    torch.testing.assert_close(
        seen[1].features[:, :3], visible + 0.3 * batch["image"] * (1 - batch["amodal"])
    )
    torch.testing.assert_close(seen[1].mask, 1 - batch["invisible"])


@pytest.mark.parametrize("case", ["nothing hidden", "everything hidden", "nobody"])
def test_degenerate_masks_stay_finite(tiny, make_person, case):
    network = ContentRecoveryNetwork(tiny)
    batch = make_person(32)
    if case == "nothing hidden":
        batch["modal"] = batch["amodal"]
    elif case == "everything hidden":
        batch["modal"] = torch.zeros_like(batch["amodal"])
    else:
        batch["modal"] = batch["amodal"] = torch.zeros_like(batch["amodal"])
    out = run(network, batch)
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_other_multiples_of_the_stride_work_and_other_sizes_do_not(tiny, make_person):
    network = ContentRecoveryNetwork(tiny).eval()
    batch = {name: tensor[..., :24] for name, tensor in make_person(40).items()}
    assert run(network, batch).shape == (2, 3, 40, 24)
    with pytest.raises(ValueError, match="multiples of 8"):
        run(network, make_person(36))


def test_bfloat16_autocast_is_close_and_returns_float32(tiny, make_person):
    network = ContentRecoveryNetwork(tiny).eval()
    batch = make_person(32)
    with torch.autocast("cpu", torch.bfloat16):
        out = run(network, batch)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, run(network, batch), atol=0.03, rtol=0)


def test_the_composite_changes_no_pixel_outside_the_hidden_part(make_person):
    batch = make_person(32)
    result = composite(torch.rand(2, 3, 32, 32), batch["image"], batch["invisible"])
    outside = (batch["invisible"] == 0).expand_as(result)
    assert torch.equal(result[outside], batch["image"][outside])
    assert not torch.equal(result, batch["image"])
    assert torch.equal(hidden_part(batch["modal"], batch["amodal"]), batch["invisible"])


def test_a_config_survives_json():
    config = CONTENT_PRESETS["lite"]
    assert ContentRecoveryConfig(**json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    "wrong",
    [{"widths": (8, 8)}, {"widths": (), "kernels": ()}, {"size": 200}, {"encoder_attention": (3,)},
     {"decoder_attention": (128,)}],
)  # fmt: skip
def test_a_config_that_builds_no_network_is_refused(wrong):
    with pytest.raises(ValueError, match=r"level|multiple"):
        ContentRecoveryConfig(**wrong)
