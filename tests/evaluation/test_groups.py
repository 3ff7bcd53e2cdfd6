from dataclasses import replace

import numpy as np
import pytest

from deocclude.evaluation.groups import HIDDEN_PARTS, clothes_of, framing_of, groups_of, hidden_part
from deocclude.parsing import LIP_CLASSES, UNLABELLED


def with_parts(sample, **rows):
    """The body labelled by ranges of rows; unlabelled elsewhere."""
    parsing = np.where(sample.amodal, np.uint8(UNLABELLED), np.uint8(0))
    for name, (top, bottom) in rows.items():
        part = np.zeros_like(sample.amodal)
        part[top:bottom] = True
        parsing[part & sample.amodal] = LIP_CLASSES.index(name.replace("_", "-"))
    return replace(sample, parsing_amodal=parsing, parsing_modal=np.where(sample.modal, parsing, np.uint8(0)))


def test_groups(make_sample):
    sample = make_sample(hidden_from=50)
    assert sample.ratio == pytest.approx(0.1)
    assert groups_of(sample) == {
        "source": "ccp",
        "ratio": "(0.0, 0.1]",
        "framing": "whole in the frame",
        "occluder": "object",
        "hidden part": "torso",
        "clothes": "close to the body",
    }
    assert groups_of(make_sample(hidden_from=49))["ratio"] == "(0.1, 0.2]"
    assert groups_of(make_sample(bottom=61))["framing"] == "half-length"
    assert groups_of(replace(sample, occluder_category="person"))["occluder"] == "person"
    assert groups_of(replace(sample, occluder_category=""))["occluder"] == "unknown"


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (slice(2, 9), slice(2, 9), "whole in the frame"),
        (slice(2, 11), slice(2, 9), "half-length"),
        (slice(2, 11), slice(0, 9), "half-length"),
        (slice(0, 9), slice(2, 9), "cut elsewhere"),
        (slice(2, 9), slice(2, 13), "cut elsewhere"),
        (slice(2, 9), slice(0, 9), "cut elsewhere"),
    ],
)
def test_framing(rows, columns, expected):
    amodal = np.zeros((11, 13), bool)
    amodal[rows, columns] = True
    assert framing_of(amodal) == expected


def test_the_part_with_most_hidden_labelled_pixels(make_sample):
    sample = make_sample(hidden_from=20)
    assert hidden_part(with_parts(sample, face=(5, 30), pants=(30, 39))) == "head"
    assert hidden_part(with_parts(sample, face=(5, 30), pants=(30, 41))) == "legs"
    assert hidden_part(with_parts(sample, face=(5, 20), left_arm=(20, 22))) == "arms"
    assert hidden_part(with_parts(sample, skirt=(30, 36), left_shoe=(36, 41), coat=(45, 55))) == "legs"


def test_what_is_visible_unlabelled_or_unknown_says_nothing(make_sample):
    sample = make_sample(hidden_from=40)
    assert hidden_part(with_parts(sample, face=(5, 40))) == "unlabelled"
    labelled = with_parts(sample, face=(40, 55))
    assert hidden_part(labelled) == "head"
    assert hidden_part(replace(labelled, unknown=np.ones_like(sample.amodal))) == "unlabelled"


def test_every_class_but_the_background_belongs_to_one_part():
    names = [name for part in HIDDEN_PARTS.values() for name in part]
    assert sorted(names) == sorted(LIP_CLASSES[1:])


@pytest.mark.parametrize(
    ("rows", "loose"),
    [
        ({"hair": (5, 10), "coat": (10, 30), "pants": (30, 55)}, False),  # 10% hair, 20% of jacket
        ({"hair": (5, 11), "pants": (11, 55)}, True),  # 12% hair
        ({"skirt": (5, 20), "face": (20, 55)}, False),  # 30%, not more
        ({"skirt": (5, 20), "scarf": (20, 21), "face": (21, 55)}, True),
        ({"dress": (5, 21), "face": (21, 55)}, True),
        ({"coat": (5, 36), "face": (36, 55)}, True),  # 62%, a long coat
        ({"coat": (5, 35), "face": (35, 55)}, False),
        ({"hair": (5, 8), "face": (8, 25)}, True),  # 15% of what is labelled
    ],
)
def test_hair_and_loose_clothes_by_their_share_of_the_labelled_body(make_sample, rows, loose):
    sample = with_parts(make_sample(), **rows)
    assert clothes_of(sample) == ("long hair or loose clothes" if loose else "close to the body")


def test_clothes_of_an_unlabelled_person_or_behind_a_bag_are_not_known(make_sample):
    assert clothes_of(with_parts(make_sample())) == "unlabelled"
    sample = with_parts(make_sample(), dress=(5, 30), pants=(30, 55))
    unknown = np.zeros_like(sample.unknown)
    unknown[5:22] = True
    assert clothes_of(sample) == "long hair or loose clothes"
    assert clothes_of(replace(sample, unknown=unknown)) == "close to the body"
