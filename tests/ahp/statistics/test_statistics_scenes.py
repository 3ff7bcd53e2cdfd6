import sys

import numpy as np
import pytest

from deocclude.ahp.statistics import scenes
from deocclude.ahp.statistics.scenes import count_scenes, load_classifier
from deocclude.errors import DeoccludeError

MODULE = """
import numpy as np

def wide(photo):
    return "wide" if photo.shape[1] > 105 else "narrow"

class Bright:
    def __call__(self, photo):
        return "bright" if photo.mean() > 128 else "dark"

number = 3
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    (tmp_path / "places_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("places_of_mine", None)


def test_a_function_of_a_module_in_the_current_folder(places, figures):
    counts = count_scenes(figures, load_classifier("places_of_mine:wide"))
    wide = sum(person.photo.shape[1] > 105 for person in figures)
    assert counts == {"wide": wide, "narrow": len(figures) - wide}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_a_class_is_made_without_arguments(places, figures):
    bright = sum(person.photo.mean() > 128 for person in figures)
    assert count_scenes(figures, load_classifier("places_of_mine:Bright")).get("bright", 0) == bright


def test_loading_leaves_the_search_path_as_it_was(places):
    before = list(sys.path)
    load_classifier("places_of_mine:wide")
    assert sys.path == before


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("places_of_mine:nothing", "no attribute 'nothing'"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        (":f", "MODULE:NAME"),
        ("places_of_mine:number", "not callable"),
        ("unheard-of", "no such classifier is installed"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(places, spec, message):
    with pytest.raises(DeoccludeError, match=message) as raised:
        load_classifier(spec)
    assert "\n" not in str(raised.value)


def test_an_installed_classifier_is_found_by_its_name(monkeypatch, figures):
    class Points(list):
        names = frozenset({"mine"})

    class Point:
        name = "mine"

        def load(self):
            return lambda photo: "street"

    monkeypatch.setattr(
        scenes, "entry_points", lambda group: Points([Point()] if group == scenes.GROUP else [])
    )
    assert count_scenes(figures, load_classifier("mine")) == {"street": len(figures)}
    with pytest.raises(DeoccludeError, match=r"\(mine\)"):
        load_classifier("other")


def test_a_failing_classifier_is_named_with_the_person(figures):
    def fail(photo: np.ndarray) -> str:
        raise RuntimeError("out of memory")

    with pytest.raises(DeoccludeError, match=rf"{figures[0].id}: .*RuntimeError: out of memory"):
        count_scenes(figures, fail)
    with pytest.raises(DeoccludeError, match=rf"{figures[0].id}: .*gave 7"):
        count_scenes(figures, lambda photo: 7)
