from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import DeoccludeError
from deocclude.evaluation.matching import MasksFromFolder, PredictedMasks, TrueMasks, best_match
from deocclude.people.person import DetectedPerson


def person(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return DetectedPerson(mask, 0.9)


def test_the_best_overlap_wins_not_the_largest_mask():
    modal = person((50, 31), slice(10, 20), slice(5, 10)).mask
    crowd = person((50, 31), slice(0, 50), slice(0, 31))
    exact = person((50, 31), slice(11, 20), slice(5, 10))
    beside = person((50, 31), slice(10, 20), slice(8, 13))
    assert best_match([crowd, beside, exact], modal) is exact


def test_somebody_else_is_not_a_match():
    modal = person((50, 31), slice(0, 50), slice(0, 31)).mask
    assert best_match([person((50, 31), slice(0, 4), slice(0, 31))], modal) is None
    assert best_match([], modal) is None


def test_predicted_masks_look_at_the_occluded_photo_and_keep_the_landmarks(make_sample):
    sample = make_sample()
    seen = []

    class Source:
        name = "fake"

        def __call__(self, photo):
            seen.append(photo)
            return [DetectedPerson(sample.modal, 0.8, np.zeros((33, 3), np.float32))]

    masks = PredictedMasks(Source())
    found = masks(sample)
    assert masks.name == "predicted (fake)"
    assert seen[0] is sample.occluded
    assert found.landmarks is not None


def test_the_truth_is_the_visible_mask(make_sample):
    sample = make_sample()
    np.testing.assert_array_equal(TrueMasks()(sample).mask, sample.modal)
    assert TrueMasks()(make_sample(hidden_from=0)) is None


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB"])
def test_masks_of_a_folder_in_any_mode(tmp_path: Path, make_sample, mode):
    sample = make_sample()
    Image.fromarray(sample.modal.astype(np.uint8) * 255).convert(mode).save(tmp_path / f"{sample.id}.png")
    np.testing.assert_array_equal(MasksFromFolder(tmp_path)(sample).mask, sample.modal)


def test_a_black_mask_means_nobody(tmp_path: Path, make_sample):
    sample = make_sample()
    Image.new("L", sample.modal.shape[::-1]).save(tmp_path / f"{sample.id}.png")
    assert MasksFromFolder(tmp_path)(sample) is None


def test_bad_folders_name_the_file_and_the_remedy(tmp_path: Path, make_sample):
    sample = make_sample()
    with pytest.raises(DeoccludeError, match="absent: not a folder; give"):
        MasksFromFolder(tmp_path / "absent")
    masks = MasksFromFolder(tmp_path)
    with pytest.raises(DeoccludeError, match=r"walker-0\.png: no such mask; add it"):
        masks(sample)
    (tmp_path / "walker-0.png").write_text("not a picture")
    with pytest.raises(DeoccludeError, match=r"walker-0\.png: not a readable image"):
        masks(sample)
    Image.new("L", (5, 4), 255).save(tmp_path / "walker-0.png")
    with pytest.raises(DeoccludeError, match=r"walker-0\.png: the mask is 5x4, its photo 47x61"):
        masks(sample)
