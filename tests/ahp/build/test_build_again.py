from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deocclude.ahp.build.run import build
from deocclude.ahp.engine import Engine
from deocclude.errors import DeoccludeError

SERIAL = Engine("serial")
KILLS = 10


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_writes_the_same_bytes(tmp_path, make_workspace, coco, tree, engine):
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    work = make_workspace(tmp_path, 20)
    first = build(work, tmp_path / "one", SERIAL, coco=coco)
    second = build(work, tmp_path / "two", Engine(engine, 2), coco=coco)
    assert first == second
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_what_is_done_is_not_done_again(tmp_path, make_workspace, coco):
    work, out = make_workspace(tmp_path, 20), tmp_path / "AHP"
    build(work, out, SERIAL, coco=coco)
    photos = [*out.rglob("*.jpg"), *out.rglob("*.png")]
    assert len(photos) > 60
    before = {path: path.stat().st_mtime_ns for path in photos}
    build(work, out, SERIAL, coco=coco)
    assert {path: path.stat().st_mtime_ns for path in photos} == before


def test_changes_and_losses_end_as_if_built_afresh(tmp_path, make_workspace, coco, decide, tree):
    work, out = make_workspace(tmp_path, 40), tmp_path / "AHP"
    build(work, out, SERIAL, coco=coco)
    decide(work, "ccp-002", decision="discard")
    (out / "train" / "Annotations" / "lspet-007.png").unlink()
    (out / "train" / "JPEGImages" / ".ccp-004.jpg.123.part").touch()
    (out / "occluders" / "train" / "stray.png").touch()
    (coco / "images" / "000000000002.jpg").unlink()
    build(work, out, SERIAL, coco=coco)
    assert not (out / "train" / "JPEGImages" / "ccp-002.jpg").exists()
    build(work, tmp_path / "fresh", SERIAL, coco=coco)
    assert tree(out) == tree(tmp_path / "fresh")
    build(work, out, SERIAL)
    assert not list(out.glob("occluders/*/*.png"))


def test_another_size_makes_everybody_anew(tmp_path, make_workspace, tree):
    work, out = make_workspace(tmp_path, 3), tmp_path / "AHP"
    build(work, out, SERIAL)
    build(work, out, SERIAL, max_side=64)
    build(work, tmp_path / "fresh", SERIAL, max_side=64)
    assert tree(out) == tree(tmp_path / "fresh")


def test_a_folder_of_something_else_is_left_alone(tmp_path, make_workspace, tree):
    work, out = make_workspace(tmp_path, 2), tmp_path / "mine"
    (out / "train").mkdir(parents=True)
    (out / "train" / "holiday.jpg").write_bytes(b"precious")
    before = tree(out)
    with pytest.raises(DeoccludeError, match=r"mine: holds files .* give a new folder"):
        build(work, out, SERIAL)
    assert tree(out) == before


def _command(work: Path, out: Path, coco: Path, workers: int) -> list[str]:
    command = [sys.executable, "-m", "deocclude", "ahp", "build", str(work), "--out", str(out)]
    return [*command, "--occluders", str(coco), "--workers", str(workers)]


def _writes(out: Path, since: int) -> bool:
    return any(path.stat().st_mtime_ns > since for path in (out / "train").rglob("*.*g") if path.exists())


@pytest.mark.timeout(600)
def test_ten_kills_change_nothing(tmp_path, make_workspace, coco, decide, tree):
    work = make_workspace(tmp_path, 96, scale=6)
    decide(work, "ccp-010", decision="refine")
    with (work / "candidates.jsonl").open("a") as stream:
        stream.write('{"id": "x-broken')
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    uninterrupted, out = tmp_path / "uninterrupted", tmp_path / "killed"
    subprocess.run(_command(work, uninterrupted, coco, 1), check=True, **quiet)
    dice = random.Random(5)
    kills = 0
    for attempt in range(KILLS):
        before = time.time_ns()
        process = subprocess.Popen(
            _command(work, out, coco, 2 if attempt == 3 else 1), start_new_session=True, **quiet
        )
        while process.poll() is None and not _writes(out, before):
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills == KILLS
    assert not (out / "manifest.json").exists()
    subprocess.run(_command(work, out, coco, 2), check=True, **quiet)
    assert tree(out) == tree(uninterrupted)
    assert len((out / "train" / "ImageSets" / "train.txt").read_text().split()) > 60


def test_a_killed_run_shows_no_half_file(tmp_path, make_workspace, monkeypatch, tree):
    """Whatever the moment: after each single write, what is there is also in the finished data set."""
    from deocclude.ahp import layout
    from deocclude.ahp.build import run

    work = make_workspace(tmp_path, 3)
    build(work, tmp_path / "whole", SERIAL)
    whole = tree(tmp_path / "whole")
    write = layout.write_atomically

    class Killed(BaseException):
        pass

    for moment in range(1, 12):
        left, out = [moment], tmp_path / f"killed-{moment}"

        def count(path, content, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            write(path, content)

        for module in (layout, run):
            monkeypatch.setattr(module, "write_atomically", count)
        with pytest.raises(Killed):
            build(work, out, SERIAL)
        assert tree(out).items() <= whole.items()
        for module in (layout, run):
            monkeypatch.setattr(module, "write_atomically", write)
        build(work, out, SERIAL)
        assert tree(out) == whole
