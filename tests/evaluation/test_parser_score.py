import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.layout import People, write_ids, write_person
from deocclude.ahp.sample import WholePerson
from deocclude.cli import main
from deocclude.errors import DeoccludeError
from deocclude.evaluation.parser_score import SEGMENTED, TRUE_MASK, open_parser, score
from deocclude.parsing import LIP_CLASSES
from deocclude.people.person import DetectedPerson

HAT, FACE, PANTS = (LIP_CLASSES.index(name) for name in ("hat", "face", "pants"))

PLUG_IN = """
import numpy as np
from deocclude.people.person import DetectedPerson

class Faces:
    name = "faces"
    def __call__(self, person, photo):
        return np.where(person.mask, np.uint8(13), np.uint8(0))

class Box:
    name = "box"
    def __call__(self, patch, box, joints):
        mask = np.zeros(patch.shape[:2], bool)
        mask[box[1] : box[3], box[0] : box[2]] = True
        yield DetectedPerson(mask, 1.0)
"""


def someone(identity, labels=True, height=61, width=47):
    """Rows 5 to 25 are a face, 25 to 55 pants, a bag hides what is behind rows 50 to 55."""
    amodal = np.zeros((height, width), bool)
    amodal[5:55, 10:30] = True
    parsing = np.where(amodal, np.uint8(255), np.uint8(0))
    if labels:
        parsing[5:25][amodal[5:25]] = FACE
        parsing[25:55][amodal[25:55]] = PANTS
    unknown = np.zeros_like(amodal)
    unknown[50:55, 10:30] = True
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return WholePerson(identity, identity.split("-")[0], photo, amodal, parsing, unknown)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "AHP"
    write_ids(root, "val", ["ccp-1", "ccp-2", "lspet-1"])
    for person in (someone("ccp-1"), someone("ccp-2"), someone("lspet-1", labels=False)):
        write_person(root, person)
    return root


class FaceAbove:
    """Face in the upper half of the mask's rows, else pants; keeps whom it saw."""

    name = "face above"

    def __init__(self):
        self.seen = []

    def __call__(self, person, photo):
        self.seen.append(person)
        rows = np.arange(photo.shape[0])[:, None]
        return np.where(person.mask, np.where(rows < 30, FACE, PANTS), 0).astype(np.uint8)


class Wide:
    """Sees the box and 10 columns to its right, which are cut away, but nobody's upper 10 rows."""

    name = "wide"

    def __call__(self, patch, box, joints):
        mask = np.zeros(patch.shape[:2], bool)
        mask[box[1] + 10 : box[3], box[0] : box[2] + 10] = True
        yield DetectedPerson(mask, 1.0)


def test_scores_are_those_of_counting_by_hand(folder):
    parser = FaceAbove()
    numbers = score(People(folder, "val"), parser, Wide())
    assert (numbers["people"], numbers["passed over"]) == (2, 1)
    true = numbers["parsing"][TRUE_MASK]
    assert true["classes"]["background"]["iou"] == 1
    assert true["classes"]["face"]["iou"] == pytest.approx(20 / 25, abs=1e-5)
    assert true["classes"]["pants"]["iou"] == pytest.approx(20 / 25, abs=1e-5)
    assert true["mIoU"] == pytest.approx((1 + 0.8 + 0.8) / 3, abs=1e-5)
    assert true["body accuracy"] == pytest.approx(40 / 45, abs=1e-5)
    drawn = numbers["parsing"][SEGMENTED]
    assert drawn["classes"]["face"]["iou"] == pytest.approx(10 / 25, abs=1e-5)
    assert drawn["classes"]["pants"]["iou"] == pytest.approx(0.8, abs=1e-5)
    assert drawn["classes"]["background"]["accuracy"] == 1
    assert drawn["classes"]["background"]["iou"] < 1
    assert "hat" in drawn["absent"]


def test_the_parser_gets_no_label_and_the_photo_file_that_is_there(folder):
    parser = FaceAbove()
    score(People(folder, "val"), parser, Wide())
    assert len(parser.seen) == 4
    assert all(person.candidate.parsing is None for person in parser.seen)
    assert all(person.candidate.photo.is_file() for person in parser.seen)


def test_whom_segmenter_or_parser_does_not_know_is_background(folder):
    class Blind:
        name = "blind"

        def __call__(self, *anything):
            return iter(())

    numbers = score(People(folder, "val"), FaceAbove(), Blind())
    assert numbers["parsing"][TRUE_MASK]["classes"]["face"]["iou"] == 0.8
    assert numbers["parsing"][SEGMENTED]["classes"]["face"]["iou"] == 0
    assert numbers["parsing"][SEGMENTED]["classes"]["background"]["accuracy"] == 1
    ignorant = type("Ignorant", (), {"name": "ignorant", "__call__": lambda *anything: None})()
    numbers = score(People(folder, "val"), ignorant, Wide())
    assert numbers["parsing"][TRUE_MASK]["body accuracy"] == 0


def test_a_person_of_a_set_without_dashes_in_its_ids(tmp_path):
    write_ids(tmp_path / "AHP", "val", ["0001"])
    write_person(tmp_path / "AHP", replace(someone("ahp-1"), id="0001"))
    assert score(People(tmp_path / "AHP", "val"), FaceAbove(), Wide())["people"] == 1


def test_a_set_without_labels_and_a_refusal_are_told(folder, tmp_path):
    def refuse(person, photo):
        raise Unfit("malformed parsing", "x.png")

    with pytest.raises(DeoccludeError, match=r"ccp-1\.jpg: the parser refuses this person \(x.png: malf"):
        score(People(folder, "val"), refuse, Wide())
    write_ids(folder, "val", ["lspet-1"])
    with pytest.raises(DeoccludeError, match="nobody of this split has labels"):
        score(People(folder, "val"), FaceAbove(), Wide())


def test_labels_themselves_cannot_be_scored():
    with pytest.raises(DeoccludeError, match="names no part"):
        open_parser("none")
    with pytest.raises(DeoccludeError, match="cannot be imported"):
        open_parser("no_such_module:Parser")


@pytest.fixture
def command(monkeypatch, tmp_path):
    (tmp_path / "scored_plug_in.py").write_text(PLUG_IN)
    monkeypatch.syspath_prepend(tmp_path)

    def call(*arguments):
        options = ("--parser", "scored_plug_in:Faces", "--segmenter", "scored_plug_in:Box")
        monkeypatch.setattr("sys.argv", ["deocclude", "ahp", "parser-score", *map(str, arguments), *options])
        with pytest.raises(SystemExit) as left:
            main()
        sys.modules.pop("scored_plug_in", None)
        return left.value.code

    return call


def test_the_command_writes_json_and_a_table(folder, command, tmp_path, capsys):
    assert command(folder, "--json", tmp_path / "r.json") in (0, None)
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["parser"], report["segmenter"]) == ("faces", "box")
    assert (report["set"], report["split"], report["people"]) == ("AHP", "val", 2)
    for numbers in report["parsing"].values():
        assert numbers["body accuracy"] == pytest.approx(20 / 45, abs=1e-5)
        assert numbers["classes"]["pants"]["iou"] == 0
    text = capsys.readouterr().out
    assert "2 whole people" in text
    assert "1 without labels" in text
    assert "no pixel in truth" in text


def test_an_output_folder_that_is_not_there_is_told_first(folder, command, tmp_path):
    assert "make it first" in command(folder, "--json", tmp_path / "absent" / "r.json")
