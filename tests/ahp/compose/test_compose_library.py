from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deocclude.ahp.compose.library import Library
from deocclude.ahp.compose.sizes import PERSON_METRES, natural_scale
from deocclude.errors import DeoccludeError

ADA = "ccp-000"


def test_a_cut_out_is_as_large_as_it_would_be_beside_the_person() -> None:
    assert natural_scale("person", 200, 100) == pytest.approx(0.5)
    assert natural_scale("chair", 100, 340) == pytest.approx(0.95 / PERSON_METRES * 3.4)
    assert natural_scale("thingummy", 100, 340) is None


def test_things_that_suit_come_first_in_turn_with_people(library: Library) -> None:
    palette = library.palette(ADA, {})
    assert sorted(entry["id"] for entry in palette) == sorted(set(library.cutouts) - {f"person-{ADA}"})
    things = [entry for entry in palette if entry["category"] != "person"]
    assert {entry["category"] for entry in things[:2]} == {"chair"}
    assert things[-1]["category"] == "thingummy"
    assert [entry["category"] == "person" for entry in palette[:6]] == [False, True] * 3
    body = library.people[ADA].body
    for entry in things[:2]:
        longest = max(entry["width"], entry["height"])
        assert entry["scale"] * longest == pytest.approx(0.95 / 1.7 * body, rel=0.01)
    train = next(entry for entry in things if entry["category"] == "train")
    assert train["scale"] == 3


def test_cut_outs_that_were_used_come_later(library: Library) -> None:
    chairs = [entry["id"] for entry in library.palette(ADA, {}) if entry["category"] == "chair"]
    later = [entry["id"] for entry in library.palette(ADA, {chairs[0]: 2}) if entry["category"] == "chair"]
    assert later == chairs[::-1]


def test_damaged_ones_are_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "ahp"
    shutil.copytree(folder, root)
    (root / "occluders" / "val" / "coco-chair-0.png").write_bytes(b"no")
    (root / "train" / "Annotations" / f"{ADA}.png").write_bytes(b"")
    library = Library(root, "val")
    assert "coco-chair-0" not in library.cutouts
    assert ADA not in library.people
    assert f"person-{ADA}" not in library.cutouts
    assert sorted(line.split(":")[0].rpartition("/")[2] for line in library.damaged) == [
        f"{ADA}.png",
        "coco-chair-0.png",
    ]
    assert library.person("ccp-002").id == "ccp-002"
    assert library.occluder("coco-chair-1").id == "coco-chair-1"
    assert library.occluder("person-ccp-002").id == "person-ccp-002"


def test_one_person_and_no_things_are_too_few(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "ahp"
    shutil.copytree(folder, root)
    shutil.rmtree(root / "occluders")
    (root / "train" / "ImageSets" / "val.txt").write_text(f"{ADA}\n")
    with pytest.raises(DeoccludeError, match="1 people and 1 cut-outs of val"):
        Library(root, "val")
