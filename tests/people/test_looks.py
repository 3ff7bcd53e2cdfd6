import dataclasses

import numpy as np
import pytest

from deocclude.people.landmarks import Pose
from deocclude.people.looks import Looks
from deocclude.people.region import Region


def pose_at(x, y=100.0, presence=0.99, half_width=40):
    """A person 80 pixels wide and 180 tall around (x, y), in a region of 256 pixels."""
    mask = np.zeros((256, 256), dtype=np.float32)
    mask[38:218, 128 - half_width : 128 + half_width] = 1
    landmarks = np.stack(
        [np.linspace(x - 30, x + 30, 33), np.linspace(y - 80, y + 80, 33), np.ones(33)], axis=1
    )
    circle = np.array([[x, y], [x, y - 90]], dtype=np.float32)
    return Pose(Region(x, y, 256.0), presence, landmarks.astype(np.float32), circle, mask)


def looks_of(first, second=None):
    return Looks(0.9, first, second, height=200, width=301)


def test_second_look_is_best_unless_it_lost_the_person():
    first, second = pose_at(100, presence=0.7), pose_at(105, presence=0.6)
    assert looks_of(first, second).best is second
    assert looks_of(first, dataclasses.replace(second, presence=0.1)).best is first
    assert looks_of(first).best is first
    weak = dataclasses.replace(first, presence=0.35)
    assert looks_of(weak, dataclasses.replace(second, presence=0.4)).best.presence == 0.4


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pose_at(100), pose_at(101), True),
        (pose_at(100), None, False),
        (pose_at(100), pose_at(130), False),
        (pose_at(100), pose_at(100, half_width=20), False),
        (pose_at(100, presence=0.6), pose_at(100), False),
        (pose_at(100), pose_at(100, presence=0.9), False),
    ],
)
def test_consistent_looks_are_sure_and_agree(first, second, expected):
    assert looks_of(first, second).consistent is expected


def test_same_place_and_mask_is_the_same_person():
    assert looks_of(pose_at(100)).is_same_person(looks_of(pose_at(104, 96)))


def test_two_people_with_one_melted_mask_stay_two():
    left, right = pose_at(100, half_width=80), pose_at(140, half_width=80)
    assert looks_of(left).overlap(looks_of(right)) > 0.5
    assert not looks_of(left).is_same_person(looks_of(right))


def test_overlap_is_a_share_of_the_smaller_mask():
    wide, narrow = looks_of(pose_at(150, half_width=80)), looks_of(pose_at(150, half_width=20))
    assert wide.overlap(narrow) == pytest.approx(1.0)
    assert looks_of(pose_at(60)).overlap(looks_of(pose_at(240))) == 0
