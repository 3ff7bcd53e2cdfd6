"""A batch seen once more, in the windows that a prediction of it asks for."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deocclude.crops import OUTSIDE_PHOTO, SquareWindow, box_of
from deocclude.mask_completion.network import MaskPrediction
from deocclude.mask_completion.second_look import seen_again
from deocclude.parsing import UNLABELLED

SIZE = 96


def _disc(row: float, column: float, radius: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    return ((rows - row) ** 2 + (columns - column) ** 2 < radius**2).float()


def _batch(amodal: Tensor, modal: Tensor) -> dict[str, Tensor]:
    """amodal, modal: NSS."""
    count = len(amodal)
    noise = torch.rand(count, 3, SIZE // 24, SIZE // 24, generator=torch.Generator().manual_seed(0))
    known = torch.ones(count, 1, SIZE, SIZE)
    known[..., :5] = 0
    return {
        "image": functional.interpolate(noise, SIZE, mode="bilinear"),
        "initial": modal[:, None].clone(), "modal": modal[:, None], "amodal": amodal[:, None],
        "invisible": (amodal - modal)[:, None], "known": known, "known_amodal": known,
        "parsing_amodal": (7 * amodal).long(), "parsing_modal": (7 * modal).long(),
        "in_front": torch.zeros(count, dtype=torch.bool),
    }  # fmt: skip


def _prediction(modal: Tensor, amodal: Tensor) -> MaskPrediction:
    """Of masks NSS."""
    nothing = torch.zeros(len(modal), 20, 1, 1)
    return MaskPrediction(20 * modal[:, None] - 10, 20 * amodal[:, None] - 10, nothing, nothing)


def test_the_windows_are_those_close_to_the_body_found() -> None:
    amodal = torch.stack([_disc(40, 50, 22), _disc(20, 70, 30)])
    modal = amodal * torch.stack([1 - _disc(55, 50, 15), 1 - _disc(20, 50, 12)])
    batch = _batch(amodal, modal)
    found_modal = torch.stack([_disc(38, 49, 18), _disc(22, 72, 14)])
    found_amodal = torch.stack([_disc(44, 52, 21), _disc(24, 68, 12)])
    seen = seen_again(batch, _prediction(found_modal, found_amodal))
    assert seen.keys() == batch.keys()
    for index in range(2):
        body = (found_modal[index] + found_amodal[index] > 0).numpy()
        window = SquareWindow.close_to(box_of(body))
        for name in ("initial", "modal", "amodal", "known", "known_amodal"):
            expected = window.cut_mask(batch[name][index, 0].numpy() > 0, SIZE)
            actual = seen[name][index, 0].numpy()
            assert set(np.unique(actual)) <= {0.0, 1.0}
            assert (expected != (actual > 0)).mean() < 0.02, name
        picture = batch["image"][index].permute(1, 2, 0).numpy()
        expected = window.cut(picture, SIZE)
        expected[~window.cut_mask(np.ones((SIZE, SIZE), bool), SIZE)] = OUTSIDE_PHOTO / 255
        assert np.abs(expected - seen["image"][index].permute(1, 2, 0).numpy()).mean() < 0.01
        assert np.abs(expected - picture).mean() > 0.05


def test_masks_and_labels_agree_in_the_new_window() -> None:
    amodal, modal = _disc(40, 50, 22)[None], (_disc(40, 50, 22) * (1 - _disc(55, 50, 15)))[None]
    seen = seen_again(_batch(amodal, modal), _prediction(modal, modal))
    assert torch.equal(seen["invisible"], seen["amodal"] - seen["modal"])
    assert seen["invisible"].min() == 0
    for name in ("modal", "amodal"):
        inside, labels = seen[name][:, 0] > 0, seen[f"parsing_{name}"]
        assert labels.dtype == torch.int64
        assert not labels[~inside].any()
        assert (labels[inside] == 7).float().mean() > 0.95
        assert set(labels[inside].unique().tolist()) <= {7, UNLABELLED}


def test_beyond_the_window_before_nothing_is_known() -> None:
    amodal = _disc(94, 50, 30)[None]
    seen = seen_again(_batch(amodal, amodal), _prediction(amodal, amodal))
    assert not seen["known"][..., -4:, :].any()
    assert not seen["amodal"][..., -4:, :].any()
    torch.testing.assert_close(
        seen["image"][..., -4:, :], torch.full_like(seen["image"][..., -4:, :], OUTSIDE_PHOTO / 255)
    )
    assert seen["known"][..., SIZE // 2, 20:-20].all()


def test_where_nobody_was_found_the_window_stays() -> None:
    amodal = _disc(40, 50, 22)[None]
    batch = _batch(amodal, amodal)
    seen = seen_again(batch, _prediction(torch.zeros_like(amodal), torch.zeros_like(amodal)))
    for name, values in batch.items():
        torch.testing.assert_close(seen[name], values, atol=1e-5, rtol=0)


def test_closer_looks_show_what_the_crop_is_too_small_for() -> None:
    body = torch.zeros(1, SIZE, SIZE)
    body[:, 28:68, 30:60] = 1  # 40 pixels high, so a window of SIZE / 2
    finer = torch.rand(1, 3, 2 * SIZE, 2 * SIZE, generator=torch.Generator().manual_seed(1))
    batch = {**_batch(body, body), "image": functional.avg_pool2d(finer, 2), "finer": finer}
    seen = seen_again(batch, _prediction(body, body))
    torch.testing.assert_close(seen["image"], finer[..., 48:144, 42:138], atol=1e-4, rtol=0)
