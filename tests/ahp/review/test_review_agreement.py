from __future__ import annotations

import pytest

from deocclude.ahp.review.agreement import agreement_of, cohen_kappa, fleiss_kappa


def test_cohen_by_hand() -> None:
    # Observed (20 + 15) / 50 = 0.7; by chance 25/50 * 30/50 + 25/50 * 20/50 = 0.5; (0.7 - 0.5) / 0.5 = 0.4.
    pairs = [("p", "p")] * 20 + [("p", "d")] * 5 + [("d", "p")] * 10 + [("d", "d")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4, abs=1e-12)


def test_cohen_of_three_choices_by_hand() -> None:
    # First: 4 p, 3 r, 3 d. Second: 5 p, 2 r, 3 d. Observed 7/10; by chance (20 + 6 + 9) / 100 = 0.35.
    pairs = [("p", "p")] * 4 + [("r", "r")] + [("r", "p"), ("r", "d")] + [("d", "d")] * 2 + [("d", "r")]
    assert cohen_kappa(pairs) == pytest.approx((0.7 - 0.35) / 0.65, abs=1e-12)


def test_fleiss_of_the_textbook() -> None:
    # Ten subjects, fourteen raters, five choices: 0.210 (Fleiss 1971 as worked through in many textbooks).
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.20993, abs=1e-5)


def test_fleiss_by_hand() -> None:
    # Rows (3,0), (2,1), (0,3): agreement 1, 1/3, 1, mean 7/9. Shares 5/9, 4/9: 41/81. (63 - 41) / (81 - 41).
    assert fleiss_kappa([[3, 0], [2, 1], [0, 3]]) == pytest.approx(22 / 40, abs=1e-12)


def test_no_kappa_where_chance_explains_all() -> None:
    assert cohen_kappa([("p", "p")] * 5) is None
    assert fleiss_kappa([[3], [3]]) is None
    found = agreement_of({"a": {"x": "p", "y": "p"}})
    assert found is not None
    assert "not defined" in str(found)


def test_perfect_and_opposite() -> None:
    assert cohen_kappa([("p", "p"), ("d", "d")]) == 1
    assert cohen_kappa([("p", "d"), ("d", "p")]) == -1


@pytest.mark.parametrize("counts", [[], [[1, 0]], [[2, 0], [3, 0]]])
def test_fleiss_refuses_uneven_counts(counts: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="sample"):
        fleiss_kappa(counts)


def test_two_annotators_are_cohens_and_more_are_fleiss() -> None:
    two = agreement_of({"a": {"x": "p", "y": "p"}, "b": {"x": "p", "y": "d"}, "c": {"x": "d"}})
    assert two is not None
    assert (two.measure, two.samples, two.annotators) == ("Cohen", 2, 2)
    assert two.kappa == pytest.approx(0)
    three = agreement_of(
        {
            "a": {"x": "p", "y": "p", "z": "p"},
            "b": {"x": "p", "y": "d", "z": "p"},
            "c": {"x": "d", "y": "d", "z": "d"},
            "d": {"x": "d", "y": "p"},
        }
    )
    assert three is not None
    assert (three.measure, three.samples, three.annotators) == ("Fleiss", 3, 3)
    assert three.kappa == pytest.approx(22 / 40)


def test_nobody_judged_the_same() -> None:
    assert agreement_of({"a": {"x": "p"}, "b": {"y": "d"}}) is None
