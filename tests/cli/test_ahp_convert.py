import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.cli import main

SIZE = (21, 33)
BODY = [4, 3, 20, 3, 20, 17, 4, 17]


def make(folder: Path) -> dict:
    """Two photos, three pedestrians, as KINS 2020 has them."""
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "text.png").write_text("not a photo")
    images = []
    for number, name in ((1, "a.png"), (2, "b.png")):
        pixels = np.full((*SIZE, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name)
        images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
    people = [
        {
            "id": 10 + number,
            "image_id": image,
            "category_id": 2,
            "a_segm": [list(BODY)],
            "i_segm": [list(BODY)],
        }
        for number, image in enumerate((1, 1, 2))
    ]
    people[0]["i_segm"] = [[4, 3, 9, 3, 9, 17, 4, 17]]
    people[2]["category_id"] = 3
    categories = [{"id": 2, "name": "pedestrian"}, {"id": 3, "name": "car"}]
    return {"images": images, "annotations": people, "categories": categories}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the verb on `tmp_path/in` and gives its exit status, stdout and stderr."""

    def call(content, *options, source="kins2020", target="coco", out="out"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "in" / "annotations.json").write_text(text, encoding="utf-8")
        arguments = [str(tmp_path / "in"), str(tmp_path / out), "--from", source, "--to", target, *options]
        monkeypatch.setattr(sys, "argv", ["deocclude", "ahp", "convert", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        code = exit_.value.code
        return code, captured.out, str(code) if isinstance(code, str) else captured.err

    return call


@pytest.fixture
def content(tmp_path):
    return make(tmp_path / "in")


def test_a_conversion_says_what_it_did(run, content, tmp_path):
    code, out, _ = run(content)
    assert not code
    assert "3 people, 2 photos in" in out
    assert len(json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]) == 3


def test_categories_and_whole_people_are_chosen(run, content, tmp_path):
    code, out, _ = run(content, "--category", "pedestrian", "--whole")
    assert not code
    assert "1 people, 1 photos" in out
    assert "2 left out as asked" in out
    assert [path.name for path in (tmp_path / "out" / "photos").iterdir()] == ["a.png"]


def first_image(**keys):
    return lambda content: content["images"][0].update(keys)


def second_person(**keys):
    return lambda content: content["annotations"][1].update(keys)


def without(key):
    return lambda content: content["annotations"][1].pop(key)


def no_record(content):
    content["annotations"][1] = 5


MALFORMED = {
    "file name leads out": (first_image(file_name="../a.png"), r"annotation 10: image 1: .*leads out"),
    "absolute file name": (first_image(file_name="/etc/passwd"), r"annotation 10: image 1: .*leads out"),
    "drive": (first_image(file_name="C:x.png"), r"annotation 10: image 1: .*leads out"),
    "backslash": (first_image(file_name="..\\a.png"), r"annotation 10: image 1: .*leads out"),
    "no file name": (first_image(file_name=None), r"annotation 10: image 1: None is no file name"),
    "two lines": (first_image(file_name="a\n.png"), r"annotation 10: image 1: .*no file name"),
    "half a letter": (first_image(file_name="\ud800.png"), r"annotation 10: image 1: .*no file name"),
    "photo missing": (first_image(file_name="c.png"), r"10: image 1: .*c\.png is missing.*--photos"),
    "no photo": (first_image(file_name="text.png"), r"10: image 1: .*text\.png is no readable photo"),
    "size of the photo": (first_image(height=22), r"annotation 10: image 1: .*33x21 .*say 33x22"),
    "two points": (second_person(a_segm=[[1, 1, 5, 5]]), r"annotation 11: a polygon of 2 points"),
    "no mask": (second_person(a_segm=None), r"annotation 11: a mask that is neither"),
    "empty person": (second_person(a_segm=[], i_segm=[]), r"annotation 11: the amodal mask is empty"),
    "key missing": (without("i_segm"), r"annotation 11: 'i_segm' is missing"),
    "mask of another size": (
        second_person(a_segm={"size": [5, 5], "counts": [25]}),
        r"annotation 11: the mask is \[5, 5\] pixels, its photo \[33, 21\]",
    ),
    "cut run lengths": (
        second_person(a_segm={"size": [21, 33], "counts": "T1"}),
        r"annotation 11: run lengths of \d+ pixels for 693",
    ),
    "duplicate id": (second_person(id=10), r"annotation 10: its id is there twice"),
    "image not listed": (second_person(image_id=9), r"annotation 11: image 9 is not listed"),
    "category not listed": (second_person(category_id=9), r"annotation 11: category 9 is not listed"),
    "no record": (no_record, r"annotation number 1: is no record"),
    "ID unfit": (second_person(deocclude={"id": "../x"}), r"annotation 11: the ID '../x' cannot"),
    "side record": (second_person(deocclude=4), r"annotation 11: 'deocclude' is no record"),
    "side original": (second_person(deocclude={"original": "../x"}), r"annotation 11: .*leads out"),
    "side parsing": (second_person(deocclude={"parsing_modal": {"x": {}}}), r"annotation 11: .*class 'x'"),
    "same ID": (second_person(deocclude={"id": "kins2020-1-10"}), r"kins2020-1-10: the ID is there twice"),
}


@pytest.mark.parametrize(("change", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_people_are_refused_in_one_line_and_leave_nothing(change, message, run, content, tmp_path):
    change(content)
    code, _, error = run(content, out="deep/er/out")
    assert code
    assert re.search(message, error), error
    assert str(tmp_path / "in") in error
    assert "\n" not in error.strip()
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(("change", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_people_are_skipped_and_listed_if_asked(change, message, run, content, tmp_path):
    change(content)
    code, out, _ = run(content, "--skip-bad")
    assert not code
    dropped = [json.loads(line) for line in (tmp_path / "out" / "dropped.jsonl").read_text().splitlines()]
    kept = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    assert len(kept) + len(dropped) == 3
    assert len(kept) >= 1
    assert all(set(one) == {"source", "id", "reason", "where"} for one in dropped)
    assert re.search(message, dropped[0]["reason"])
    assert f"{len(dropped)} malformed" in out


WHOLE_FILES = {
    "truncated": ('{"images": [],\n "annotations": [{"id"', r"annotations\.json: line 2: not JSON"),
    "empty": ("", r"annotations\.json: line 1: not JSON"),
    "list": ("[]", r"annotations\.json: no lists 'images' and 'annotations'"),
    "no images": ('{"annotations": []}', r"annotations\.json: no lists 'images'"),
    "image id twice": ('{"images": [{"id": 1}, {"id": 1}], "annotations": []}', r"image 1 \(number 1\)"),
    "image without id": ('{"images": [{}], "annotations": []}', r"image None \(number 0\)"),
    "categories": ('{"images": [], "annotations": [], "categories": [{}]}', r"a category without id"),
    "nobody": ('{"images": [], "annotations": []}', r"nobody to convert"),
    "nesting": ("[" * 100_000, r"annotations\.json: "),
}


@pytest.mark.parametrize(("text", "message"), WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_malformed_files_are_refused_in_one_line(text, message, run, content, tmp_path):
    code, _, error = run(text, "--skip-bad")
    assert code
    assert re.search(message, error), error
    assert "\n" not in error.strip()
    assert not (tmp_path / "out").exists()


def test_regions_of_cocoa_are_named(run, content, tmp_path):
    person = {"segmentation": BODY, "name": "person", "isStuff": 0}
    bad = {**person, "visible_mask": {"size": [21, 33], "counts": [3]}}
    annotation = {"id": 5, "image_id": 1, "regions": [person, bad]}
    content["annotations"] = [annotation]
    code, _, error = run(content, source="cocoa")
    assert code
    assert "annotations.json: annotation 5, region 2: run lengths of 3 pixels for 693" in error
    annotation["depth_constraint"] = "1-2,2-7"
    code, _, error = run(content, source="cocoa")
    assert "annotation 5, region 1: the depth constraint '2-7' names no two of 2 regions" in error
    content["annotations"] = [{"id": 5, "image_id": 1}]
    code, _, error = run(content, source="cocoa")
    assert "annotation 5: has no list 'regions'" in error


@pytest.mark.parametrize(
    ("options", "formats", "message"),
    [
        ((), {"source": "voc"}, r"--from voc: no such format; choose one of ahp, ahp-test, coco"),
        ((), {"target": "yolo"}, r"--to yolo: no such format"),
        (("--split", "val"), {}, r"--split val: neither kins2020 nor coco has splits"),
        (("--split", "../x"), {"target": "ahp-test"}, r"--split \.\./x: the ID"),
        (("--photos", "/nowhere"), {}, r"/nowhere: no such folder"),
        (("--photos", "."), {"source": "ahp"}, r"--photos \.: ahp brings its photos along"),
        ((), {"source": "ahp"}, r"no train/JPEGImages"),
        ((), {"source": "ahp-test"}, r"no RGBErased folder"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options, formats, message, run, content, tmp_path):
    code, _, error = run(content, *options, **formats)
    assert code
    assert re.search(message, error), error
    assert "\n" not in error.strip()
    assert not (tmp_path / "out").exists()


def test_unpaired_letters_do_not_stop_a_conversion(run, content, tmp_path):
    content["annotations"][0]["author"] = "\ud800"
    content["annotations"][1]["id"] = "\udfff\n"
    content["annotations"][1]["image_id"] = 9
    code, _, error = run(content)
    assert code
    assert "\n" not in error.strip()
    assert not run(content, "--skip-bad")[0]
    assert len((tmp_path / "out" / "dropped.jsonl").read_text().splitlines()) == 1
    assert not run(
        json.loads((tmp_path / "out" / "annotations.json").read_text()), source="coco", out="back"
    )[0]


def test_what_a_killed_run_left_is_swept_away(run, content, tmp_path):
    (tmp_path / ".out.part" / "photos").mkdir(parents=True)
    (tmp_path / ".out.part" / "photos" / "old.png").write_bytes(b"old")
    assert not run(content)[0]
    assert sorted(path.name for path in (tmp_path / "out" / "photos").iterdir()) == ["a.png", "b.png"]
    assert not (tmp_path / ".out.part").exists()


def test_people_without_an_original_are_announced(run, content):
    assert "of 3 no photo without the occluder is known" in run(content, target="ahp-test")[1]


def test_an_output_that_is_there_is_left_alone(run, content, tmp_path):
    (tmp_path / "out").mkdir()
    assert not run(content)[0], "an empty folder may be filled"
    before = (tmp_path / "out" / "annotations.json").read_bytes()
    code, _, error = run(content, target="kins")
    assert code
    assert "out: is there already; name another output" in error
    assert (tmp_path / "out" / "annotations.json").read_bytes() == before


def test_two_photos_of_one_name_are_refused(run, content, tmp_path):
    assert not run(content, target="ahp-test", out="AHP")[0]
    folder = tmp_path / "AHP" / "test"
    records = json.loads((folder / "samples.json").read_text())
    records[2]["photo"] = records[0]["photo"]
    (folder / "samples.json").write_text(json.dumps(records))
    from deocclude.ahp.formats.conversion import convert
    from deocclude.errors import DeoccludeError

    with pytest.raises(DeoccludeError, match=r"kins2020-2-12\.png: another photo .* is called a\.png too"):
        convert(tmp_path / "AHP", tmp_path / "out", "ahp-test", "coco")
    assert not (tmp_path / "out").exists()
