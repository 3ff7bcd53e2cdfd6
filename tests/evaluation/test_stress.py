import typing
from dataclasses import replace

import numpy as np
import pytest

from deocclude.cli import evaluate
from deocclude.evaluation.stress import SMALL_HEIGHT, STRESSES, fits
from deocclude.overlap import iou
from deocclude.parsing import UNLABELLED


def test_the_command_line_offers_every_stress():
    option = typing.get_type_hints(evaluate.evaluate)["stress"]
    assert set(typing.get_args(typing.get_args(option)[0])) == set(STRESSES)


def test_the_person_in_front_is_where_the_photos_differ(make_sample):
    sample = make_sample(height=121, width=97, bottom=110, hidden_from=60)
    asked = STRESSES["in-front"](sample)
    assert asked.occluded is sample.occluded
    assert asked.original is sample.occluded
    assert asked.ratio == 0
    assert not asked.invisible.any()
    changed = (sample.occluded != sample.original).any(axis=2) | sample.invisible
    assert iou(asked.modal, changed) > 0.95
    assert (asked.parsing_amodal[asked.amodal] == UNLABELLED).all()


def test_only_people_can_be_asked_for():
    assert fits("in-front", "person")
    assert not fits("in-front", "vase")
    assert fits("grey", "vase")
    assert fits(None, "vase")


@pytest.mark.parametrize("name", ["grey", "dark", "blur", "jpeg20"])
def test_photos_change_alike_and_the_truth_stays(make_sample, name):
    sample = make_sample()
    stressed = STRESSES[name](sample)
    for mask in ("modal", "amodal", "invisible", "unknown", "parsing_modal", "parsing_amodal"):
        assert getattr(stressed, mask) is getattr(sample, mask)
    for photo in ("occluded", "original"):
        before, after = getattr(sample, photo), getattr(stressed, photo)
        assert (after.shape, after.dtype) == (before.shape, np.uint8)
        assert (after != before).any()
    alone = STRESSES[name](replace(sample, occluded=sample.original))
    np.testing.assert_array_equal(alone.occluded, stressed.original)
    np.testing.assert_array_equal(STRESSES[name](sample).occluded, stressed.occluded)


def test_grey_and_dark_by_their_formulas(make_sample):
    sample = make_sample()
    photo = sample.occluded.astype(float)
    grey = STRESSES["grey"](sample).occluded
    np.testing.assert_allclose(grey[..., 0], photo @ [0.299, 0.587, 0.114], atol=1)
    assert (grey[..., :1] == grey).all()
    dark = STRESSES["dark"](sample).occluded
    np.testing.assert_allclose(dark, 255 * 0.5 * (photo / 255) ** 1.5, atol=0.51)


def test_blur_takes_fine_detail_in_proportion_to_the_person(make_sample):
    roughness = []
    for height, width, bottom in ((61, 47, 55), (361, 61, 355)):
        sample = make_sample(height=height, width=width, bottom=bottom)
        blurred = STRESSES["blur"](sample).original.astype(float)
        roughness.append(np.abs(np.diff(blurred, axis=0)).mean())
    sharp = np.abs(np.diff(sample.original.astype(float), axis=0)).mean()
    assert roughness[1] < 0.2 * sharp < roughness[0]


def test_jpeg20_is_coarse_but_no_blur(make_sample):
    sample = make_sample()
    error = np.abs(STRESSES["jpeg20"](sample).original.astype(int) - sample.original).mean()
    assert 10 < error < 80


def test_small_people_are_90_pixels_tall_with_their_truth(make_sample):
    sample = make_sample(height=365, width=101, bottom=275, hidden_from=140)
    small = STRESSES["small"](sample)
    rows = np.flatnonzero(small.amodal.any(axis=1))
    assert abs(rows[-1] - rows[0] + 1 - SMALL_HEIGHT) <= 1
    assert small.occluded.shape[:2] == small.amodal.shape == (round(365 / 3), round(101 / 3))
    assert small.ratio == pytest.approx(sample.ratio, abs=0.02)
    assert (small.invisible == (small.amodal & ~small.modal)).all()
    assert set(np.unique(small.parsing_amodal[small.amodal])) <= {5, UNLABELLED}
    assert (small.parsing_amodal[~small.amodal] == 0).all()
    np.testing.assert_allclose(
        small.original.astype(float).mean(axis=(0, 1)), sample.original.mean(axis=(0, 1)), atol=2
    )


def test_small_enlarges_nobody(make_sample):
    sample = make_sample()
    assert STRESSES["small"](sample) is sample
