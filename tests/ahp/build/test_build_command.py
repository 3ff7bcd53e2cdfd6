from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from deocclude.ahp.finder import doubtful_people
from deocclude.ahp.layout import People, encode_parsing
from deocclude.ahp.segment import run as segment_run
from deocclude.ahp.split import split_of
from deocclude.atomic import write_atomically
from deocclude.cli.ahp import app
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson

STEPS = [
    "acquire",
    "segment",
    "review --auto",
    "build",
    "synthesize",
    "false-alarms",
    "seen-people",
    "verify --write",
]


def run(*arguments: object) -> str:
    told = CliRunner().invoke(app, ["build", *map(str, arguments)])
    if told.exception is not None:
        raise told.exception
    return told.output


def test_a_workspace_becomes_a_data_set_that_verifies(tmp_path, make_workspace, decide):
    work, out = make_workspace(tmp_path, 5), tmp_path / "AHP"
    decide(work, "ccp-004", auto=True)
    (tmp_path / "data" / "lspet" / "photos" / "001.png").unlink()
    told = run(work, "--out", out, "--engine", "serial")
    assert "train: " in told
    assert "1 of the people judged by --auto alone" in told
    assert "left out: photo missing: lspet-001: " in told
    verified = CliRunner().invoke(app, ["verify", str(out)])
    assert verified.exit_code == 0, verified.output
    again = shutil.copytree(out, tmp_path / "elsewhere")
    next(again.glob("train/Annotations/*")).write_bytes(b"x")
    assert CliRunner().invoke(app, ["verify", str(again)]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "A"], "give WORK, or --auto"),
        (["W", "--out", "A", "--coco", "C"], "go with --auto"),
        (["W", "--out", "A", "--auto", "--ccp", "C"], "leave those out"),
        (["--out", "A", "--auto"], "no data set given"),
        (["W", "--out", "A", "--decisions", "none.jsonl"], "acquire"),
    ],
)
def test_options_that_do_not_fit_are_one_line(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeoccludeError, match=words) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "A").exists()


class Stub:
    """A segmenter and N_i that agree with the tags: everything darker than the bright background."""

    name = "stub"

    def __init__(self, *, doubtful: bool = False) -> None:
        pass

    def __call__(self, photo, box=None, joints=None):
        mask = photo.min(axis=2) < 200
        return iter([DetectedPerson(mask, 0.9)] if mask.any() else [])


@pytest.fixture
def sources(tmp_path, figures, coco, monkeypatch):
    """CCP with people of both splits before a white wall, and COCO with a photo for the validation split."""
    annotations = coco / "annotations" / "instances.json"
    numbers = (f"{number:012d}.jpg" for number in range(100, 200))
    name = next(number for number in numbers if split_of("coco", number) == "val")
    (coco / "images" / "000000000002.jpg").rename(coco / "images" / name)
    annotations.write_text(annotations.read_text().replace("000000000002.jpg", name))
    root = tmp_path / "ccp"
    names = [f"{number:03d}" for number in range(60)]
    chosen = [[name for name in names if split_of("ccp", name) == split][:3] for split in ("train", "val")]
    for place, name in enumerate([*chosen[0], *chosen[1]]):
        figure = figures[place % len(figures)]
        tags = np.pad(figure.parsing, 20)
        if figure.source != "ccp":
            half = np.arange(len(tags))[:, None] < len(tags) // 2
            tags = np.where(np.pad(figure.amodal, 20), np.where(half, 13, 16), 0)
        body = np.pad(figure.amodal, 20)
        photo = np.where(
            body[..., None], np.minimum(np.pad(figure.photo, ((20, 20), (20, 20), (0, 0))), 180), 255
        )
        (root / "photos").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "photos" / f"{name}.jpg"), photo.astype(np.uint8)[..., ::-1])
        lip = {13: 1, 5: 2, 14: 2, 15: 2, 16: 3, 17: 3}
        label = np.vectorize(lambda value, lip=lip: lip.get(int(value), 0))(tags).astype(np.uint8)
        write_atomically(root / "labels" / f"{name}.png", encode_parsing(label))
    (root / "tags.json").write_text(json.dumps(["null", "hair", "shirt", "socks", "bag"]))
    monkeypatch.setattr("deocclude.people.BlazePose", Stub, raising=False)
    monkeypatch.setattr(segment_run, "load_segmenter", lambda name: Stub())
    caches = segment_run._models, doubtful_people
    for cache in caches:
        cache.cache_clear()
    yield ["--ccp", root, "--coco", coco]
    for cache in caches:
        cache.cache_clear()


def test_one_command_from_data_sets_to_a_manifest(tmp_path, sources, tree):
    out = tmp_path / "AHP"
    options = [*sources, "--auto", "--parser", "none", "--engine", "serial"]
    told = run("--out", out, *options)
    lines = [line for line in told.splitlines() if " s  " in line]
    assert [line[:15].strip() for line in lines] == STEPS
    assert all(float(line[15:24]) >= 0 for line in lines)
    people = {split: People(out, split).ids for split in ("train", "val")}
    assert all(identity.startswith("ccp-") for ids in people.values() for identity in ids)
    assert len(json.loads((out / "val" / "samples.json").read_text())) == 3 * len(people["val"]) > 0
    assert len(list((out / "val" / "InitialMasks").glob("*.png"))) == 3 * len(people["val"])
    assert CliRunner().invoke(app, ["verify", str(out)]).exit_code == 0
    whole = tree(out)
    assert tmp_path.joinpath("AHP.work", "decisions.jsonl").is_file()
    run("--out", out, *options)
    assert tree(out) == whole
