from itertools import combinations

import numpy as np
import pytest

from deocclude.errors import DeoccludeError
from deocclude.people import BlazePose
from deocclude.people.person import SURE


def iou(first, second):
    return (first & second).sum() / (first | second).sum()


@pytest.fixture(scope="module")
def found(blazepose, astronaut):
    return blazepose(astronaut)


def test_astronaut(found):
    (person,) = found
    assert person.mask.shape == (512, 512)
    assert person.score > 0.5
    left, top, right, bottom = person.box
    assert top < 40
    assert bottom == 512
    assert left < 60
    assert 330 < right < 420
    assert 0.36 < person.mask.mean() < 0.5
    assert person.mask[110, 225]
    assert not person.mask[60, 420]


def test_landmarks_are_in_photo_pixels(found):
    landmarks = found[0].landmarks
    assert landmarks.dtype == np.float32
    nose, left_shoulder, right_shoulder = landmarks[0], landmarks[11], landmarks[12]
    np.testing.assert_allclose(nose[:2], (225, 115), atol=20)
    assert left_shoulder[0] > right_shoulder[0]
    assert landmarks[:, 2].min() >= 0
    assert landmarks[:, 2].max() <= 1
    assert nose[2] > landmarks[27:, 2].max()


def test_same_photo_same_answer(blazepose, astronaut, found):
    np.testing.assert_array_equal(blazepose(astronaut)[0].mask, found[0].mask)


@pytest.mark.parametrize("grey", [False, True], ids=["several people", "nobody upright"])
def test_any_number_of_threads_finds_the_same_people(astronaut, grey):
    photo = np.concatenate([astronaut, astronaut[::-1]], axis=1)
    if grey:
        photo[:360] = 128
    one, three = (BlazePose(count, doubtful=True)(photo) for count in (1, 3))
    assert len(one) == len(three) > 0
    for first, second in zip(one, three, strict=True):
        assert first.score == second.score
        np.testing.assert_array_equal(first.mask, second.mask)
        np.testing.assert_array_equal(first.landmarks, second.landmarks)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_photo(blazepose, astronaut, found, turns):
    people = blazepose(np.ascontiguousarray(np.rot90(astronaut, turns)))
    assert len(people) == 1
    assert iou(np.rot90(people[0].mask, -turns), found[0].mask) > 0.85


def test_two_people_each_with_an_own_mask(blazepose, astronaut, found):
    people = blazepose(np.concatenate([astronaut, astronaut], axis=1))
    assert len(people) == 2
    truth = found[0].mask
    nothing = np.zeros_like(truth)
    for expected in (np.hstack([truth, nothing]), np.hstack([nothing, truth])):
        assert max(iou(person.mask, expected) for person in people) > 0.8
    assert people[0].mask.sum() >= people[1].mask.sum()


def test_small_person_in_a_large_photo(blazepose, astronaut, found):
    photo = np.full((701, 1003, 3), 140, dtype=np.uint8)
    photo[573:, 700:828] = astronaut.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3)).astype(np.uint8)
    (person,) = blazepose(photo)
    expected = np.zeros((701, 1003), dtype=bool)
    expected[573:, 700:828] = found[0].mask[2::4, 2::4]
    assert iou(person.mask, expected) > 0.85


def test_masks_have_the_photos_full_resolution(blazepose, astronaut, found):
    large = np.repeat(np.repeat(astronaut, 4, axis=0), 4, axis=1)
    (person,) = blazepose(large)
    assert person.mask.shape == (2048, 2048)
    assert iou(person.mask[2::4, 2::4], found[0].mask) > 0.95


@pytest.mark.parametrize("shape", [(1, 1), (16, 900), (480, 640)])
def test_nobody(blazepose, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert blazepose(noise) == []
    assert blazepose(np.zeros((*shape, 3), dtype=np.uint8)) == []


def test_segment_box(blazepose, astronaut, found):
    person = blazepose.segment_box(astronaut, found[0].box)
    assert iou(person.mask, found[0].mask) > 0.9
    assert blazepose.segment_box(np.zeros_like(astronaut), (100, 100, 300, 400)) is None


def test_segment_joints(blazepose, astronaut, found):
    joints = found[0].landmarks[[0, 11, 12, 23, 24], :2]
    person = blazepose.segment_joints(astronaut, joints)
    assert iou(person.mask, found[0].mask) > 0.8
    assert blazepose.segment_joints(np.zeros_like(astronaut), joints) is None


def test_first_sight_sees_the_same_person_sooner(blazepose, astronaut, found):
    first = next(blazepose.at_first_sight(astronaut))
    assert iou(first.mask, found[0].mask) > 0.8
    assert not list(blazepose.at_first_sight(np.full((64, 80, 3), 127, np.uint8)))


def test_missing_models_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("DEOCCLUDE_CACHE", str(tmp_path))
    with pytest.raises(DeoccludeError, match="run: deocclude weights fetch"):
        BlazePose()(np.zeros((20, 20, 3), dtype=np.uint8))


def test_doubtful_people_score_less_than_sure_ones(blazepose, astronaut, found):
    more = BlazePose(doubtful=True)(astronaut)
    assert [person.score for person in more if person.score >= SURE] == [person.score for person in found]
    assert any(iou(person.mask, found[0].mask) == 1 for person in more)
    assert len(more) <= len(found) + 6


def test_no_doubtful_person_is_most_of_another(astronaut):
    """With the head cut away little is sure: up to six people, none of them another one's mask again."""
    people = BlazePose(doubtful=True)(astronaut[220:])
    doubtful = [person for person in people if person.score < SURE]
    assert 2 <= len(doubtful) <= 6
    for first, second in combinations(people, 2):
        if min(first.score, second.score) < SURE:
            shared = (first.mask & second.mask).sum()
            assert shared <= 0.75 * min(first.mask.sum(), second.mask.sum())
