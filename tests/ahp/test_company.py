from dataclasses import replace

import cv2
import numpy as np
import pytest

from deocclude.ahp.batches import BatchSettings, CompositeDataset
from deocclude.ahp.company import in_front_of
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.synthesis import SynthesisSettings
from deocclude.people.person import DetectedPerson


def test_the_one_in_front_is_pasted_whole_over_part_of_the_other(figures):
    moved = 0
    for number in range(24):
        person, other = figures[number % 8], figures[(number + 3) % 8]
        placed = in_front_of(person, other, np.random.default_rng(number))
        if placed is person:
            continue
        moved += 1
        assert placed.in_front
        assert placed.photo.shape == other.photo.shape
        assert (placed.id, placed.source) == (person.id, person.source)
        assert np.array_equal(placed.parsing > 0, placed.amodal)
        assert 0 < (other.amodal & placed.amodal).sum() / other.amodal.sum() <= 0.5
        away = cv2.dilate(placed.amodal.astype(np.uint8), np.ones((13, 13))) == 0
        assert np.array_equal(placed.photo[away], other.photo[away])
        assert (placed.photo[placed.amodal] != other.photo[placed.amodal]).any(axis=1).mean() > 0.9
    assert moved >= 20


def test_body_parts_and_unknown_pixels_come_along(figures):
    person = replace(figures[0], unknown=figures[0].parsing == 13)
    placed = in_front_of(person, figures[2], np.random.default_rng(1))
    assert placed is not person
    shares = [[np.mean(one.parsing[one.amodal] == part) for part in range(20)] for one in (person, placed)]
    assert np.allclose(*shares, atol=0.06)
    agree = (placed.unknown == (placed.parsing == 13))[placed.amodal]
    assert agree.mean() > 0.97
    assert placed.unknown.any()


def test_where_no_place_is_found_the_person_stays(figures):
    person = figures[0]
    speck = np.zeros((40, 40), bool)
    speck[20, 20] = True
    photo = np.zeros((40, 40, 3), np.uint8)
    other = WholePerson("a-1", "a", photo, speck, speck.astype(np.uint8), np.zeros_like(speck))
    assert in_front_of(person, other, np.random.default_rng(0)) is person
    assert not person.in_front


def test_half_of_those_in_front_have_nothing_over_them(ahp_folder):
    settings = BatchSettings(in_front=1.0, frame_cut=0, turned=0)
    composites = CompositeDataset(ahp_folder, size=48, settings=settings)
    samples = [composites.sample(index)[0] for index in range(40)]
    company = [sample for sample in samples if sample.in_front]
    assert len(company) > 30
    bare = sum(sample.ratio == 0 for sample in company)
    assert 0.25 < bare / len(company) < 0.75
    assert composites.about["in_front"] == 1.0
    index = samples.index(company[0])
    assert composites[index]["in_front"].item() is True
    assert not any(CompositeDataset(ahp_folder, size=48).sample(index)[0].in_front for index in range(6))


class Sighted:
    def __init__(self, mask):
        self.mask = mask

    def at_first_sight(self, photo):
        yield DetectedPerson(self.mask, 0.9)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_masks_of_n_i_that_may_be_of_the_one_behind_are_not_taken(ahp_folder, share):
    settings = BatchSettings(in_front=1.0, detected=1.0)
    composites = CompositeDataset(ahp_folder, size=48, settings=settings)
    sample = next(one for one in (composites.sample(i)[0] for i in range(20)) if one.in_front)
    rows = np.cumsum(sample.modal.sum(axis=1)) <= share * sample.modal.sum()
    part = sample.modal & rows[:, None]
    composites._source = Sighted(part)
    taken = composites._detected(sample)
    assert (taken is None) == (share < 0.5)
    if share > 0.5:
        assert np.array_equal(taken, part)


def test_masks_of_n_i_of_the_person_in_front_are_not_taken_for_the_one_behind(ahp_folder):
    settings, synthesis = BatchSettings(detected=1.0), SynthesisSettings(person_share=1.0)
    composites = CompositeDataset(ahp_folder, size=48, settings=settings, synthesis=synthesis)
    sample = max((composites.sample(index)[0] for index in range(12)), key=lambda one: one.ratio)
    front = (sample.occluded != sample.original).any(axis=2) & ~sample.modal
    mostly_front = front | (sample.modal & (np.arange(len(front)) % 4 == 0)[:, None])
    composites._source = Sighted(mostly_front)
    assert composites._detected(sample) is None
    composites._source = Sighted(sample.modal | sample.invisible)
    assert composites._detected(sample) is not None
