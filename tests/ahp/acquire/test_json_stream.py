import json
import random
from itertools import pairwise

import pytest

from deocclude.ahp.acquire import json_stream
from deocclude.ahp.acquire.json_stream import BrokenJson, array_items

CONTENT = {
    "info": {"images": [{"id": "not at the top"}]},
    "images": [{"id": 1, "file_name": "ä ] , }.jpg"}, {"id": 22}],
    "number": -12.5e3,
    "annotations": [{"id": n, "segmentation": [[n + 0.5] * 6]} for n in range(40)] + [[], 7, "x", None],
    "categories": [],
}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_items_are_those_that_json_itself_reads(tmp_path, monkeypatch, chunk, indent):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(CONTENT, indent=indent), encoding="utf-8")
    found = list(array_items(path, {"images", "annotations", "categories"}))
    assert [item for key, item in found if key == "annotations"] == CONTENT["annotations"]
    assert [item for key, item in found if key == "images"] == CONTENT["images"]
    assert {key for key, _ in array_items(path, {"images"})} == {"images"}


def gather(path, found):
    for _, item in array_items(path, {"annotations"}):
        found.append(item)


def test_a_file_cut_anywhere_gives_what_was_whole_and_the_place(tmp_path):
    text = json.dumps(CONTENT, ensure_ascii=False)
    path = tmp_path / "cut.json"
    counts = []
    for length in sorted(random.Random(3).sample(range(len(text)), 25)):
        path.write_text(text[:length], encoding="utf-8")
        found = []
        with pytest.raises(BrokenJson, match=r"line 1, character \d+"):
            gather(path, found)
        assert found == CONTENT["annotations"][: len(found)]
        counts.append(len(found))
    assert all(first <= second for first, second in pairwise(counts))
    assert counts[-1] > 30


@pytest.mark.parametrize("text", ["", "[1, 2]", '"x"', '{"images": [1 2]}', '{"images": [1]', "{1: 2}", "{]"])
def test_what_is_no_object_is_broken(tmp_path, text):
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(BrokenJson):
        list(array_items(path, {"images"}))


def test_the_line_of_the_damage_is_named(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{\n"images": [\n{"id": 1},\n{"id": oops}\n]}')
    with pytest.raises(BrokenJson, match="line 4"):
        list(array_items(path, {"images"}))


def test_bytes_that_are_no_text_are_broken(tmp_path):
    path = tmp_path / "d.json"
    path.write_bytes(b'{"images": ["\xff\xfe"]}')
    with pytest.raises(BrokenJson):
        list(array_items(path, {"images"}))
