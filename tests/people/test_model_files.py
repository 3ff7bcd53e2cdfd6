import hashlib
import importlib.metadata
import subprocess
import zipfile
from pathlib import Path

import pytest

from deocclude.errors import DeoccludeError
from deocclude.people import model_files
from deocclude.people.model_files import ModelFile, cache_folder, fetch, model_path

CONTENT = {"one": b"first model", "two": b"second model"}


@pytest.fixture(autouse=True)
def small_models(monkeypatch):
    """Two tiny model files, no mediapipe installed, and a pip that must not be asked."""
    models = {
        name: ModelFile(f"mediapipe/{name}.tflite", hashlib.sha256(data).hexdigest())
        for name, data in CONTENT.items()
    }
    monkeypatch.setattr(model_files, "MODEL_FILES", models)

    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", not_installed)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))


def fake_pip(monkeypatch, members, calls, returncode=0, stderr=""):
    def run(command, **options):
        calls.append(command)
        if members is not None:
            folder = Path(command[command.index("--dest") + 1])
            with zipfile.ZipFile(folder / "mediapipe-0.10.21-cp311-none.whl", "w") as wheel:
                for name, data in members.items():
                    wheel.writestr(f"mediapipe/{name}.tflite", data)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_fetch_takes_the_files_out_of_the_wheel_once(tmp_path, monkeypatch):
    calls, said = [], []
    fake_pip(monkeypatch, CONTENT, calls)
    cache = tmp_path / "new" / "cache"
    paths = fetch(cache, said.append)
    assert {name: path.read_bytes() for name, path in paths.items()} == CONTENT
    assert sorted(file.name for file in cache.iterdir()) == ["one.tflite", "two.tflite"]
    assert len(said) == 1
    assert fetch(cache, said.append) == paths
    assert len(calls) == 1
    assert len(said) == 1


def test_pip_is_asked_for_a_fixed_wheel_on_any_python(tmp_path, monkeypatch):
    calls = []
    fake_pip(monkeypatch, CONTENT, calls)
    fetch(tmp_path, lambda _: None)
    line = " ".join(calls[0])
    assert "mediapipe==0.10.21" in line
    assert "--python-version 3.11" in line
    assert "--platform manylinux_2_28_x86_64" in line
    assert "--no-deps" in line
    assert "--index-url" not in line


def test_damaged_file_is_fetched_again(tmp_path, monkeypatch):
    fake_pip(monkeypatch, CONTENT, [])
    fetch(tmp_path, lambda _: None)
    (tmp_path / "one.tflite").write_bytes(b"tampered")
    with pytest.raises(DeoccludeError, match=r"damaged.*deocclude weights fetch"):
        model_path("one", tmp_path)
    fetch(tmp_path, lambda _: None)
    assert model_path("one", tmp_path).read_bytes() == CONTENT["one"]


def test_tampered_wheel_leaves_nothing(tmp_path, monkeypatch):
    fake_pip(monkeypatch, {**CONTENT, "two": b"something else"}, [])
    with pytest.raises(DeoccludeError, match=r"two\.tflite .*wrong sha256"):
        fetch(tmp_path / "cache", lambda _: None)
    assert not (tmp_path / "cache").exists()


def test_wheel_without_the_file(tmp_path, monkeypatch):
    fake_pip(monkeypatch, {"one": CONTENT["one"]}, [])
    with pytest.raises(DeoccludeError, match="damaged"):
        fetch(tmp_path, lambda _: None)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("WARNING: slow\nERROR: No matching distribution found for mediapipe\n", "No matching distribution"),
        ("/usr/bin/python: No module named pip\n", "No module named pip"),
        ("", "no wheel"),
    ],
)
def test_failing_pip_is_one_line(tmp_path, monkeypatch, stderr, reason):
    fake_pip(monkeypatch, None, [], returncode=1, stderr=stderr)
    with pytest.raises(DeoccludeError, match=reason) as error:
        fetch(tmp_path, lambda _: None)
    assert "\n" not in str(error.value)


def test_installed_mediapipe_is_used_without_pip(tmp_path, monkeypatch):
    site = tmp_path / "site" / "mediapipe"
    site.mkdir(parents=True)
    for name, data in CONTENT.items():
        (site / f"{name}.tflite").write_bytes(data)

    class Distribution:
        def locate_file(self, member):
            return tmp_path / "site" / member

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())
    paths = fetch(tmp_path / "cache", lambda _: None)
    assert {name: path.read_bytes() for name, path in paths.items()} == CONTENT

    (site / "one.tflite").write_bytes(b"another version")
    calls = []
    fake_pip(monkeypatch, CONTENT, calls)
    assert fetch(tmp_path / "second", lambda _: None)["one"].read_bytes() == CONTENT["one"]
    assert len(calls) == 1


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(DeoccludeError) as error:
        model_path("one", tmp_path)
    assert str(error.value) == f"one.tflite not found in {tmp_path}; run: deocclude weights fetch"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DEOCCLUDE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("DEOCCLUDE_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "deocclude"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "deocclude"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "deocclude"
