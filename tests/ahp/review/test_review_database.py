from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deocclude.ahp.engine import HERE, Engine
from deocclude.ahp.layout import encode_png
from deocclude.ahp.review import decisions
from deocclude.ahp.review.api import ReviewApi
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.index import index
from deocclude.ahp.review.workspace import Workspace
from deocclude.ahp.web.requests import Refused
from deocclude.errors import DeoccludeError

Make = Callable[[Path, int], Workspace]
COUNT = 9


class Room:
    """The review without a server, with a clock that a test turns."""

    def __init__(self, workspace: Workspace, **options: float) -> None:
        self.now = 1000.0
        self.workspace = workspace
        self.database = Database(workspace.root / "review.sqlite")
        self.report = index(workspace, self.database, **options)  # type: ignore[arg-type]
        self.api = ReviewApi(workspace, self.database, 60, lambda: self.now)

    def take(self, who: str, count: int = 1, client: str = "tab", task: str = "judge") -> list[str]:
        request = {"annotator": who, "client": client, "count": count, "task": task}
        return [sample["id"] for sample in self.api.next(request)["samples"]]

    def decide(
        self, who: str, sample: str, choice: str = "preserve", token: str = "", seconds: float = 1
    ) -> dict:
        token = token or f"{who}-{sample}"
        self.now += 0.01
        return self.api.decide(
            {
                "annotator": who,
                "client": "tab",
                "token": token,
                "sample": sample,
                "decision": choice,
                "seconds": seconds,
            }
        )

    def undo(self, who: str, token: str | None = None) -> str | None:
        sample = self.api.undo({"annotator": who, "client": "tab", "token": token})["sample"]
        return None if sample is None else sample["id"]

    def exported(self) -> dict[str, dict]:
        path = self.workspace.root / "decisions.jsonl"
        decisions.export(self.database, path)
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
        return {row["id"]: row for row in rows}


@pytest.fixture
def room(make_workspace: Make, tmp_path: Path) -> Room:
    return Room(make_workspace(tmp_path / "work", COUNT))


def test_two_people_never_see_the_same(room: Room) -> None:
    first, second = room.take("ada", 4), room.take("bob", 4)
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)
    assert room.take("cleo", 4) == sorted(
        set(room.take("dan", 9)) | (set(f"made-{i:03d}" for i in range(COUNT)) - set(first) - set(second))
    )


def test_two_tabs_of_one_person_see_different_samples(room: Room) -> None:
    assert not set(room.take("ada", 4, "one")) & set(room.take("ada", 4, "two"))


def test_leases_expire_and_are_given_back(room: Room) -> None:
    held = room.take("ada", COUNT)
    assert room.take("bob", 1) == []
    room.now += 61
    assert set(room.take("bob", COUNT)) == set(held)
    room.api.release({"annotator": "bob", "client": "tab"})
    assert set(room.take("cleo", COUNT)) == set(held)


def test_a_late_decision_counts_unless_somebody_else_is_at_it(room: Room) -> None:
    first, second = room.take("ada", 2)
    room.now += 61
    assert room.take("bob", 1) == [first]
    with pytest.raises(Refused, match="meanwhile") as refused:
        room.decide("ada", first)
    assert refused.value.status == 409
    assert room.decide("ada", second)["outcome"] == "stored"


def test_a_decision_sent_twice_is_made_once(room: Room) -> None:
    (sample,) = room.take("ada")
    assert room.decide("ada", sample, "discard", "t")["outcome"] == "stored"
    assert room.decide("ada", sample, "discard", "t")["outcome"] == "repeated"
    assert room.decide("ada", sample, "preserve", "t")["outcome"] == "repeated"
    with pytest.raises(Refused):
        room.decide("ada", sample, "preserve", "another tab")
    assert room.exported()[sample]["decision"] == "discard"
    assert room.exported()[sample]["by"] == ["ada"]


def test_undo_goes_back_step_by_step(room: Room) -> None:
    first, second = room.take("ada", 2)
    room.decide("ada", first)
    room.decide("ada", second)
    assert room.undo("bob") is None
    assert room.undo("ada") == second
    assert room.undo("ada") == first
    assert room.undo("ada") is None
    assert room.exported() == {}
    assert room.decide("ada", second, "discard", "again")["outcome"] == "stored"
    assert room.exported()[second]["decision"] == "discard"


def test_undo_of_a_token_is_made_once_and_late_copies_change_nothing(room: Room) -> None:
    (sample,) = room.take("ada")
    room.decide("ada", sample, "discard", "t")
    assert room.undo("ada", "t") == sample
    assert room.undo("ada", "t") == sample
    assert room.decide("ada", sample, "discard", "t")["outcome"] == "repeated"
    assert room.exported() == {}
    assert room.api.state({"annotator": "ada", "client": "tab"})["judged"] == 0


def test_an_undone_sample_is_not_given_to_others(room: Room) -> None:
    (sample,) = room.take("ada")
    room.decide("ada", sample)
    room.undo("ada")
    assert sample not in room.take("bob", COUNT)


def test_skipped_samples_come_last(room: Room) -> None:
    first = room.take("ada")[0]
    room.api.skip({"annotator": "ada", "client": "tab", "task": "judge", "sample": first})
    assert room.take("ada", COUNT)[-1] == first


def test_overlap_is_judged_by_two_people(make_workspace: Make, tmp_path: Path) -> None:
    room = Room(make_workspace(tmp_path / "work", COUNT), overlap=1.0)
    first, second = room.take("ada", COUNT), room.take("bob", COUNT)
    assert len(first) == COUNT
    assert set(first) == set(second)
    assert room.take("cleo", COUNT) == []
    for number, sample in enumerate(first):
        room.decide("ada", sample, "preserve" if number < 6 else "discard")
        room.decide("bob", sample, "preserve" if number < 5 else "discard")
    assert room.take("cleo", COUNT) == []
    state = room.api.state({"annotator": "ada", "client": "tab"})
    assert (state["judged"], state["wanted"], state["mine"]) == (2 * COUNT, 2 * COUNT, COUNT)
    # Observed 8/9; by chance (6*5 + 3*4) / 81 = 42/81: (72 - 42) / (81 - 42).
    assert state["agreement"] == f"Cohen's kappa {30 / 39:.3f} (9 samples, 2 annotators)"


def test_overlap_is_a_share_of_fixed_samples(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", 200)
    room = Room(workspace, overlap=0.25)
    with room.database.transaction() as connection:
        first = [tuple(row) for row in connection.execute("SELECT id, wanted FROM sample ORDER BY id")]
    index(workspace, room.database, 0.25)
    with room.database.transaction() as connection:
        assert first == [
            tuple(row) for row in connection.execute("SELECT id, wanted FROM sample ORDER BY id")
        ]
    shared = sum(wanted == 2 for _, wanted in first)
    assert 30 <= shared <= 70


def test_nothing_is_suggested_where_several_judge(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", 2)
    alone = Room(workspace).api.next({"annotator": "ada", "client": "x", "count": 1})["samples"][0]
    assert alone["suggestion"] == "preserve"
    together = Room(workspace, overlap=1.0).api.next({"annotator": "bob", "client": "x", "count": 1})[
        "samples"
    ][0]
    assert together["suggestion"] is None


def test_many_at_once_judge_everything_exactly_once(make_workspace: Make, tmp_path: Path) -> None:
    room = Room(make_workspace(tmp_path / "work", 40))
    seen: list[str] = []

    def work(who: str) -> None:
        while taken := room.take(who, 3, who):
            for sample in taken:
                seen.append(sample)
                room.decide(who, sample)

    threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(seen) == Counter(f"made-{number:03d}" for number in range(40))
    assert len(room.exported()) == 40


def test_majority_wins_and_ties_are_strict(make_workspace: Make, tmp_path: Path) -> None:
    room = Room(make_workspace(tmp_path / "work", 3), overlap=1.0, judges=3)
    votes = {"made-000": "ppd", "made-001": "prd", "made-002": "pr"}
    names = {"p": "preserve", "r": "refine", "d": "discard"}
    for sample, letters in votes.items():
        for who, letter in zip(("ada", "bob", "cleo"), letters, strict=False):
            room.decide(who, sample, names[letter], seconds=1.5)
    rows = room.exported()
    assert [rows[sample]["decision"] for sample in votes] == ["preserve", "discard", "refine"]
    assert rows["made-000"] == {
        "id": "made-000", "decision": "preserve", "by": ["ada", "bob", "cleo"], "seconds": 4.5,
        "auto": False, "refined": False,
    }  # fmt: skip


def test_auto_is_marked_and_people_count_more(room: Room) -> None:
    assert decisions.decide_automatically(room.database, 1.0) == {"preserve": COUNT}
    assert decisions.decide_automatically(room.database, 2.0) == {"preserve": COUNT}
    (sample, *_) = room.take("ada", COUNT)
    assert room.exported()[sample] == {
        "id": sample, "decision": "preserve", "by": ["auto"], "seconds": 0.0, "auto": True, "refined": False,
    }  # fmt: skip
    room.decide("ada", sample, "discard")
    row = room.exported()[sample]
    assert (row["decision"], row["by"], row["auto"]) == ("discard", ["ada"], False)
    decisions.decide_automatically(room.database, 3.0)
    assert room.exported()[sample]["decision"] == "discard"
    with pytest.raises(Refused, match="name"):
        room.take("Auto")


def test_likely_discards_come_last_and_together(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", COUNT)
    faults = {
        1: {"limbs_unseen": 0.6},
        3: {"disagreement": 0.7},
        4: {"limbs_unseen": 0.5},
        6: {"disagreement": 0.4},
    }
    people = [json.loads(line) for line in workspace.candidates.read_text().splitlines()]
    for number in (1, 4):
        people[number]["joints"] = None
    workspace.candidates.write_text("".join(json.dumps(person) + "\n" for person in people))
    lines = [
        json.dumps({"id": f"made-{number:03d}", "outcome": "ok", "faults": fault})
        for number, fault in faults.items()
    ]
    (workspace.root / "segmented.jsonl").write_text("\n".join(lines) + "\n")
    room = Room(workspace)
    numbers = [int(sample[-3:]) for sample in room.take("ada", COUNT)]
    assert numbers == [0, 2, 5, 7, 8, 6, 3, 1, 4]


def test_a_second_start_keeps_decisions_and_follows_the_files(room: Room) -> None:
    first, second = room.take("ada", 2)
    room.decide("ada", first)
    room.decide("ada", second)
    lines = room.workspace.candidates.read_text().splitlines(keepends=True)
    gone = [line for line in lines if json.loads(line)["id"] != first]
    room.workspace.candidates.write_text("\n" + "".join(reversed(gone)))
    assert index(room.workspace, room.database).samples == COUNT - 1
    assert list(room.exported()) == [second]
    assert room.api.candidate(second).id == second
    with pytest.raises(Refused):
        room.api.candidate(first)
    room.workspace.candidates.write_text("".join(lines))
    assert index(room.workspace, room.database).samples == COUNT
    assert set(room.exported()) == {first, second}


def test_numbers_follow_a_changed_mask(room: Room) -> None:
    candidate = room.api.candidate("made-004")
    assert candidate.mask is not None
    cut = candidate.mask.copy()
    middle = (candidate.box[1] + candidate.box[3]) // 2
    cut[middle - 3 : middle + 3] = False
    room.workspace.save_mask(candidate, cut)
    index(room.workspace, room.database)
    with room.database.transaction() as connection:
        found = dict(tuple(row) for row in connection.execute("SELECT id, suggestion FROM sample"))
    assert found["made-004"] == "discard"
    assert found["made-003"] == "preserve"


def test_damage_is_left_out_and_named(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", 4)
    lines = workspace.candidates.read_text().splitlines(keepends=True)
    naked = replace(workspace.parse(0, lines[1].encode()), mask=None).to_json() + "\n"
    workspace.candidates.write_text(lines[0] + naked + '{"id": "made-0\n' + lines[2] + lines[3])
    (workspace.root / "masks").mkdir()
    (workspace.root / "masks" / "made-003.png").write_bytes(encode_png(np.ones((7, 5), bool)))
    report = Room(workspace).report
    assert (report.samples, report.without_mask) == (2, 1)
    assert len(report.damaged) == 2
    assert any("made-003.png" in line and "5x7" in line for line in report.damaged)
    assert any("candidates.jsonl" in line and "byte" in line for line in report.damaged)


def test_an_id_listed_twice_is_refused(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", 2)
    workspace.candidates.write_text(workspace.candidates.read_text() * 2)
    with pytest.raises(DeoccludeError, match=r"candidates.jsonl: made-000 is listed twice"):
        Room(workspace)


def test_missing_and_foreign_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DeoccludeError, match="acquire"):
        Workspace(tmp_path)
    (tmp_path / "review.sqlite").write_bytes(b"no database, surely not" * 99)
    with pytest.raises(DeoccludeError, match="not a review database"):
        Database(tmp_path / "review.sqlite")
    with sqlite3.connect(tmp_path / "new.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DeoccludeError, match="another version"):
        Database(tmp_path / "new.sqlite")


def test_a_malformed_line_of_segmented_names_its_number(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work", 1)
    (workspace.root / "segmented.jsonl").write_text(
        '{"id": "made-000", "outcome": "ok"}\n{"id": 3, "faults": 4}\n'
    )
    with pytest.raises(DeoccludeError, match=r"segmented.jsonl:2"):
        Room(workspace)


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_comes_to_the_same_samples(make_workspace: Make, tmp_path: Path, engine: str) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    workspace = make_workspace(tmp_path / "work", 80)
    (workspace.root / "masks").mkdir()
    (workspace.root / "masks" / "made-070.png").write_bytes(encode_png(np.ones((7, 5), bool)))
    found = []
    for name, spread in (("here", HERE), ("spread", Engine(engine, 2))):
        database, told = Database(tmp_path / f"{name}.sqlite"), list[int]()
        report = index(workspace, database, progress=told.append, engine=spread)
        assert told == [64, 16]
        with database.transaction() as connection:
            rows = [tuple(row) for row in connection.execute("SELECT * FROM sample ORDER BY id")]
        found.append((report, rows))
        again = index(workspace, database, engine=spread)
        assert again == report
    assert found[0] == found[1]
    assert found[0][0].samples == len(found[0][1]) == 79
