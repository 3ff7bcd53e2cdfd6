from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running_compose import Room

from deocclude.ahp import manifest
from deocclude.ahp.formats.ahp_test import read_samples
from deocclude.ahp.frozen import FrozenComposites
from deocclude.errors import DeoccludeError


@pytest.fixture
def voted(room: Room) -> Room:
    """Three passed, one failed, one waiting, one withdrawn."""
    room.database.set("votes", 2)
    people = sorted(room.take("Ada", count=6))
    for number, person in enumerate(people):
        room.save("Ada", person, angle=number, flipped=number % 2 == 0)
    for person in people[:4]:
        room.vote("cleo", f"{person}-0")
    for person in people[:3]:
        room.vote("Bob", f"{person}-0")
    room.vote("Bob", f"{people[3]}-0", "fail")
    room.undo("ada")
    return room


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_all_passed_is_saved(voted: Room, tmp_path: Path) -> None:
    out = tmp_path / "test-set"
    report = voted.export(out)
    assert (report.passed, report.failed, report.waiting) == (3, 1, 1)
    assert list(manifest.verify(out)) == []
    rows = [json.loads(line) for line in (out / "composites.jsonl").read_text().splitlines()]
    samples = FrozenComposites(out, "test")
    assert [row["id"] for row in rows] == samples.ids == sorted(samples.ids)
    assert len(rows) == 3
    for row, sample, record in zip(rows, samples, samples.records, strict=True):
        assert row["editor"] == "Ada"
        assert [vote["by"] for vote in row["votes"]] == ["Bob", "cleo"]
        assert {vote["verdict"] for vote in row["votes"]} == {"pass"}
        assert row["id"] == f"{row['person']}-0"
        assert row["ratio"] == sample.ratio
        assert row["split"] == "val"
        whole = voted.library.person(row["person"])
        assert np.array_equal(sample.amodal, whole.amodal)
        assert np.array_equal(sample.parsing_amodal, whole.parsing)
        assert np.array_equal(sample.unknown, whole.unknown)
        assert record["occluder"] == row["occluder"] == "coco-chair-0"
        assert record["bin"][0] < sample.ratio <= record["bin"][1]
        left, top, _, bottom = voted.library.people[row["person"]].box
        assert row["place"] == [left, (top + bottom) / 2]
    assert [row["angle"] for row in rows] == [0, 1, 2]
    assert [row["flipped"] for row in rows] == [True, False, True]
    assert len(list(read_samples(out, "test").people)) == 3


def test_the_same_votes_give_the_same_bytes_and_more_votes_more(voted: Room, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    voted.export(one)
    voted.export(two)
    first = contents(one)
    assert contents(two) == first
    voted.export(one)
    assert contents(one) == first
    waiting = voted.take("bob", "vote", 8) + voted.take("cleo", "vote", 8)
    for who in ("bob", "cleo"):
        voted.vote(who, waiting[0])
    assert voted.export(one).passed == 4
    assert {name: content for name, content in contents(one).items() if name in first} != first
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_fewer_votes_wanted_let_more_pass(voted: Room, tmp_path: Path) -> None:
    voted.database.set("votes", 3)
    with pytest.raises(DeoccludeError, match=r"no composite has passed yet \(4 wait"):
        voted.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    voted.database.set("votes", 1)
    assert voted.export(tmp_path / "out").passed == 3


def test_a_killed_export_is_taken_up(voted: Room, tmp_path: Path) -> None:
    out = tmp_path / "out"
    voted.export(out)
    complete = contents(out)
    out.rename(tmp_path / ".out.before")
    (tmp_path / ".out.part" / "test").mkdir(parents=True)
    (tmp_path / ".out.part" / "test" / "stray.png").write_bytes(b"")
    voted.export(out)
    assert contents(out) == complete
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "work"]


@pytest.mark.parametrize("stray", ["notes.txt", "test/InitialMasks/x.png"])
def test_what_others_put_there_is_never_deleted(voted: Room, tmp_path: Path, stray: str) -> None:
    out = tmp_path / "out"
    voted.export(out)
    (out / stray).parent.mkdir(exist_ok=True)
    (out / stray).write_text("mine")
    with pytest.raises(DeoccludeError, match=f"{stray}: no export wrote it"):
        voted.export(out)
    assert (out / stray).read_text() == "mine"


def test_a_folder_of_something_else_is_refused(voted: Room, tmp_path: Path) -> None:
    with pytest.raises(DeoccludeError, match="no export wrote"):
        voted.export(tmp_path)


def test_a_missing_file_is_named(voted: Room, tmp_path: Path) -> None:
    out = tmp_path / "out"
    voted.export(out)
    before = contents(out)
    masks = sorted((voted.work / "composites" / "ModalMasks").glob("*.png"))
    masks[0].unlink()
    with pytest.raises(DeoccludeError, match=rf"{masks[0].name}: no such file"):
        voted.export(out)
    assert contents(out) == before
