from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from deocclude.ahp import layout
from deocclude.ahp.build import composites
from deocclude.ahp.engine import Engine
from deocclude.ahp.finder import doubtful_people
from deocclude.cli.ahp import app
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson

SERIAL = Engine("serial")


class Lower:
    """Finds whatever is in the lower half of a photo with a bright corner; nobody elsewhere."""

    def __init__(self, *, doubtful: bool = False) -> None:
        assert doubtful

    def __call__(self, photo):
        mask = np.zeros(photo.shape[:2], bool)
        mask[mask.shape[0] // 2 :] = True
        return [DetectedPerson(mask, 0.9)] if photo[0, 0, 0] > 110 else []


@pytest.fixture
def root(tmp_path, figures, objects, monkeypatch):
    for person in figures[:3]:
        layout.write_person(tmp_path / "AHP", person)
    layout.write_ids(tmp_path / "AHP", "val", [person.id for person in figures[:3]])
    for occluder in objects[:3]:
        layout.write_occluder(tmp_path / "AHP", "val", occluder)
    monkeypatch.setattr("deocclude.people.BlazePose", Lower, raising=False)
    doubtful_people.cache_clear()
    yield tmp_path / "AHP"
    doubtful_people.cache_clear()


def test_the_bytes_are_those_of_synthesize(root, tmp_path, tree):
    made, found = composites.freeze(root, tmp_path / "scratch", SERIAL)
    ours = tree(root / "val")
    told = CliRunner().invoke(app, ["synthesize", str(root), "--initial-masks", "--engine", "serial"])
    assert told.exit_code == 0, told.output
    assert tree(root / "val") == ours
    assert made == 9
    assert 0 < found < 9
    assert f"initial masks of {found} of 9" in told.output


def test_the_command_says_how_many_it_made(root):
    told = CliRunner().invoke(app, ["synthesize", str(root), "--per-person", "1", "--count", "2"])
    assert told.exit_code == 0, told.output
    assert f"2 composites in {root / 'val'}" in told.output.replace("\n", "")
    assert len(list((root / "val" / "RGBErased").iterdir())) == 2


def test_again_only_what_is_missing_or_changed(root, tmp_path, tree, figures):
    first = composites.freeze(root, tmp_path / "scratch", SERIAL)
    whole = tree(root / "val")
    times = {path: path.stat().st_mtime_ns for path in (root / "val").rglob("*.*")}
    assert composites.freeze(root, tmp_path / "scratch", SERIAL) == first
    assert {path: path.stat().st_mtime_ns for path in (root / "val").rglob("*.*")} == times
    next((root / "val" / "InitialMasks").glob("*.png")).unlink()
    assert composites.freeze(root, tmp_path / "scratch", SERIAL) == first
    assert tree(root / "val") == whole
    next((root / "val" / "ModalMasks").glob("*.png")).unlink()
    composites.freeze(root, tmp_path / "scratch", SERIAL)
    assert tree(root / "val") == whole
    layout.write_ids(root, "val", [person.id for person in figures[:2]])
    assert composites.freeze(root, tmp_path / "scratch", SERIAL)[0] == 6
    assert {name.rpartition("/")[2].partition("-")[2][:3] for name in tree(root / "val") if "-" in name} == {
        "000", "001",
    }  # fmt: skip


def test_occluders_that_never_fit_are_one_line(root, tmp_path, monkeypatch):
    from deocclude.ahp import frozen
    from deocclude.ahp.synthesis import NotInBin

    def refuse(*arguments):
        raise NotInBin("no occluder fits")

    monkeypatch.setattr(frozen, "occlude", refuse)
    with pytest.raises(DeoccludeError, match="add photos with occluders"):
        composites.freeze(root, tmp_path / "scratch", SERIAL)
