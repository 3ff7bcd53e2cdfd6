import json

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from deocclude.ahp.segment import run as segment_run
from deocclude.cli.ahp import app
from deocclude.people.person import DetectedPerson


class Box:
    name = "box"

    def __call__(self, patch, box, joints):
        mask = np.zeros(patch.shape[:2], bool)
        mask[box[1] : box[3], box[0] : box[2]] = True
        yield DetectedPerson(mask, 1.0)


def test_from_a_folder_to_masks(tmp_path, monkeypatch):
    data, work = tmp_path / "data", tmp_path / "work"
    data.mkdir()
    Image.fromarray(np.zeros((61, 83, 3), np.uint8)).save(data / "a.png")
    people = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": box}
        for n, box in ((1, [20, 10, 30, 35]), (2, [1, 10, 30, 35]), (3, [20, 20, 15, 15]), (4, [9, 9, -1, 5]))
    ]
    images = [{"id": 1, "file_name": "a.png", "height": 61, "width": 83}]
    content = {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}
    (data / "x.json").write_text(json.dumps(content))
    told = CliRunner().invoke(
        app, ["acquire", "--folder", f"mine={data}", "--out", str(work), "--workers", "1"]
    )
    assert told.exit_code == 0, told.output
    for words in ("at the photo's border", "too small", "box without area", "kept"):
        row = next(line for line in told.output.splitlines() if words in line)
        assert row.split("│")[2].strip() == "1"
    assert [json.loads(line)["id"] for line in (work / "candidates.jsonl").read_text().splitlines()] == [
        "mine-a-1"
    ]
    monkeypatch.setattr(segment_run, "load_segmenter", lambda name: Box())
    segment_run._models.cache_clear()
    told = CliRunner().invoke(app, ["segment", str(work), "--parser", "none", "--workers", "1"])
    segment_run._models.cache_clear()
    assert told.exit_code == 0, told.output
    assert "mine: 1 ok" in told.output
    assert (np.array(Image.open(work / "masks" / "mine-a-1.png")) > 0).sum() == 30 * 35


def test_limits_are_options(tmp_path):
    (tmp_path / "d").mkdir()
    Image.fromarray(np.zeros((61, 83, 3), np.uint8)).save(tmp_path / "d" / "a.png")
    people = [{"id": n, "image_id": 1, "bbox": box} for n, box in ((1, [0, 10, 30, 35]), (2, [20, 20, 5, 5]))]
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": people}
    (tmp_path / "d" / "x.json").write_text(json.dumps(content))
    options = ["--folder", str(tmp_path / "d"), "--workers", "1", "--min-pixels", "25", "--gutter", "0"]
    told = CliRunner().invoke(app, ["acquire", *options, "--out", str(tmp_path / "w")])
    assert told.exit_code == 0, told.output
    assert len((tmp_path / "w" / "candidates.jsonl").read_text().splitlines()) == 2


def test_nothing_given_is_an_error(tmp_path):
    told = CliRunner().invoke(app, ["acquire", "--out", str(tmp_path)])
    assert told.exit_code != 0
    assert "--openimages" in str(told.exception)
