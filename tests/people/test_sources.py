import subprocess
import sys

import pytest

from deocclude import people
from deocclude.errors import DeoccludeError


def test_unknown_source():
    with pytest.raises(DeoccludeError, match=r"unknown source of people 'yolo'.*blazepose, maskrcnn"):
        people.load_source("yolo")


def test_names_are_what_reports_show():
    assert people.load_source("blazepose", num_threads=2).name == "blazepose"
    assert people.MaskRCNN.name == "maskrcnn"


def test_all_exports_exist():
    for name in people.__all__:
        assert getattr(people, name) is not None
    with pytest.raises(AttributeError):
        people.Nobody  # noqa: B018


def test_importing_the_folder_is_light():
    heavy = "torch,torchvision,ai_edge_litert,pycocotools"
    code = f"import sys, deocclude.people; print([m for m in '{heavy}'.split(',') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
