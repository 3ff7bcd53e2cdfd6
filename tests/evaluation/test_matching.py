from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import DeoccludeError
from deocclude.evaluation.matching import MasksFromFolder, PredictedMasks, TrueMasks
from deocclude.people.person import DetectedPerson


def person(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return DetectedPerson(mask, 0.9)


class Crowd:
    def __init__(self, *people):
        self.people = list(people)
        self.seen = []

    def __call__(self, photo):
        self.seen.append(photo)
        return self.people


def test_the_best_overlap_wins_not_the_largest_mask(make_sample):
    sample = make_sample()
    shape = sample.modal.shape
    crowd = person(shape, slice(None), slice(None))
    exact = person(shape, slice(6, 30), slice(15, 35))
    beside = person(shape, slice(5, 30), slice(25, 45))
    assert PredictedMasks(Crowd(crowd, beside, exact))(sample) is exact


def test_somebody_else_is_not_a_match(make_sample):
    sample = make_sample()
    elsewhere = person(sample.modal.shape, slice(0, 6), slice(None))
    assert PredictedMasks(Crowd(elsewhere))(sample) is None
    assert PredictedMasks(Crowd())(sample) is None


def test_predicted_masks_look_at_the_occluded_photo(make_sample):
    sample = make_sample()
    source = Crowd()
    masks = PredictedMasks(source)
    masks(sample)
    assert masks.name == "predicted"
    assert source.seen[0] is sample.occluded


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
