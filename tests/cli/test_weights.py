import pytest
from typer.testing import CliRunner

from deocclude.cli import app
from deocclude.errors import DeoccludeError
from deocclude.people import model_files
from deocclude.weights import store


def invoke(*arguments):
    return CliRunner().invoke(app, ["weights", *arguments], catch_exceptions=True)


def test_fetch_prints_where_the_files_are(monkeypatch, tmp_path):
    monkeypatch.setattr(model_files, "fetch", lambda say: {"pose": tmp_path / "pose.tflite"})
    result = invoke("fetch")
    assert result.exit_code == 0
    assert f"pose: {tmp_path / 'pose.tflite'}" in result.stdout


def test_failing_fetch_raises_the_one_line_error(monkeypatch):
    def fail(say):
        raise DeoccludeError("no pip")

    monkeypatch.setattr(model_files, "fetch", fail)
    result = invoke("fetch")
    assert result.exit_code != 0
    assert isinstance(result.exception, DeoccludeError)


@pytest.mark.parametrize("manifest", [{}, {"lite": {}}])
def test_list_of_nothing(monkeypatch, manifest):
    monkeypatch.setattr(store, "read_manifest", lambda: manifest)
    assert invoke("list").exit_code == 0


def test_list_shows_each_stage(monkeypatch):
    entry = {"file": "m.safetensors", "bytes": 12_300_000, "sha256": "ab" * 32, "licence": "Apache-2.0"}
    monkeypatch.setattr(store, "read_manifest", lambda: {"lite": {"masks": entry, "content": entry}})
    lines = invoke("list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["lite", "content"], ["lite", "masks"]]
    assert all("12.3 MB" in line and "ab" * 32 in line for line in lines)
