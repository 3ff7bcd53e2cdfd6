import numpy as np
import pytest

from deocclude.ahp.sample import WholePerson
from deocclude.ahp.shrink import shrink_person
from deocclude.ahp.split import split_of


def test_a_shrunk_person_keeps_proportions_and_surroundings():
    photo = np.zeros((300, 500, 3), np.uint8)
    amodal = np.zeros((300, 500), bool)
    amodal[100:200, 240:260] = True
    parsing = np.where(amodal, 5, 0).astype(np.uint8)
    small = shrink_person(WholePerson("a-1", "a", photo, amodal, parsing, ~amodal), 150)
    assert small.photo.shape == (150, 110, 3)
    assert small.amodal.sum() == pytest.approx(amodal.sum() / 4, rel=0.1)
    assert np.array_equal(small.parsing > 0, small.amodal)


def test_splits_are_fixed_and_a_tenth_is_val():
    splits = [split_of("lspet", f"im{i}") for i in range(2000)]
    assert splits.count("val") == pytest.approx(200, abs=40)
    ccp = [number for number in range(1, 60) if split_of("ccp", f"{number:04d}") == "val"]
    assert ccp == [21, 22, 25, 35, 42, 51, 52, 53, 56, 58]
    coco = [number for number in range(1, 60) if split_of("coco", f"{number:012d}.jpg") == "val"]
    assert coco == [8, 14, 17, 29, 32, 35, 46, 47, 56]
