import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from deocclude.ahp import layout
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.ahp.synthesis import SynthesisSettings
from deocclude.cli import app
from deocclude.content_recovery.config import CONTENT_PRESETS
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.errors import DeoccludeError
from deocclude.mask_completion.network import MaskCompletionNetwork
from deocclude.training.start import start_from
from deocclude.weights import store

SIDE = 48


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small data set in AHP's layout: upright boxes of many sizes, and one occluder; no composites."""
    root = tmp_path_factory.mktemp("ahp")
    rng = np.random.default_rng(0)
    names = [f"toy-{index:03d}" for index in range(64)]
    for name in names:
        amodal = np.zeros((SIDE, SIDE), dtype=bool)
        top, left = rng.integers(2, 12, 2)
        amodal[top : top + rng.integers(24, 34), left : left + rng.integers(8, 20)] = True
        photo = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        parsing = np.where(amodal, 5, 0).astype(np.uint8)
        layout.write_person(root, WholePerson(name, "toy", photo, amodal, parsing, np.zeros_like(amodal)))
    layout.write_ids(root, "train", names)
    patch = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    layout.write_occluder(root, "train", Occluder("toy-box-1", "box", patch, np.ones((24, 24), dtype=bool)))
    return root


def deocclude(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def train(stage, data, out, size, *more):
    return deocclude(
        "train", stage, "--data", data, "--out", out, "--size", size, "--batch", 2, "--workers", 0, "--cpu",
        "--threads", 1, *more,
    )  # fmt: skip


def losses(out):
    lines = (out / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["losses"] for line in lines]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run of stage 1, and its weights."""
    out = tmp_path_factory.mktemp("masks")
    told = train("masks", data, out, 64, "--steps", 5)
    assert told.exit_code == 0
    assert "training without validation" in told.output
    weights = out / "weights" / "masks.safetensors"
    assert "step 5" in deocclude("train", "export", out, "--out", weights).output
    return out, weights


def test_masks_train_and_export(trained):
    out, weights = trained
    assert {"ce_amodal", "adversarial", "perceptual"} <= set(losses(out)[0])
    network = store.load("masks", weights.parent)
    assert network.config.size == 64
    assert network.templates.templates.std() > 0


def test_other_options_do_not_resume(trained, data):
    with pytest.raises(DeoccludeError, match=r"steps 5, now 6.*into another folder"):
        train("masks", data, trained[0], 64, "--steps", 6)
    with pytest.raises(DeoccludeError, match=r"recipe\.network\.learning_rate 0\.006, now 0\.1"):
        train("masks", data, trained[0], 64, "--steps", 5, "--lr", 0.1)
    with pytest.raises(DeoccludeError, match="holds a run already"):
        train("masks", data, trained[0], 64, "--steps", 5, "--no-resume")


def test_masks_train_on_packed_windows(data, trained, tmp_path):
    told = deocclude(
        "ahp", "pack", data, "--out", tmp_path / "pack", "--count", 4, "--size", 64, "--detected", 0
    )
    assert "4 of 4 windows made" in told.output
    made = json.loads((tmp_path / "pack" / "pack.json").read_text())
    assert made["person_share"] == SynthesisSettings().person_share
    deocclude(
        "ahp", "pack", data, "--out", tmp_path / "bare", "--count", 2, "--size", 64, "--detected", 0,
        "--unoccluded-share", 1, "--person-share", 0.6,
    )  # fmt: skip
    assert json.loads((tmp_path / "bare" / "pack.json").read_text())["person_share"] == 0.6
    packs = ("--packed", tmp_path / "pack", "--packed", tmp_path / "bare")
    mean = tmp_path / "mean" / "masks.safetensors"
    weights = trained[1]
    told = deocclude(
        "train", "mean", weights, weights, "--packed", tmp_path / "pack", "--windows", 16, "--out", mean
    )
    assert "the mean of 2" in told.output
    same, other = (store.load("masks", path.parent).state_dict() for path in (weights, mean))
    assert all(
        torch.allclose(value, other[name], atol=1e-3)
        for name, value in same.items()
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    )
    train("masks", data, tmp_path / "run", 64, "--steps", 1, *packs)
    with pytest.raises(DeoccludeError, match=r"recipe\.composites.*packs"):
        train("masks", data, tmp_path / "run", 64, "--steps", 1, *packs[:2])
    assert "ce_modal" in losses(tmp_path / "run")[0]
    with pytest.raises(DeoccludeError, match=r"--stage masks --size 96"):
        train("masks", data, tmp_path / "other", 96, "--steps", 1, "--packed", tmp_path / "pack")


def test_training_starts_from_exported_weights(trained, data, tmp_path):
    train("masks", data, tmp_path / "on", 64, "--steps", 1, "--init", trained[1])
    deocclude("train", "export", tmp_path / "on", "--out", tmp_path / "masks.safetensors")
    before = store.load("masks", trained[1].parent).templates.templates
    after = store.load("masks", tmp_path).templates.templates
    assert (before - after).abs().max() == 0
    with pytest.raises(DeoccludeError, match="weights of another preset"):
        train("masks", data, tmp_path / "paper", 64, "--preset", "paper", "--steps", 1, "--init", trained[1])


@pytest.mark.parametrize(
    ("lacking", "part"),
    [
        ({"first_context": 0, "second_context": 0}, "hourglass.context."),
        ({"refinements": ()}, "hourglass.refinements."),
    ],
)
def test_weights_from_before_a_part_was_added_grow_it(trained, data, tmp_path, lacking, part):
    network = store.load_file("masks", trained[1])
    small = replace(network.config, **lacking)
    before = MaskCompletionNetwork(small)
    before.load_state_dict({name: value for name, value in network.state_dict().items() if part not in name})
    store.save(before, small, tmp_path / "small.safetensors")
    grown = MaskCompletionNetwork(network.config).eval()
    start_from(tmp_path / "small.safetensors", "masks", grown)
    crop, mask = torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    loaded = store.load_file("masks", tmp_path / "small.safetensors")
    with torch.no_grad():
        for ours, theirs in zip(grown(crop, mask), loaded(crop, mask), strict=True):
            assert torch.equal(ours, theirs)


def test_content_weights_from_before_colours_were_copied_grow_them(tmp_path):
    config = replace(CONTENT_PRESETS["lite"], size=128, widths=(4, 6, 8, 8, 8, 8, 8))
    before = ContentRecoveryNetwork(replace(config, colour_attention=0))
    store.save(before, before.config, tmp_path / "content.safetensors")
    grown = ContentRecoveryNetwork(config)
    start_from(tmp_path / "content.safetensors", "content", grown)
    for name, value in before.half().float().state_dict().items():
        assert torch.equal(grown.state_dict()[name], value)


def test_content_trains_on_the_masks_of_stage_1(trained, data, tmp_path):
    out = tmp_path / "run"
    train("content", data, out, 128, "--steps", 1, "--masks", trained[1])
    assert "l1" in losses(out)[0]
    deocclude("train", "export", out, "--out", tmp_path / "content.safetensors", "--last")
    assert store.load("content", tmp_path).config.size == 128
    with pytest.raises(DeoccludeError, match=r"recipe\.masks .* now None"):
        train("content", data, out, 128, "--steps", 1)


def test_content_trains_without_attention(data, tmp_path):
    train("content", data, tmp_path, 128, "--steps", 1, "--no-attention")
    deocclude("train", "export", tmp_path, "--out", tmp_path / "content.safetensors", "--last")
    network = store.load("content", tmp_path)
    assert network.config.encoder_attention == network.config.decoder_attention == ()
    assert network.config.colour_attention == 0
    assert not any("attention" in name or "colours" in name for name in network.state_dict())
    with pytest.raises(DeoccludeError, match=r"recipe\.network\.encoder_attention"):
        train("content", data, tmp_path, 128, "--steps", 1)


def test_nothing_to_export_or_train_on(tmp_path):
    with pytest.raises(DeoccludeError, match="no checkpoints here"):
        deocclude("train", "export", tmp_path, "--out", tmp_path / "masks.safetensors")
    with pytest.raises(DeoccludeError, match="deocclude ahp build"):
        train("masks", tmp_path, tmp_path / "run", 64)
    assert not list(tmp_path.iterdir())
