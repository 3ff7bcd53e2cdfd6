import json
import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude import __version__, output, overview
from deocclude.errors import DeoccludeError
from deocclude.parsing import LIP_PALETTE
from deocclude.result import DeoccludedPhoto, Patch, Person

HEIGHT, WIDTH = 83, 61
FILES = {
    "initial.png", "modal.png", "amodal.png", "invisible.png", "parsing-modal.png", "parsing-amodal.png",
    "recovered.png", "cutout.png",
}  # fmt: skip
PROVENANCE = {"model": "lite", "weights": {"masks": "ab", "content": "cd"}, "device": "cpu"}


def made_up(people=2, height=HEIGHT, width=WIDTH):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    def one(index):
        box = (5 + index, 10, 45, height - 3)
        shape = (box[3] - box[1], box[2] - box[0])
        amodal = np.ones(shape, bool)
        amodal[:5, :5] = False
        modal = amodal.copy()
        modal[-20:] = False
        maps = {
            "initial": modal,
            "modal": modal,
            "amodal": amodal,
            "parsing_modal": np.where(modal, 13, 0).astype(np.uint8),
            "parsing_amodal": np.where(amodal, 13, 0).astype(np.uint8),
        }
        ratio = (amodal & ~modal).sum() / amodal.sum()
        opacity = (amodal & ~modal) * np.uint8(255)
        painted = Patch(box, np.dstack([np.full((*shape, 3), 7, np.uint8), opacity]))
        return Person(0.75, box, None, ratio, photo, {k: Patch(box, v) for k, v in maps.items()}, painted)

    seconds = {"people": 0.1, "masks": 0.2, "content": 0.3}
    return DeoccludedPhoto(photo, [one(index) for index in range(people)], seconds, "made up")


def write(folder, result=None):
    output.write(result or made_up(), folder, photo_name="a.jpg", provenance=PROVENANCE)


def test_layout_and_contents(tmp_path):
    result = made_up()
    write(tmp_path / "out" / "a", result)
    folder = tmp_path / "out" / "a"
    assert {p.name for p in folder.iterdir()} == {"report.json", "overview.png", "person-1", "person-2"}
    assert [p.name for p in folder.parent.iterdir()] == ["a"]
    for number, person in enumerate(result.people, start=1):
        place = folder / f"person-{number}"
        assert {p.name for p in place.iterdir()} == FILES
        for name in ("initial", "modal", "amodal", "invisible"):
            image = Image.open(place / f"{name}.png")
            assert image.mode == "L"
            np.testing.assert_array_equal(np.array(image), getattr(person, name) * np.uint8(255))
        for name in ("modal", "amodal"):
            image = Image.open(place / f"parsing-{name}.png")
            assert image.mode == "P"
            np.testing.assert_array_equal(np.array(image), getattr(person, f"parsing_{name}"))
            assert tuple(image.getpalette()[39:42]) == tuple(LIP_PALETTE[13])
        np.testing.assert_array_equal(np.array(Image.open(place / "recovered.png")), person.recovered)
        np.testing.assert_array_equal(np.array(Image.open(place / "cutout.png")), person.cutout)


def test_report(tmp_path):
    result = made_up()
    write(tmp_path / "a", result)
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    assert report["version"] == __version__
    assert {key: report[key] for key in PROVENANCE} == PROVENANCE
    assert report["photo"] == {"file": "a.jpg", "width": WIDTH, "height": HEIGHT}
    assert report["seconds"] == {"people": 0.1, "masks": 0.2, "content": 0.3}
    assert report["person_source"] == "made up"
    for entry, person in zip(report["people"], result.people, strict=True):
        assert entry["box"] == list(person.box)
        assert entry["score"] == 0.75
        assert entry["occlusion_ratio"] == pytest.approx(person.occlusion_ratio, abs=1e-6)
        assert entry["areas"] == {
            name: int(getattr(person, name).sum()) for name in ("initial", "modal", "amodal", "invisible")
        }


def test_an_earlier_result_is_replaced_whole(tmp_path):
    write(tmp_path / "a", made_up(people=3))
    write(tmp_path / "a", made_up(people=1))
    assert not (tmp_path / "a" / "person-2").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_result_is_never_replaced(tmp_path, kind):
    precious = tmp_path / "a"
    if kind == "folder":
        precious.mkdir()
        (precious / "thesis.tex").write_text("years of work")
    else:
        precious.write_text("years of work")
    with pytest.raises(DeoccludeError, match="choose another --out"):
        write(precious)
    content = precious / "thesis.tex" if kind == "folder" else precious
    assert content.read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def expect_no_room(folder):
    with pytest.raises(DeoccludeError) as caught:
        write(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    assert "choose another --out" in message


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    real, written = Path.write_bytes, []

    def until_full(self, data):
        written.append(self)
        if len(written) > 5:
            raise OSError(28, "No space left on device", str(self))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    expect_no_room(tmp_path / "new" / "out" / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_earlier_result(tmp_path):
    write(tmp_path / "a", made_up(people=1))
    before = {p: p.read_bytes() for p in (tmp_path / "a").rglob("*.png")}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        expect_no_room(tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert {p: p.read_bytes() for p in (tmp_path / "a").rglob("*.png")} == before


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    expect_no_room(tmp_path / "file" / "a")
    expect_no_room(Path("/proc/nowhere/a"))


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(result):
        raise KeyboardInterrupt

    monkeypatch.setattr(overview, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out" / "a")
    assert list(tmp_path.iterdir()) == []


def test_names_are_distinct():
    photos = [Path(p) for p in ("x/a.jpg", "y/a.png", "y/A.jpg", "b.jpg", "x/a-2.jpg", "a.b.jpg")]
    names = output.distinct_names(photos)
    assert names == ["a", "a-2", "A-3", "b", "a-2-2", "a.b"]
    assert len({name.casefold() for name in names}) == len(photos)


@pytest.mark.parametrize(("height", "width"), [(83, 61), (2000, 61), (60, 900)])
def test_overview_is_a_row_a_person(height, width):
    heights = [overview.draw(made_up(people, height, width)).size for people in (1, 2)]
    assert all(size[0] <= 1800 for size in heights)
    assert heights[1][1] > heights[0][1]


def test_overview_of_a_crowd_stops_at_six():
    six, seven, twelve = (overview.draw(made_up(people)).height for people in (6, 7, 12))
    assert six < seven == twelve
    assert seven - six < 60


def test_overview_shows_the_photo():
    result = made_up(1)
    picture = np.array(overview.draw(result)).reshape(-1, 3)
    assert len(np.unique(picture, axis=0)) > 5000
    assert (picture == 255).all(axis=1).mean() > 0.1
