"""MATLAB files, which SBD and Leeds Sports Pose come in; scipy reads them, where it is installed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from deocclude.ahp.acquire.checks import Unfit
from deocclude.errors import DeoccludeError, described


def require_scipy(path: Path) -> ModuleType:
    """scipy.io. Raises DeoccludeError, naming the file that needs it, if it is not installed."""
    try:
        import scipy.io
    except ImportError:
        raise DeoccludeError(f"{path}: MATLAB files need scipy; run `pip install scipy`") from None
    return scipy.io


def load(path: Path, variable: str) -> Any:
    """A variable of a MATLAB file. Raises Unfit if the file is missing, damaged, or has no such variable."""
    reader = require_scipy(path)
    try:
        return reader.loadmat(path)[variable]
    except FileNotFoundError:
        raise Unfit("mask missing", str(path)) from None
    except Exception as error:  # damaged files raise whatever the bytes lead scipy to
        raise Unfit("broken MATLAB file", described(error, str(path))) from None
