from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.review.presort import Limit, measure, suggest


def person(**changes: object) -> Candidate:
    """A block of 40 x 20 pixels with 14 visible joints on it."""
    mask = np.zeros((101, 91), bool)
    mask[30:70, 30:50] = True
    joints = np.stack([np.full(14, 40.0), np.linspace(32, 68, 14), np.full(14, 2.0)], axis=1)
    whole = Candidate("a-1", "a", Path("x.jpg"), 101, 91, (30, 30, 50, 70), mask, joints)
    return replace(whole, **changes)


def numbers(candidate: Candidate, **faults: float) -> dict[str, float]:
    assert candidate.mask is not None
    return measure(candidate, candidate.mask, faults)


def changed(rows: slice, columns: slice, value: bool) -> np.ndarray:
    mask = person().mask
    assert mask is not None
    mask = mask.copy()
    mask[rows, columns] = value
    return mask


def test_a_whole_person_is_a_preserve_without_reasons() -> None:
    suggestion = suggest(numbers(person()))
    assert (suggestion.decision, suggestion.automatic, suggestion.score) == ("preserve", "preserve", 0)
    assert suggestion.reasons == ()


def test_touching_the_gutter_is_a_discard() -> None:
    touching = person(mask=changed(slice(70, 97), slice(30, 50), True))
    assert numbers(touching)["border"] == pytest.approx(20 / (67 * 20))
    assert suggest(numbers(touching)).decision == "discard"
    clear = person(mask=changed(slice(70, 96), slice(30, 50), True))
    assert numbers(clear)["border"] == 0


def test_parts_count_by_their_area() -> None:
    split = person(mask=changed(slice(40, 44), slice(0, 91), False))
    assert numbers(split)["parts"] == pytest.approx(1 - 26 / 36)
    assert suggest(numbers(split)).decision == "discard"


def test_a_hole_speaks_against_the_mask() -> None:
    holed = person(mask=changed(slice(45, 60), slice(33, 47), False))
    found = numbers(holed)
    assert found["holes"] == pytest.approx(210 / 590)
    assert suggest(found | {"joints_missed": 0.0}).decision == "refine"


def test_what_an_arm_encloses_is_no_fault() -> None:
    akimbo = person(mask=changed(slice(45, 51), slice(32, 38), False))
    assert 0 < numbers(akimbo)["holes"] == pytest.approx(36 / 764)
    assert suggest(numbers(akimbo)).decision == "preserve"


def test_overlap_is_the_masks_share_in_the_boxes_of_others() -> None:
    crowded = person(others=((0, 30, 91, 50), (40, 30, 50, 60), (60, 0, 90, 20)))
    assert numbers(crowded)["overlap"] == pytest.approx((20 * 20 + 10 * 10) / 800)
    assert suggest(numbers(crowded)).decision == "discard"


@pytest.mark.parametrize(
    ("state", "row", "name", "value"),
    [(0, 40, "joints_hidden", 1 / 14), (1, 90, "joints_hidden", 1 / 14), (1, 40, "joints_hidden", 0.25 / 14),
     (2, 90, "joints_missed", 1 / 14), (2, 40, "joints_missed", 0), (2, 5000, "joints_missed", 1 / 14)],
)  # fmt: skip
def test_joints(state: int, row: int, name: str, value: float) -> None:
    joints = person().joints
    assert joints is not None
    joints = joints.copy()
    joints[3] = (40, row, state)
    assert numbers(person(joints=joints))[name] == pytest.approx(value)


@pytest.mark.parametrize("seen", [0, 1])
def test_of_cocos_face_one_joint_is_enough(seen: int) -> None:
    joints = np.stack([np.full(17, 40.0), np.linspace(32, 68, 17), np.full(17, 2.0)], axis=1)
    joints[seen:5] = 0
    found = numbers(person(joints=joints))
    assert found["joints_hidden"] == found["joints_missed"] == 0
    assert suggest(found).decision == ("preserve" if seen else None)


def test_who_cannot_be_checked_is_no_preserve() -> None:
    for joints in (None, np.zeros((17, 3))):
        suggestion = suggest(numbers(person(joints=joints)))
        assert (suggestion.decision, suggestion.automatic) == (None, "discard")


def test_body_parts_tell_where_joints_are_missing() -> None:
    candidate = person(joints=None)
    assert candidate.mask is not None
    labels = np.where(candidate.mask, 5, 0).astype(np.uint8)
    labels[30:36, 30:50] = 13
    without_feet = suggest(measure(candidate, candidate.mask, {}, labels))
    assert without_feet.decision == "discard"
    labels[66:70, 30:50] = 18
    assert suggest(measure(candidate, candidate.mask, {}, labels)).decision == "preserve"
    labels[:] = 255
    assert suggest(measure(candidate, candidate.mask, {}, labels)).decision is None


def test_body_parts_do_not_speak_against_annotated_joints() -> None:
    candidate = person()
    assert candidate.mask is not None
    clothes_alone = np.where(candidate.mask, 5, 0).astype(np.uint8)
    assert suggest(measure(candidate, candidate.mask, {}, clothes_alone)).decision == "preserve"
    unlabelled = replace(candidate, joints=np.zeros((14, 3)))
    assert suggest(measure(unlabelled, candidate.mask, {}, clothes_alone)).decision == "discard"


def test_numbers_of_the_segmentation_count() -> None:
    mask = person().mask
    assert mask is not None
    unmasked = person(mask=None)
    assert suggest(measure(unmasked, mask, {"disagreement": 0.3})).decision == "refine"
    assert suggest(measure(unmasked, mask, {"outside": 0.5})).decision == "refine"
    assert suggest(numbers(person(), something_else=9.0)).decision == "preserve"


def test_a_sources_own_mask_may_differ_more_from_the_segmenters() -> None:
    assert suggest(numbers(person(), disagreement=0.3)).decision == "preserve"
    assert suggest(numbers(person(), disagreement=0.6)).decision == "refine"


@pytest.mark.parametrize(("fault", "decision"), [("limbs_unseen", "discard"), ("limbs_missed", "refine")])
def test_landmarks_count_only_where_no_joints_are_annotated(fault: str, decision: str) -> None:
    assert suggest(numbers(person(joints=None), **{"limbs_unseen": 0.0, fault: 0.5})).decision == decision
    assert suggest(numbers(person(), **{fault: 0.5})).decision == "preserve"


def test_hidden_weighs_more_than_a_poor_mask() -> None:
    suggestion = suggest({"border": 0.1, "holes": 0.5})
    assert suggestion.decision == "discard"
    assert len(suggestion.reasons) == 2


@pytest.mark.parametrize(("value", "severity"), [(0.05, 0), (0.1, 0), (0.2, 0.5), (0.3, 1), (7, 1)])
def test_severity_rises_from_doubt_to_sure(value: float, severity: float) -> None:
    assert Limit("x", "mask", 0.1, 0.3, "x").severity(value) == pytest.approx(severity)


def test_limits_are_checked() -> None:
    with pytest.raises(ValueError, match="doubt"):
        Limit("x", "mask", 0.3, 0.1, "x")
