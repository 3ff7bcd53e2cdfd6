from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from deocclude.ahp.candidate import Candidate
from deocclude.errors import DeoccludeError


def candidate(**changes):
    mask = np.zeros((31, 17), dtype=bool)
    mask[5:20, 3:9] = True
    given = {
        "id": "voc-2007_000032.2", "source": "voc", "photo": Path("a b/photo.jpg"), "height": 31, "width": 17,
        "box": (3, 5, 9, 20), "mask": mask, "joints": np.array([[3.25, 5.0, 2.0], [0.0, 0.0, 0.0]]),
        "parsing": Path("parts.png"), "others": ((0, 0, 4, 4), (1, 2, 17, 31)),
    }  # fmt: skip
    return Candidate(**(given | changes))


@pytest.mark.parametrize(
    "changes", [{}, {"mask": None, "joints": None, "parsing": None, "others": ()}], ids=["full", "box only"]
)
def test_a_line_of_json_loses_nothing(changes):
    made = candidate(**changes)
    line = made.to_json()
    assert "\n" not in line
    read = Candidate.from_json(line)
    for field in fields(Candidate):
        ours, theirs = getattr(made, field.name), getattr(read, field.name)
        assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, field.name


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "voc-../../etc"}, {"id": "lip-1"}, {"box": (3, 5, 18, 20)}, {"box": (3, 5, 3, 20)},
        {"box": (-1, 5, 9, 20)}, {"mask": np.zeros((5, 5), bool)}, {"joints": np.zeros((4, 2))},
    ],
)  # fmt: skip
def test_impossible_candidates_are_refused(changes):
    with pytest.raises(ValueError, match=r"voc|lip"):
        candidate(**changes)


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"id": "a-1", "source": "a", "size": [1], "box": []}'])
def test_other_lines_are_one_error(line):
    with pytest.raises(DeoccludeError, match="acquire the people again"):
        Candidate.from_json(line)
