import numpy as np
import pytest

from deocclude.evaluation.body_parts import confusion, has_labels, part_numbers, shown_classes
from deocclude.parsing import LIP_CLASSES, UNLABELLED


def random_maps(shape, seed, classes=20):
    """A prediction right in about half of the pixels, some of it without a class, some truth unlabelled."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, shape).astype(np.uint8)
    prediction = np.where(rng.random(shape) < 0.5, truth, rng.integers(0, classes, shape)).astype(np.uint8)
    prediction[rng.random(shape) < 0.1] = UNLABELLED
    truth[rng.random(shape) < 0.2] = UNLABELLED
    return prediction, truth, rng.random(shape) < 0.8


def by_hand(maps):
    """IoU and accuracy by class, pixel and body accuracy: over all pixels of all maps strung together."""
    prediction, truth = (
        np.concatenate([m[k][m[2] & (m[1] != UNLABELLED)] for m in maps]).astype(int) for k in (0, 1)
    )
    ious, shares = [], []
    for index in range(20):
        said, true = prediction == index, truth == index
        ious.append((said & true).sum() / (said | true).sum() if true.any() else np.nan)
        shares.append((said & true).sum() / true.sum() if true.any() else np.nan)
    right, body = prediction == truth, truth > 0
    return ious, shares, right.mean(), right[body].mean()


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (41, 33)])
def test_the_matrix_counts_pixel_by_pixel(shape):
    prediction, truth, counted = random_maps(shape, sum(shape))
    expected = np.zeros((20, 21), int)
    for place in np.ndindex(shape):
        if counted[place] and truth[place] != UNLABELLED:
            expected[truth[place], 20 if prediction[place] == UNLABELLED else prediction[place]] += 1
    np.testing.assert_array_equal(confusion(prediction, truth, counted), expected)


def test_scores_equal_those_of_all_pixels_strung_together():
    maps = [random_maps((19, 23), seed) for seed in range(5)]
    numbers = part_numbers([confusion(*m) for m in maps], ["a", "b", "c", "c", "a"])
    ious, shares, pixels, body = by_hand(maps)
    assert numbers["mIoU"] == pytest.approx(np.mean(ious), abs=1e-5)
    assert numbers["mIoU parts"] == pytest.approx(np.mean(ious[1:]), abs=1e-5)
    assert numbers["mean accuracy"] == pytest.approx(np.mean(shares), abs=1e-5)
    assert numbers["pixel accuracy"] == pytest.approx(pixels, abs=1e-5)
    assert numbers["body accuracy"] == pytest.approx(body, abs=1e-5)
    for index, name in enumerate(LIP_CLASSES):
        assert numbers["classes"][name]["iou"] == pytest.approx(ious[index], abs=1e-5)
    assert numbers["absent"] == []


def test_the_matrices_are_summed_before_anything_is_divided():
    """A large right map and a small wrong one: no mean of two IoUs."""
    everywhere = np.ones((10, 10), bool)
    large = confusion(np.full((10, 10), 5, np.uint8), np.full((10, 10), 5, np.uint8), everywhere)
    small = np.zeros((10, 10), bool)
    small[0, 0] = True
    wrong = confusion(np.full((10, 10), 7, np.uint8), np.full((10, 10), 5, np.uint8), small)
    numbers = part_numbers([large, wrong], ["a", "b"])
    assert numbers["classes"]["upper-clothes"]["iou"] == pytest.approx(100 / 101, abs=1e-5)


def test_a_class_without_a_pixel_in_truth_is_left_out_and_named():
    truth = np.full((4, 6), 13, np.uint8)
    truth[:, :2] = 0
    prediction = truth.copy()
    prediction[0, 2:] = LIP_CLASSES.index("hat")
    numbers = part_numbers([confusion(prediction, truth, np.ones((4, 6), bool))], ["a"])
    assert numbers["mIoU"] == pytest.approx((1 + 12 / 16) / 2, abs=1e-5)
    assert numbers["mIoU parts"] == pytest.approx(12 / 16, abs=1e-5)
    assert numbers["classes"]["hat"] == {"iou": None, "accuracy": None, "people": 0}
    assert set(numbers["absent"]) == set(LIP_CLASSES) - {"background", "face"}
    assert shown_classes({"a": numbers}) == {"background": 1, "face": 1}


def test_intervals_draw_people_with_all_their_samples():
    one = confusion(*random_maps((31, 29), 0))
    assert part_numbers([one], ["a"])["mIoU interval"] == [part_numbers([one], ["a"])["mIoU"]] * 2
    matrices = [confusion(*random_maps((31, 29), seed)) for seed in range(12)]
    people = [str(seed % 6) for seed in range(12)]
    numbers = part_numbers(matrices, people)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(1000):
        chosen = rng.integers(0, 6, 6)
        total = sum(matrices[k] + matrices[k + 6] for k in chosen)
        drawn.append(np.trace(total) / total.sum())
    low, high = numbers["pixel accuracy interval"]
    assert [low, high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.002)
    assert low < numbers["pixel accuracy"] < high


def test_a_map_without_parts_has_no_labels():
    truth = np.array([[0, UNLABELLED, 3]], np.uint8)
    assert has_labels(truth, np.array([[True, True, True]]))
    assert not has_labels(truth, np.array([[True, True, False]]))


def test_classes_that_lip_does_not_have_and_other_shapes_are_refused():
    good = np.zeros((3, 4), np.uint8)
    everywhere = np.ones((3, 4), bool)
    for bad in (20, 77):
        with pytest.raises(ValueError, match=r"none of LIP"):
            confusion(np.full((3, 4), bad, np.uint8), good, everywhere)
        with pytest.raises(ValueError, match=r"none of LIP"):
            confusion(good, np.full((3, 4), bad, np.uint8), everywhere)
    with pytest.raises(ValueError, match="prediction is"):
        confusion(good[:2], good, everywhere)
