import hashlib
import json
import os

import pytest
from typer.testing import CliRunner

from deocclude.ahp import manifest
from deocclude.ahp.manifest import FileEntry, read_manifest, verify, write_manifest
from deocclude.cli import app
from deocclude.errors import DeoccludeError

FILES = {
    "train/JPEGImages/ccp-1.jpg": b"photo",
    "train/Annotations/ccp-1.png": b"",
    "val/samples.json": b"[]\n",
    "a b/ü.txt": b"x" * 100_003,
}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "set"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.fixture
def written(folder):
    write_manifest(folder)
    return folder


def _differences(folder, workers=1):
    return [str(difference) for difference in verify(folder, workers)]


def test_size_and_digest_of_every_file_sorted(written):
    entries = read_manifest(written / "manifest.json")
    assert list(entries) == sorted(FILES)
    for name, content in FILES.items():
        assert entries[name] == FileEntry(len(content), hashlib.sha256(content).hexdigest())
    stored = json.loads((written / "manifest.json").read_text())
    assert stored["files"]["val/samples.json"]["bytes"] == 3


def test_the_same_files_give_the_same_bytes_whatever_the_threads(written):
    first = (written / "manifest.json").read_bytes()
    write_manifest(written, workers=3)
    assert (written / "manifest.json").read_bytes() == first


def test_a_true_copy_has_no_differences(written):
    assert _differences(written) == []


def test_journals_and_unfinished_files_do_not_count(written):
    (written / "prepared.jsonl").write_text("{}\n")
    (written / "val" / ".x.png.12.part").write_bytes(b"half")
    (written / "val" / ".x.json.tmp").write_bytes(b"half")
    assert _differences(written) == []
    write_manifest(written)
    assert set(read_manifest(written / "manifest.json")) == set(FILES)


def test_only_the_manifest_and_journal_at_the_top_are_left_out(written):
    (written / "val" / "manifest.json").write_text("{}")
    (written / "val" / "prepared.jsonl").write_text("{}")
    (written / ".hidden").write_text("{}")
    assert _differences(written) == [
        "extra: .hidden",
        "extra: val/manifest.json",
        "extra: val/prepared.jsonl",
    ]


def test_every_difference_is_named_once(written):
    (written / "train/JPEGImages/ccp-1.jpg").write_bytes(b"phot0")
    (written / "val/samples.json").write_bytes(b"[]")
    (written / "train/Annotations/ccp-1.png").unlink()
    (written / "train/Annotations/ccp-2.png").write_bytes(b"")
    expected = [
        "missing: train/Annotations/ccp-1.png",
        "extra: train/Annotations/ccp-2.png",
        "changed: train/JPEGImages/ccp-1.jpg (same size, other content)",
        "changed: val/samples.json (2 bytes instead of 3)",
    ]
    assert _differences(written) == expected
    assert _differences(written, workers=3) == expected


def test_a_file_name_cannot_forge_a_line(written):
    (written / "x\nmissing: y").write_bytes(b"")
    assert _differences(written) == ["extra: 'x\\nmissing: y'"]


def test_links_are_refused(written, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"photo")
    photo = written / "train/JPEGImages/ccp-1.jpg"
    photo.unlink()
    photo.symlink_to(secret)
    (written / "away").symlink_to(tmp_path)
    assert _differences(written) == [
        "refused: away (a symbolic link)",
        "refused: train/JPEGImages/ccp-1.jpg (a symbolic link)",
    ]
    with pytest.raises(DeoccludeError, match="away: a symbolic link"):
        write_manifest(written)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_opened(written):
    os.mkfifo(written / "pipe")
    assert _differences(written) == ["refused: pipe (not a plain file)"]


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/.",
        "",
        "a\\..\\b",
        "C:/x",
        "a/",
        "a\0b",
    ],
)
def test_paths_out_of_the_folder_are_refused(written, name):
    entry = {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    (written / "manifest.json").write_text(json.dumps({"version": 1, "files": {name: entry}}))
    with pytest.raises(DeoccludeError, match="not a plain path inside the folder") as raised:
        list(verify(written))
    assert "\n" not in str(raised.value)


DIGEST = "0" * 64


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"version": 2, "files": {}}',
        '{"version": 1}',
        '{"version": 1, "files": []}',
        '{"version": 1, "files": {"a": 1}}',
        '{"version": 1, "files": {"a": {"bytes": 1}}}',
        f'{{"version": 1, "files": {{"a": {{"bytes": -1, "sha256": "{DIGEST}"}}}}}}',
        f'{{"version": 1, "files": {{"a": {{"bytes": true, "sha256": "{DIGEST}"}}}}}}',
        f'{{"version": 1, "files": {{"a": {{"bytes": "1", "sha256": "{DIGEST}"}}}}}}',
        '{"version": 1, "files": {"a": {"bytes": 1, "sha256": "XYZ"}}}',
        f'{{"version": 1, "files": {{"a": {{"bytes": 1, "sha256": "{"A" * 64}"}}}}}}',
        f'{{"version": 1, "files": {{"a": {{"bytes": 1, "sha256": "{DIGEST}"}}, '
        f'"a": {{"bytes": 1, "sha256": "{DIGEST}"}}}}}}',
    ],
)
def test_what_is_no_manifest_is_one_line(written, content):
    (written / "manifest.json").write_text(content)
    with pytest.raises(DeoccludeError, match=r"manifest\.json: not a manifest") as raised:
        list(verify(written))
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text(written):
    (written / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeoccludeError, match="not a manifest"):
        list(verify(written))


def test_nothing_to_write(tmp_path):
    with pytest.raises(DeoccludeError, match="no such folder"):
        write_manifest(tmp_path / "no")
    with pytest.raises(DeoccludeError, match="holds no files"):
        write_manifest(tmp_path)


def test_a_failing_write_leaves_the_old_manifest(written, monkeypatch):
    before = (written / "manifest.json").read_bytes()
    (written / "new").write_bytes(b"1")

    def fail(path):
        raise DeoccludeError(f"{path}: cannot be read")

    monkeypatch.setattr(manifest, "_hash", fail)
    with pytest.raises(DeoccludeError, match="cannot be read"):
        write_manifest(written)
    assert (written / "manifest.json").read_bytes() == before


def _invoke(*arguments):
    return CliRunner().invoke(app, ["ahp", "verify", *map(str, arguments)])


def test_the_verb(folder):
    assert _invoke(folder, "--write").exit_code == 0
    result = _invoke(folder, "--workers", 2)
    assert result.exit_code == 0
    assert "every file is as in" in result.output
    (folder / "val/samples.json").unlink()
    (folder / "new").write_bytes(b"")
    result = _invoke(folder)
    assert result.exit_code == 1
    assert "missing: val/samples.json\n" in result.output
    assert "extra: new\n" in result.output


def test_the_verb_without_a_manifest(folder):
    result = _invoke(folder)
    assert isinstance(result.exception, DeoccludeError)
    assert "verify" in str(result.exception)
    assert "--write" in str(result.exception)
