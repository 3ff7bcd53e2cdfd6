from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deocclude.ahp.review.workspace import Workspace
from deocclude.cli.ahp import app
from deocclude.errors import DeoccludeError


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["review", *map(str, arguments)])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture
def work(make_workspace: Callable[[Path, int], Workspace], tmp_path: Path) -> Path:
    workspace = make_workspace(tmp_path / "work", 5)
    faults = [{"id": "made-001", "outcome": "ok", "faults": {"disagreement": 0.9}}]
    (workspace.root / "segmented.jsonl").write_text("".join(json.dumps(one) + "\n" for one in faults))
    return workspace.root


def test_automatic_decisions_are_exported_as_such(work: Path) -> None:
    output = run(work, "--auto", "--export", work / "decisions.jsonl")
    assert "5 samples to review" in output
    assert "decided automatically: 4 preserve, 1 refine, 0 discard" in output
    rows = [json.loads(line) for line in (work / "decisions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"made-{number:03d}" for number in range(5)]
    assert [row["decision"] for row in rows] == ["preserve", "refine", *["preserve"] * 3]
    assert all(row["auto"] and row["by"] == ["auto"] for row in rows)


def test_the_same_export_twice_is_the_same_file(work: Path) -> None:
    run(work, "--auto", "--export", work / "one.jsonl")
    run(work, "--auto", "--export", work / "two.jsonl")
    assert (work / "one.jsonl").read_bytes() == (work / "two.jsonl").read_bytes()


def test_refine_out_and_back(work: Path) -> None:
    run(work, "--auto")
    assert "1 samples in" in run(work, "--export-refine", work / "refine.json")
    assert "0 masks refined, 1 came back as they were" in run(work, "--import-refined", work / "refine.json")
    assert "5 preserve, 0 refine, 0 discard" in run(work, "--export", work / "decisions.jsonl")


def test_errors_are_one_line(work: Path, tmp_path: Path) -> None:
    with pytest.raises(DeoccludeError, match="acquire"):
        run(tmp_path / "nowhere")
    with pytest.raises(DeoccludeError, match=r"none.json: No such file"):
        run(work, "--import-refined", work / "none.json")
