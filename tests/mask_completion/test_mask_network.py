"""Shapes, sizes and gradients of the mask completion network."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from deocclude.errors import DeoccludeError
from deocclude.mask_completion.config import MASK_PRESETS, MaskCompletionConfig
from deocclude.mask_completion.hourglass import may_be_missing
from deocclude.mask_completion.network import (
    MaskCompletionNetwork,
    MaskPrediction,
    complete,
    mirror,
)
from deocclude.parsing import mirror as mirror_map


def _trainable(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_paper_has_27_million_parameters() -> None:
    network = MaskCompletionNetwork(MASK_PRESETS["paper"])
    assert _trainable(network) == pytest.approx(27.0e6, rel=0.02)
    assert _trainable(network.modal_hourglass) == pytest.approx(13.39e6, rel=0.01)


def test_lite_fits_in_22_megabytes_of_half_precision() -> None:
    network = MaskCompletionNetwork(MASK_PRESETS["lite"])
    assert 10e6 <= _trainable(network) <= 11e6
    assert sum(tensor.numel() for tensor in network.state_dict().values()) <= 11e6


def test_what_older_weights_may_lack_are_refinements_and_context_alone() -> None:
    config = MASK_PRESETS["lite"]
    plain = replace(config, refinements=(), first_context=0, second_context=0)
    names, older = (MaskCompletionNetwork(one).state_dict().keys() for one in (config, plain))
    assert {name for name in names if may_be_missing(name)} == names - older


@pytest.mark.parametrize("preset", MASK_PRESETS)
@pytest.mark.parametrize(("batch", "size"), [(2, 64), (1, 96)])
def test_forward_and_backward(preset: str, batch: int, size: int) -> None:
    network = MaskCompletionNetwork(MASK_PRESETS[preset])
    prediction = network(torch.rand(batch, 3, size, size), torch.rand(batch, 1, size, size))
    parts = size // MASK_PRESETS[preset].feature_stride
    for logits, channels, side in zip(prediction, (1, 1, 20, 20), (size, size, parts, parts), strict=True):
        assert logits.shape == (batch, channels, side, side)
        assert logits.isfinite().all()
    torch.stack([logits.square().mean() for logits in prediction]).sum().backward()
    silent = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert silent == []


@pytest.mark.parametrize("preset", MASK_PRESETS)
def test_the_amodal_loss_reaches_the_modal_prediction(preset: str) -> None:
    network = MaskCompletionNetwork(MASK_PRESETS[preset])
    network(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)).amodal.square().mean().backward()
    last = network.modal_branch.mask[-1].weight.grad
    assert last is not None
    assert last.abs().sum() > 0
    assert all(p.grad is not None for p in network.modal_hourglass.parameters() if p.requires_grad)


def test_lite_corrects_each_pixel_by_what_it_sees_there() -> None:
    """A change of one crop pixel, within the same feature, may change the mask at that pixel alone."""
    torch.manual_seed(0)
    branch = MaskCompletionNetwork(MASK_PRESETS["lite"]).eval().modal_branch
    feature, detail = torch.rand(1, 64, 8, 8), torch.rand(1, 4, 32, 32)
    with torch.no_grad():
        plain, _ = branch(feature, detail)
        coarse = torch.nn.functional.interpolate(
            branch.mask(torch.cat([feature, feature + branch.residual(feature)], dim=1)),
            size=(32, 32), mode="bilinear",
        )  # fmt: skip
        torch.testing.assert_close(plain, coarse)
        branch.correction.last.weight.normal_()
        before, _ = branch(feature, detail)
        detail[0, 0, 13, 17] += 1.0
        after, _ = branch(feature, detail)
    changed = (before != after)[0, 0]
    assert changed[13, 17]
    changed[8:20, 12:22] = False
    assert not changed.any()


def test_templates_move_the_amodal_mask_only() -> None:
    torch.manual_seed(0)
    network = MaskCompletionNetwork(MASK_PRESETS["lite"]).eval()
    inputs = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        before = network(*inputs)
        network.set_templates(np.random.default_rng(0).random((64, 32, 32)).astype(np.float32))
        after = network(*inputs)
    assert not torch.equal(before.amodal, after.amodal)
    torch.testing.assert_close(before.modal, after.modal)
    torch.testing.assert_close(before.parsing_amodal, after.parsing_amodal)


def test_bfloat16_is_close_to_float32() -> None:
    torch.manual_seed(0)
    network = MaskCompletionNetwork(MASK_PRESETS["lite"])
    inputs = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    network(*inputs)
    network.eval()
    with torch.no_grad():
        exact = complete(network(*inputs))
        with torch.autocast("cpu", torch.bfloat16):
            rough = complete(network(*inputs))
    assert rough.amodal.dtype == torch.float32
    assert (exact.amodal - rough.amodal).abs().max() < 0.05


def test_completed_masks_follow_the_rule_at_test_time() -> None:
    torch.manual_seed(1)
    raw = MaskPrediction(*(3 * torch.randn(2, c, 8, 8) for c in (1, 1, 20, 20)))
    done = complete(raw)
    assert (done.amodal >= done.modal).all()
    modal = 1 / (1 + np.exp(-raw.modal.numpy()))
    amodal = np.maximum(modal, 1 / (1 + np.exp(-raw.amodal.numpy())))
    np.testing.assert_allclose(done.amodal.numpy(), amodal, rtol=1e-5)
    for parsing, logits, mask in (
        (done.parsing_modal, raw.parsing_modal, modal),
        (done.parsing_amodal, raw.parsing_amodal, amodal),
    ):
        expected = np.where(mask[:, 0] >= 0.5, logits.numpy()[:, 1:].argmax(1) + 1, 0)
        assert parsing.dtype == torch.int64
        np.testing.assert_array_equal(parsing.numpy(), expected)


@pytest.mark.parametrize("shape", [(1, 3, 64, 96), (1, 3, 50, 50)])
def test_wrong_sizes_are_refused(shape: tuple[int, ...]) -> None:
    network = MaskCompletionNetwork(MASK_PRESETS["lite"])
    with pytest.raises(ValueError, match="multiple of 32"):
        network(torch.rand(shape), torch.rand(1, 1, *shape[2:]))


@pytest.mark.parametrize("preset", MASK_PRESETS)
def test_a_config_survives_json(preset: str) -> None:
    config = MASK_PRESETS[preset]
    assert MaskCompletionConfig(**json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    "wrong", [{"encoder": "resnet"}, {"encoder_depths": (1,)}, {"second_decoder_widths": (1,)}]
)
def test_wrong_configs_are_refused(wrong: dict) -> None:
    with pytest.raises(DeoccludeError):
        replace(MASK_PRESETS["lite"], **wrong)


def test_templates_of_another_shape_are_refused() -> None:
    with pytest.raises(DeoccludeError, match="64x32x32"):
        MaskCompletionNetwork(MASK_PRESETS["lite"]).set_templates(np.zeros((3, 32, 32), np.float32))


def test_parsing_is_enlarged_to_the_masks_size() -> None:
    raw = MaskPrediction(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8), *torch.zeros(2, 1, 20, 2, 2))
    raw.parsing_modal[0, 3, :, 0] = raw.parsing_modal[0, 7, :, 1] = 5.0
    done = complete(raw)
    assert done.parsing_modal.shape == (1, 8, 8)
    assert (done.parsing_modal[0, :, :4] == 3).all()
    assert (done.parsing_modal[0, :, 4:] == 7).all()


def test_mirrored_logits_give_mirrored_maps() -> None:
    generator = torch.Generator().manual_seed(5)
    channels, sides = (1, 1, 20, 20), (12, 12, 6, 6)
    prediction = MaskPrediction(
        *(
            torch.randn(2, many, side, side, generator=generator)
            for many, side in zip(channels, sides, strict=True)
        )
    )
    plain, flipped = complete(prediction), complete(mirror(prediction))
    for name in ("modal", "amodal"):
        assert torch.equal(getattr(flipped, name), getattr(plain, name).flip(-1))
    for ours, theirs in zip(flipped.parsing_amodal, plain.parsing_amodal, strict=True):
        np.testing.assert_array_equal(ours.numpy(), mirror_map(theirs.numpy().astype(np.uint8)))
    assert all(map(torch.equal, mirror(mirror(prediction)), prediction))
