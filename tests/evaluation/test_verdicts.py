import json

import pytest

from deocclude.errors import DeoccludeError
from deocclude.evaluation.verdicts import count_verdicts, read_verdicts, verdicts_line

GALLERY = ["a-0", "b-1", "c-2", "d-0"]


def test_verdicts_are_counted_and_the_wrong_ones_named(tmp_path):
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"c-2": " the hand is lost ", "a-0": "ok"}))
    verdicts = read_verdicts(path, GALLERY)
    counts = count_verdicts(verdicts, GALLERY)
    assert counts == {"ok": 1, "of": 4, "wrong": {"c-2": "the hand is lost"}, "none": ["b-1", "d-0"]}
    assert verdicts_line(counts) == "1 of 4 pictures are ones to show a user; 2 have no verdict"
    everything = count_verdicts(dict.fromkeys(GALLERY, "ok"), GALLERY)
    assert verdicts_line(everything) == "4 of 4 pictures are ones to show a user"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a-0": "ok", "x-1": "ok", "y": "bad"}', "not in the gallery of these 4: x-1, y; take them out"),
        ('{"a-0": "ok", "a-0": "bad"}', "more than one verdict on a-0"),
        ('{"a-0": "", "b-1": 3}', "no text for a-0, b-1"),
        ('["a-0"]', "not an object"),
        ('{"a-0": ', "not JSON"),
    ],
)
def test_what_is_no_verdict_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "v.json"
    path.write_text(text)
    with pytest.raises(DeoccludeError, match=message) as error:
        read_verdicts(path, GALLERY)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DeoccludeError, match=r"absent\.json: cannot be read"):
        read_verdicts(tmp_path / "absent.json", GALLERY)
