import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from deocclude.ahp.acquire import Dropped, PhotoEntry, merge, run
from deocclude.ahp.acquire.limits import IN_THE_GUTTER, TOO_SMALL, Limits
from deocclude.ahp.acquire.parts import cut, finish
from deocclude.ahp.acquire.registry import open_sources
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.engine import HERE, Engine
from deocclude.errors import DeoccludeError

PHOTOS = 23


@dataclass(frozen=True)
class Made:
    """Photo n holds n % 3 people, one of them too small now and then; photos 4 and 8 give the same ids."""

    name: str = "made"
    damaged: bool = False

    def photos(self, scratch):
        for n in range(PHOTOS):
            if n == 11:
                yield Dropped(self.name, "", "malformed line", "file: line 11")
            yield PhotoEntry(f"{n}", (n,), (n + 1) / PHOTOS)

    def read(self, entry):
        (n,) = entry.payload
        for k in range(n % 3 + 1):
            number = 5 if n == 8 else (7 * n) % PHOTOS
            side = 10 if (n + k) % 4 == 0 else 30
            box = (6 + k, 6, 6 + k + side, 6 + side)
            yield Candidate(f"{self.name}-{number}-{k}", self.name, Path(f"{n}.jpg"), 50, 60, box)
        if self.damaged and n % 5 == 0:
            raise KeyError("no such thing")


class Stopped(BaseException):
    pass


@dataclass(frozen=True)
class Stopping(Made):
    """Ends the whole process's work, as a kill would, at its n-th photo of the run."""

    calls: itertools.count = itertools.count()  # noqa: RUF009
    last: int = 0

    def read(self, entry):
        if next(self.calls) >= self.last:
            raise Stopped
        yield from super().read(entry)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(run, "_PHOTOS_A_PART", 4)


def content(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == [run.CANDIDATES, run.DROPPED]
    return [(folder / name).read_bytes() for name in names]


def test_files_are_sorted_and_everybody_is_counted(tmp_path):
    summary = run.acquire([Made()], tmp_path, HERE)
    kept = [Candidate.from_json(line) for line in (tmp_path / run.CANDIDATES).read_text().splitlines()]
    dropped = [Dropped(**json.loads(line)) for line in (tmp_path / run.DROPPED).read_text().splitlines()]
    assert [one.id for one in kept] == sorted({one.id for one in kept})
    assert [one.id for one in dropped] == sorted(one.id for one in dropped)
    total = sum(n % 3 + 1 for n in range(PHOTOS))
    assert len(kept) + len(dropped) == total + 1
    counts = summary["made"]
    assert counts.total() == total + 1
    assert counts[run.KEPT] == len(kept)
    assert counts["malformed line"] == 1
    assert counts[TOO_SMALL] == sum((n + k) % 4 == 0 for n in range(PHOTOS) for k in range(n % 3 + 1))
    assert all(one.where.endswith(".jpg") for one in dropped if one.reason == TOO_SMALL)


def test_the_second_of_two_equal_ids_is_dropped(tmp_path):
    everything = [list(Made().read(PhotoEntry("", (n,), 0.0))) for n in range(PHOTOS)]
    people = [one for photo in everything for one in photo if Limits().fault(one) is None]
    first = {}
    for one in people:
        first.setdefault(one.id, one.photo)
    assert len(first) < len(people)
    summary = run.acquire([Made()], tmp_path, HERE)
    kept = [Candidate.from_json(line) for line in (tmp_path / run.CANDIDATES).read_text().splitlines()]
    assert {one.id: one.photo for one in kept} == first
    assert summary["made"]["duplicate id"] == len(people) - len(first)


def test_stopped_anywhere_it_goes_on_and_ends_with_the_same_bytes(tmp_path):
    run.acquire([Made()], tmp_path / "whole", HERE)
    read = 0
    for _ in range(100):
        calls = itertools.count()
        try:
            run.acquire([Stopping(calls=calls, last=7)], tmp_path / "stopped", HERE)
            break
        except Stopped:
            read += next(calls) - 1
            assert not (tmp_path / "stopped" / run.CANDIDATES).exists()
    else:
        pytest.fail("never came to an end")
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")
    assert read < 3 * PHOTOS


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_gives_the_same_bytes(tmp_path, photo, coco_json, kneeling, engine):
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    for n in range(12):
        photo(tmp_path / "d" / "images" / f"{n}.jpg")
    images = [{"id": n, "file_name": f"{n}.jpg", "height": 61, "width": 83} for n in range(13)]
    annotations = [
        {
            "id": 100 * n + k,
            "image_id": n,
            "category_id": 1,
            "bbox": [20, 10, 30, 35],
            "segmentation": [kneeling],
        }
        for n in range(13)
        for k in range(3)
    ]
    coco_json(tmp_path / "d" / "annotations" / "instances.json", images, annotations)
    run.acquire(open_sources({"coco": tmp_path / "d"}), tmp_path / "here", HERE)
    run.acquire(open_sources({"coco": tmp_path / "d"}), tmp_path / "spread", Engine(engine, 2))
    assert content(tmp_path / "here") == content(tmp_path / "spread")
    assert len((tmp_path / "here" / run.CANDIDATES).read_text().splitlines()) == 36


KILLED = """
import os, sys, time
from pathlib import Path
from deocclude.ahp.acquire import PhotoEntry, run
from deocclude.ahp.engine import Engine
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.engine import HERE, Engine

run._PHOTOS_A_PART = 2
out, pause, workers, notes = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])


class Slow:
    name = "slow"

    def photos(self, scratch):
        for n in range(8):
            yield PhotoEntry(str(n), (n,), n / 8)

    def read(self, entry):
        (notes / str(os.getpid())).touch()
        time.sleep(pause)
        yield Candidate(f"slow-{entry.key}", "slow", Path("x.jpg"), 50, 60, (6, 6, 40, 40))


if __name__ == "__main__":
    run.acquire([Slow()], out, Engine(workers=workers))
"""


def runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who is still running")
def test_a_killed_run_leaves_no_process_and_goes_on(tmp_path):
    script, notes = tmp_path / "script.py", tmp_path / "notes"
    script.write_text(KILLED)
    notes.mkdir()

    def start(out, pause, workers):
        command = [sys.executable, str(script), str(tmp_path / out), pause, workers, str(notes)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)

    def until(condition):
        limit = time.monotonic() + 60
        while not condition() and time.monotonic() < limit:
            time.sleep(0.02)

    killed = start("killed", "0.4", "2")
    parts = tmp_path / "killed" / ".acquire" / "slow"
    until(lambda: list(parts.glob("*.part")))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    workers = [path.name for path in notes.iterdir()]
    until(lambda: not any(map(runs, workers)))
    assert workers
    assert not any(map(runs, workers))
    assert 0 < len(list(parts.glob("*.part"))) < 4
    assert start("killed", "0", "1").wait() == 0
    assert start("whole", "0", "1").wait() == 0
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_an_error_nobody_foresaw_drops_the_rest_of_one_photo_only(tmp_path):
    summary = run.acquire([Made(damaged=True)], tmp_path, HERE)
    assert summary["made"]["malformed annotation"] == len(range(0, PHOTOS, 5))
    lines = [json.loads(line) for line in (tmp_path / run.DROPPED).read_text().splitlines()]
    assert any("KeyError" in line["where"] for line in lines if line["reason"] == "malformed annotation")


def test_other_limits_are_another_result(tmp_path):
    with pytest.raises(Stopped):
        run.acquire([Stopping(calls=itertools.count(), last=9)], tmp_path / "a", HERE)
    summary = run.acquire([Made()], tmp_path / "a", HERE, Limits(min_pixels=0, gutter=0))
    assert summary["made"][TOO_SMALL] == 0


def person(mask=None, joints=None, box=(20, 20, 40, 40)):
    return Candidate("a-1", "a", Path("a.jpg"), 60, 80, box, mask=mask, joints=joints)


def masked(top, left, height, width):
    mask = np.zeros((60, 80), bool)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (person(masked(20, 20, 10, 30)), None),
        (person(masked(20, 20, 13, 23)), TOO_SMALL),
        (person(masked(5, 5, 50, 70), box=(0, 0, 80, 60)), None),
        (person(masked(4, 20, 20, 20)), IN_THE_GUTTER),
        (person(masked(36, 20, 20, 20)), IN_THE_GUTTER),
        (person(masked(20, 4, 20, 20)), IN_THE_GUTTER),
        (person(masked(20, 56, 20, 20)), IN_THE_GUTTER),
        (person(box=(5, 5, 75, 55)), None),
        (person(box=(4, 5, 75, 55)), IN_THE_GUTTER),
        (person(box=(20, 20, 37, 37)), TOO_SMALL),
        (person(joints=np.array([[10, 10, 2], [70, 50, 1], [0, 0, 0]]), box=(0, 0, 80, 60)), None),
        (person(joints=np.array([[10, 10, 2], [75, 50, 2]]), box=(0, 0, 80, 60)), IN_THE_GUTTER),
        (person(joints=np.array([[10, 10, 2], [20, 20, 2]]), box=(0, 0, 80, 60)), TOO_SMALL),
    ],
)
def test_limits_judge_by_the_mask_then_the_joints_then_the_box(one, expected):
    assert Limits().fault(one) == expected


def test_many_files_are_merged_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(merge, "_FILES_AT_ONCE", 3)
    rng = np.random.default_rng(6)
    entries = [
        merge.Entry(f"{n:03d}", bool(rng.random() < 0.5), f"text {n}") for n in rng.integers(0, 200, 150)
    ]
    files = []
    for start in range(0, 150, 10):
        lines = [entry.to_line() for entry in sorted(entries[start : start + 10], key=merge.order)]
        files.append(tmp_path / f"{start}")
        files[-1].write_text("".join(f"{line}\n" for line in ("digest", *lines)))
    assert list(merge.merged(files, tmp_path)) == sorted(entries, key=merge.order)


def test_a_part_is_done_again_if_its_items_or_settings_change(tmp_path):
    done = []

    def work(items):
        done.append(list(items))
        return [str(item) for item in items]

    def all_of(items, settings="s"):
        done.clear()
        list(finish(cut(items, 2, tmp_path, settings), work, HERE))
        return list(done)

    assert all_of([1, 2, 3, 4, 5]) == [[1, 2], [3, 4], [5]]
    assert all_of([1, 2, 3, 4, 5]) == []
    assert all_of([1, 2, 3, 9, 5]) == [[3, 9]]
    assert all_of([1, 2, 3, 9, 5, 6]) == [[5, 6]]
    assert all_of([1, 2, 3, 9, 5, 6], "t") == [[1, 2], [3, 9], [5, 6]]


def test_sources_are_named_once_and_exist(tmp_path, coco_json):
    with pytest.raises(DeoccludeError, match="name at least one of --ahp"):
        open_sources({})
    with pytest.raises(DeoccludeError, match="no such folder; give --coco"):
        open_sources({"coco": tmp_path / "nowhere"})
    for name in ("a/same", "b/same"):
        coco_json(tmp_path / name / "x.json", [], [])
    with pytest.raises(DeoccludeError, match="two data sets are called 'same'"):
        open_sources({}, [(None, tmp_path / "a" / "same"), (None, tmp_path / "b" / "same")])
    sources = open_sources({}, [(None, tmp_path / "a" / "same"), ("other", tmp_path / "b" / "same")])
    assert [source.name for source in sources] == ["other", "same"]
