from dataclasses import fields

import numpy as np
import pytest

from deocclude.ahp.density import TRAINING, VALIDATION, RatioDensity, in_bin
from deocclude.ahp.framing import cut_by_frame
from deocclude.ahp.sample import Occluder, OcclusionSample
from deocclude.ahp.synthesis import (
    NotInBin,
    SynthesisSettings,
    draw_occluder,
    draw_sample,
    occlude,
)

HARD = SynthesisSettings(hard=True)


def assert_equal(first: OcclusionSample, second: OcclusionSample) -> None:
    for field in fields(OcclusionSample):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


def test_densities_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    for density, share in ((TRAINING, 1 / 3), (VALIDATION, 1 / 4)):
        drawn = [density.draw(rng) for _ in range(3000)]
        for ratio_bin in density.bins:
            assert drawn.count(ratio_bin) / 3000 == pytest.approx(share, abs=0.04)
    assert (0.4, 0.5) in VALIDATION.bins
    assert (0.4, 0.5) not in TRAINING.bins
    assert TRAINING.bin_of(0.25) is None


def test_bins_are_open_below_and_closed_above():
    assert VALIDATION.bin_of(0.1) == (0.0, 0.1)
    assert VALIDATION.bin_of(0.0) is None
    assert not in_bin(0.3, (0.3, 0.4))


@pytest.mark.parametrize("bins", [(), ((0.4, 0.2),), ((0.5, 1.2),)])
def test_a_malformed_density_is_refused(bins):
    with pytest.raises(ValueError, match="bin"):
        RatioDensity("bad", bins)


@pytest.mark.parametrize("settings", [SynthesisSettings(), HARD], ids=["feathered", "hard"])
def test_the_ratio_recounted_lies_in_its_bin(figures, objects, settings):
    made = 0
    for number in range(40):
        person, occluder = figures[number % 8], objects[number % 5]
        ratio_bin = VALIDATION.bins[number % 4]
        try:
            sample = occlude(person, occluder, ratio_bin, np.random.default_rng(number), settings)
        except NotInBin:
            continue
        made += 1
        hidden = np.logical_and(person.amodal, np.logical_not(sample.modal))
        ratio = hidden.sum() / person.amodal.sum()
        assert ratio_bin[0] < ratio <= ratio_bin[1]
        assert ratio == pytest.approx(sample.ratio, abs=1e-12)
        assert np.array_equal(hidden, sample.invisible)
        assert np.array_equal(sample.parsing_modal, np.where(sample.modal, person.parsing, 0))
    assert made >= 36


def test_an_impossible_bin_is_never_answered(figures, objects):
    tiny = SynthesisSettings(sizes=(0.02, 0.03))
    with pytest.raises(NotInBin):
        occlude(figures[0], objects[0], (0.4, 0.5), np.random.default_rng(0), tiny)


def test_an_impossible_density_is_never_answered(figures, objects):
    tiny = SynthesisSettings(sizes=(0.02, 0.03), person_share=0)
    with pytest.raises(NotInBin, match="sample 5 of seed 3"):
        draw_sample(figures, objects, RatioDensity("half", ((0.4, 0.5),)), 3, 5, tiny)


def test_a_hard_paste_changes_the_photo_only_under_the_occluder(figures):
    white = Occluder("coco-box-1", "box", np.full((40, 50, 3), 255, np.uint8), np.ones((40, 50), bool))
    sample = occlude(figures[2], white, (0.1, 0.2), np.random.default_rng(4), HARD)
    assert (sample.occluded[sample.invisible] == 255).all()
    assert np.array_equal(sample.occluded[sample.modal], sample.original[sample.modal])


def test_a_feathered_paste_is_the_occluder_inside_and_the_photo_outside(figures):
    white = Occluder("coco-box-1", "box", np.full((40, 50, 3), 255, np.uint8), np.ones((40, 50), bool))
    hard = occlude(figures[2], white, (0.1, 0.2), np.random.default_rng(4), HARD)
    soft = occlude(figures[2], white, (0.1, 0.2), np.random.default_rng(4))
    assert np.array_equal(hard.modal, soft.modal)
    covered = (hard.occluded != hard.original).any(axis=2)
    changed = (soft.occluded != soft.original).any(axis=2)
    rows, columns = np.nonzero(covered)
    near = np.zeros_like(covered)
    near[max(0, rows.min() - 6) : rows.max() + 7, max(0, columns.min() - 6) : columns.max() + 7] = True
    assert not changed[~near].any()
    assert changed[near & soft.modal].any(), "no feather at all"


def test_a_sample_depends_on_seed_and_index_alone(figures, objects):
    first = [draw_sample(figures, objects, TRAINING, 3, i, change=cut_by_frame)[0] for i in range(6)]
    again = [
        draw_sample(figures, objects, TRAINING, 3, i, change=cut_by_frame)[0] for i in reversed(range(6))
    ]
    for one, other in zip(first, reversed(again), strict=True):
        assert_equal(one, other)
    other_seed = draw_sample(figures, objects, TRAINING, 4, 0, change=cut_by_frame)[0]
    assert not np.array_equal(first[0].occluded, other_seed.occluded)


def test_nobody_hides_behind_themselves(figures, objects):
    rng = np.random.default_rng(0)
    settings = SynthesisSettings(person_share=1.0)
    drawn = {draw_occluder(figures, 3, objects, rng, settings).id for _ in range(200)}
    assert drawn == {f"person-{person.id}" for i, person in enumerate(figures) if i != 3}


def test_a_frame_cut_is_a_part_of_the_photo_with_enough_of_the_person(figures):
    cut = 0
    for number in range(30):
        person = figures[number % 8]
        part = cut_by_frame(person, np.random.default_rng(number))
        if part is person:
            continue
        cut += 1
        assert 0.3 * person.amodal.sum() <= part.amodal.sum() < person.amodal.sum()
        height, width = part.amodal.shape
        views = np.lib.stride_tricks.sliding_window_view(person.photo, (height, width, 3))[:, :, 0]
        rows, columns = np.nonzero((views[:, :, 0, 0] == part.photo[0, 0]).all(axis=2))
        assert any(np.array_equal(views[r, c], part.photo) for r, c in zip(rows, columns, strict=True))
        assert np.array_equal(part.parsing > 0, part.amodal)
    assert cut >= 25
