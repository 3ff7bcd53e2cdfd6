from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from deocclude.ahp import synthesis
from deocclude.ahp.compose.arrangement import Arrangement
from deocclude.ahp.compose.paste import bin_of, paste, refusal_of
from deocclude.ahp.sample import Occluder, WholePerson

PHOTO = np.random.default_rng(3).integers(0, 255, (101, 83, 3), dtype=np.uint8)


def square_person(side: int = 40) -> WholePerson:
    amodal = np.zeros(PHOTO.shape[:2], dtype=bool)
    amodal[30 : 30 + side, 20 : 20 + side] = True
    parsing = np.where(amodal, 5, 0).astype(np.uint8)
    return WholePerson("made-1", "made", PHOTO, amodal, parsing, np.zeros_like(amodal))


def plank(width: int, height: int) -> Occluder:
    image = np.full((height, width, 3), 90, np.uint8)
    return Occluder("coco-bench-1", "bench", image, np.ones((height, width), dtype=bool))


def arrangement(x: float, y: float, scale: float = 1.0, angle: float = 0.0, **change: object) -> Arrangement:
    values = {"flipped": False, "look": 0, **change}
    return Arrangement("made-1", "coco-bench-1", x, y, scale, angle, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("person", "thing", "seed"), [(0, 1, 3), (3, 0, 4), (4, 2, 5), (5, 3, 6)])
def test_it_is_the_pasting_of_the_synthesis(
    figures: list[WholePerson],
    objects: list[Occluder],
    monkeypatch: pytest.MonkeyPatch,
    person: int,
    thing: int,
    seed: int,
) -> None:
    whole, occluder = figures[person], objects[thing]
    scale, centre = 0.83, (whole.amodal.shape[1] * 0.45, whole.amodal.shape[0] * 0.61)
    mask = synthesis.with_rim(occluder.image, occluder.mask)[1]
    placement = synthesis.Placement(
        scale, centre[0] - scale * mask.shape[1] / 2, centre[1] - scale * mask.shape[0] / 2
    )
    monkeypatch.setattr(synthesis, "find_placement", lambda *arguments: placement)
    expected = synthesis.occlude(whole, occluder, (0.0, 1.0), np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    flipped = bool(rng.random() < 0.5)
    monkeypatch.setattr(Arrangement, "generator", lambda self: rng)
    made, _ = paste(
        whole, occluder, Arrangement(whole.id, occluder.id, centre[0], centre[1], scale, 0, flipped, 0)
    )
    assert 0 < made.ratio < 1
    for field in fields(made):
        assert np.array_equal(getattr(made, field.name), getattr(expected, field.name)), field.name


@pytest.mark.parametrize(
    ("thing", "place", "hidden"),
    [
        (plank(20, 20), arrangement(40, 50), (slice(40, 60), slice(30, 50))),
        (plank(30, 10), arrangement(35, 55), (slice(50, 60), slice(20, 50))),
        (plank(30, 10), arrangement(35, 55, angle=180), (slice(50, 60), slice(20, 50))),
        (plank(30, 10), arrangement(35, 55, angle=90), (slice(40, 70), slice(30, 40))),
        (plank(30, 10), arrangement(35, 55, angle=-90), (slice(40, 70), slice(30, 40))),
        (plank(20, 20), arrangement(20, 30), (slice(30, 40), slice(20, 30))),
    ],
)
def test_hidden_pixels_and_ratio_are_exact(
    thing: Occluder, place: Arrangement, hidden: tuple[slice, slice]
) -> None:
    person = square_person()
    sample, (left, top, right, bottom) = paste(person, thing, place)
    expected = np.zeros_like(person.amodal)
    expected[hidden] = person.amodal[hidden]
    assert np.array_equal(sample.invisible, expected)
    assert sample.ratio == expected.sum() / 1600
    assert (sample.parsing_modal == np.where(person.amodal & ~expected, 5, 0)).all()
    changed = (sample.occluded != PHOTO).any(axis=2)
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_flipped_then_turned_clockwise() -> None:
    mask = np.zeros((30, 30), dtype=bool)
    mask[:15, :15] = True
    thing = Occluder("coco-bench-1", "bench", np.full((30, 30, 3), 90, np.uint8), mask)

    def quarter(**change: object) -> tuple[int, int]:
        hidden = paste(square_person(), thing, arrangement(40, 50, **change))[0].invisible  # type: ignore[arg-type]
        rows, columns = np.nonzero(hidden)
        return int(rows.mean() > 50), int(columns.mean() > 40)

    assert quarter() == (0, 0)
    assert quarter(flipped=True) == (0, 1)
    assert quarter(angle=90) == (0, 1)
    assert quarter(flipped=True, angle=90) == (1, 1)


def test_beside_the_photo_nothing_changes() -> None:
    sample, box = paste(square_person(), plank(20, 20), arrangement(-60, 50))
    assert (sample.ratio, box) == (0.0, (0, 0, 0, 0))
    assert np.array_equal(sample.occluded, PHOTO)


def test_the_same_arrangement_gives_the_same_pixels_and_another_look_others() -> None:
    def pixels(look: int) -> np.ndarray:
        return paste(square_person(), plank(20, 20), arrangement(40, 50, look=look))[0].occluded

    assert np.array_equal(pixels(0), pixels(0))
    assert not np.array_equal(pixels(0), pixels(1))


@pytest.mark.parametrize(
    ("ratio", "refusal", "tenth"),
    [
        (0.0, "Nothing of the person is hidden", None),
        (1e-5, None, (0.0, 0.1)),
        (0.1, None, (0.0, 0.1)),
        (0.25, None, (0.2, 0.3)),
        (0.5, None, (0.4, 0.5)),
        (0.50001, "50.00% of the person is hidden, more than half", None),
        (1.0, "100.00%", None),
    ],
)
def test_ratios_that_may_be_saved(ratio: float, refusal: str | None, tenth: tuple | None) -> None:
    found = refusal_of(ratio)
    assert found is None if refusal is None else found is not None and refusal in found
    assert bin_of(ratio) == tenth


@pytest.mark.parametrize(
    "change",
    [{"scale": 0.0}, {"scale": 3.1}, {"angle": 181}, {"look": -1}, {"x": float("nan")}, {"y": float("inf")}],
)
def test_impossible_arrangements(change: dict) -> None:
    with pytest.raises(ValueError, match=r"scale|angle|look|nowhere"):
        arrangement(**{"x": 1, "y": 1, **change})
