import numpy as np
import pytest

from deocclude.crops import SquareWindow
from deocclude.evaluation.metrics import (
    Fraction,
    Tally,
    content_l1,
    content_squared_error,
    intersection_over_union,
    iou,
    mask_l1,
    psnr,
)

SHAPES = [(1, 1), (7, 13), (33, 31), (101, 64)]


def random_masks(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.random(shape) < share for share in (0.4, 0.6, 0.9))


@pytest.mark.parametrize("shape", SHAPES)
def test_iou_equals_counting_pixel_by_pixel(shape):
    prediction, truth, known = random_masks(shape, sum(shape))
    both = either = both_known = either_known = 0
    for place in np.ndindex(shape):
        both += bool(prediction[place] and truth[place])
        either += bool(prediction[place] or truth[place])
        both_known += bool(prediction[place] and truth[place] and known[place])
        either_known += bool((prediction[place] or truth[place]) and known[place])
    assert iou(prediction, truth) == pytest.approx(both / either if either else 1.0)
    assert intersection_over_union(prediction, truth, known) == (both_known, either_known)


def test_iou_of_empty_masks():
    empty, some = np.zeros((5, 7), bool), np.eye(5, 7, dtype=bool)
    assert iou(empty, empty) == 1
    assert iou(some, empty) == iou(empty, some) == 0
    assert iou(some, empty, known=~some) == 1


def test_iou_refuses_masks_of_different_sizes():
    with pytest.raises(ValueError, match=r"prediction is \(4, 5\), truth is \(5, 4\)"):
        iou(np.ones((4, 5), bool), np.ones((5, 4), bool))
    with pytest.raises(ValueError, match="known is"):
        iou(np.ones((4, 5), bool), np.ones((4, 5), bool), np.ones((1, 5), bool))


def test_mask_l1_without_resizing_is_the_mean_absolute_difference_of_the_known_pixels():
    prediction, truth, known = random_masks((256, 256), 3)
    numerator, denominator = mask_l1(prediction, truth, known, SquareWindow(0, 0, 256))
    assert numerator == np.logical_xor(prediction, truth)[known].sum()
    assert denominator == known.sum()


def test_mask_l1_averages_areas_and_leaves_out_what_lies_beyond_the_photo():
    truth = np.zeros((512, 512), bool)
    prediction = np.zeros_like(truth)
    prediction[:, ::2] = True
    half = mask_l1(prediction, truth, np.ones_like(truth), SquareWindow(0, 0, 512))
    assert half.numerator / half.denominator == pytest.approx(0.5)
    beyond = mask_l1(prediction, truth, np.ones_like(truth), SquareWindow(-256, 0, 512))
    assert beyond.denominator == 256 * 128


@pytest.mark.parametrize("shape", SHAPES)
def test_content_errors_equal_floating_point_means(shape):
    rng = np.random.default_rng(5)
    result, original = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    where = rng.random(shape) < 0.7
    difference = (result / 255.0 - original / 255.0)[where]
    numerator, denominator = content_l1(result, original, where)
    assert denominator == where.sum()
    assert numerator == pytest.approx(np.abs(difference).mean(axis=-1).sum())
    squared = content_squared_error(result, original, where)
    assert squared.numerator == pytest.approx((difference**2).mean(axis=-1).sum())


def test_content_l1_is_0_for_the_same_photo_and_1_for_black_against_white():
    black, white = np.zeros((3, 5, 3), np.uint8), np.full((3, 5, 3), 255, np.uint8)
    everywhere = np.ones((3, 5), bool)
    assert content_l1(black, black, everywhere) == (0, 15)
    assert content_l1(black, white, everywhere) == (15, 15)
    assert content_l1(black, white, ~everywhere) == (0, 0)


def test_psnr():
    assert psnr(0.01) == pytest.approx(20)
    assert psnr(0) == float("inf")


def test_micro_weighs_by_size_and_mean_counts_every_sample_alike():
    tally = Tally(empty=1.0)
    for fraction in (Fraction(90, 100), Fraction(1, 10), Fraction(0, 0)):
        tally.add(fraction)
    assert tally.micro == pytest.approx(91 / 110)
    assert tally.mean == pytest.approx((0.9 + 0.1 + 1.0) / 3)
    without = Tally(empty=None, fractions=tally.fractions, groups=tally.groups)
    assert without.mean == pytest.approx(0.5)


def test_a_tally_of_nothing_is_not_a_number():
    tally = Tally()
    assert np.isnan([tally.micro, tally.mean, *tally.interval()]).all()


def test_interval_matches_a_plain_bootstrap_over_persons():
    rng = np.random.default_rng(0)
    persons, copies = 40, 3
    table = np.stack([rng.integers(10, 90, (persons, copies)), np.full((persons, copies), 100)], axis=-1)
    tally = Tally()
    for person in range(persons):
        for fraction in table[person]:
            tally.add(Fraction(*fraction), str(person))
    drawn = []
    for _ in range(2000):
        sums = table[rng.integers(0, persons, persons)].sum(axis=(0, 1))
        drawn.append(sums[0] / sums[1])
    assert tally.interval(2000) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.01)
    assert tally.interval() == tally.interval()
    assert tally.interval()[0] < tally.micro < tally.interval()[1]


def test_samples_of_one_person_are_resampled_together():
    tally = Tally()
    for value in (0, 50, 100):
        tally.add(Fraction(value, 100), "the only person")
    assert tally.interval() == pytest.approx((0.5, 0.5))
