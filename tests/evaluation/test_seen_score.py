import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from deocclude.ahp.layout import encode_jpeg, encode_png, write_ids, write_outline, write_person
from deocclude.ahp.sample import WholePerson
from deocclude.atomic import write_atomically
from deocclude.cli import main
from deocclude.evaluation.methods import AS_IT_IS, OURS
from deocclude.evaluation.seen_score import EVERYBODY, KEPT, score_nobody, score_seen
from deocclude.people.person import DetectedPerson

HEIGHT, WIDTH = 61, 47


def box(top, bottom, left=10, right=30):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def someone(identity, seed):
    photo = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
    return WholePerson(identity, "coco", photo, box(5, 45), nothing, np.zeros((HEIGHT, WIDTH), bool), False)


class Sees:
    """Finds and returns given masks in given photos."""

    def __init__(self, *photos):
        self.photos = photos

    def _of(self, photo, column):
        return next((row[column] for row in self.photos if np.array_equal(row[0], photo)), [])

    def find(self, photo):
        return [DetectedPerson(mask, 1.0) for mask in self._of(photo, 1)]

    def __call__(self, photo, people=None):
        masks = self._of(photo, 2)
        return type("Result", (), {"people": [type("One", (), {"modal": mask})() for mask in masks]})()


def test_scores_are_those_of_counting_by_hand():
    first, second, third = (someone(f"coco-7-{number}", number) for number in range(3))
    fourth = someone("coco-8-0", 9)
    fourth = replace(fourth, unknown=box(0, 25, 0, WIDTH))
    elsewhere = box(50, 60)
    cascade = Sees(
        (first.photo, [elsewhere, box(5, 25)], [box(5, 35), elsewhere]),  # 20 of 40 rows, then 30
        (second.photo, [box(5, 45)], []),  # found, but not kept
        (third.photo, [elsewhere], [elsewhere]),  # somebody else
        (fourth.photo, [box(25, 35)], [box(25, 45)]),  # only rows from 25 on count: 10 of 20, then all
    )
    numbers = score_seen([first, second, third, fourth], cascade)
    assert (numbers["people"], numbers["found"], numbers["kept"]) == (4, 3, 2)
    everybody, kept = numbers["masks"][EVERYBODY], numbers["masks"][KEPT]
    assert everybody[AS_IT_IS]["micro"] == pytest.approx((20 + 40 + 0 + 10) / (40 + 40 + 40 + 20))
    assert everybody[OURS]["micro"] == pytest.approx((30 + 0 + 0 + 20) / (40 + 40 + 40 + 20))
    assert everybody[OURS]["mean"] == pytest.approx((0.75 + 0 + 0 + 1) / 4)
    assert kept[AS_IT_IS]["micro"] == pytest.approx((20 + 10) / (40 + 20))
    assert kept[OURS]["mean"] == pytest.approx((0.75 + 1) / 2)
    low, high = everybody[OURS]["interval"]  # two photos: one of 30 / 120, one of 20 / 20
    assert (low, high) == (pytest.approx(30 / 120), pytest.approx(1.0))
    assert [row["kept"] for row in numbers["each"]] == [True, False, False, True]


def test_nobody_kept_is_no_mean():
    person = someone("coco-7-0", 0)
    numbers = score_seen([person], Sees())
    assert numbers["masks"][KEPT] is None
    assert numbers["masks"][EVERYBODY][OURS]["micro"] == 0


def test_false_people_are_counted_by_photo():
    photos = [someone("coco-7-0", seed).photo for seed in range(3)]
    cascade = Sees((photos[0], [], [box(5, 9), box(20, 30)]), (photos[2], [], [box(5, 9)]))
    assert score_nobody(photos, cascade) == {"photos": 3, "with somebody": 2, "false people": 3}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "AHP"
    write_ids(root, "val", ["coco-1-0"])
    write_person(root, someone("coco-1-0", 1))
    return root


def _run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["deocclude", "ahp", "seen-score", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_the_command_writes_every_number(root, tmp_path, monkeypatch, capsys):
    write_outline(root / "seen" / "val", someone("coco-7-0", 0))
    photo, folder = someone("coco-9-0", 3).photo, root / "false_alarms" / "val"
    write_atomically(folder / "JPEGImages" / "coco-9.jpg", encode_jpeg(photo))
    write_atomically(folder / "InitialMasks" / "coco-9-0.png", encode_png(box(5, 20)))
    assert _run(monkeypatch, root, "--json", tmp_path / "out.json") == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["split"] == "val"
    assert (report["seen"]["people"], report["nobody"]["photos"]) == (1, 1)
    said = capsys.readouterr().out
    assert "People: 1, " in said
    assert "Photos without people: 1, " in said


def test_what_is_missing_is_named(root, tmp_path, monkeypatch):
    assert "ahp seen-people" in _run(monkeypatch, root)
    write_outline(root / "seen" / "val", someone("coco-7-0", 0))
    assert "ahp false-alarms" in _run(monkeypatch, root)
    assert "nowhere" in _run(monkeypatch, root, "--json", tmp_path / "nowhere" / "out.json")
