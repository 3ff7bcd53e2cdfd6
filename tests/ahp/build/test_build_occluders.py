from __future__ import annotations

import json

import numpy as np
from PIL import Image

from deocclude.ahp.build.run import build
from deocclude.ahp.engine import Engine
from deocclude.ahp.layout import Occluders
from deocclude.ahp.split import split_of

SERIAL = Engine("serial")


def _change(coco, change):
    path = coco / "annotations" / "instances.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_cut_outs_keep_their_pixels_and_the_split_of_their_photo(tmp_path, make_workspace, coco):
    out = tmp_path / "AHP"
    summary = build(make_workspace(tmp_path, 1), out, SERIAL, coco=coco)
    photos = {number: coco / "images" / f"{number:012d}.jpg" for number in (1, 2)}
    expected = {}
    for number, path in photos.items():
        for place, category in enumerate(("person", "dog")):
            left, width = 20 + 190 * place, 110 + 7 * number
            identity = f"coco-{category}-{number:012d}-{10 * number + place}"
            expected[identity] = np.array(Image.open(path))[30:241, left : left + width]
    found = {}
    for split in ("train", "val"):
        if (out / "occluders" / split).is_dir():
            found |= {one.id: (split, one) for one in Occluders(out, split)}
    assert set(found) == set(expected)
    for identity, image in expected.items():
        split, one = found[identity]
        np.testing.assert_array_equal(one.image, image)
        assert one.mask.mean() > 0.97
        assert split == split_of("coco", f"{identity.split('-')[2]}.jpg")
    counted = json.loads((out / "statistics.json").read_text())["coco"]
    assert sum(counted["occluder"].values()) == 4 == summary.occluders.total()


def test_cut_outs_are_shrunk(tmp_path, make_workspace, coco):
    out = tmp_path / "AHP"
    build(make_workspace(tmp_path, 1), out, SERIAL, coco=coco, max_side=128)
    assert {max(Image.open(path).size) for path in out.glob("occluders/*/*.png")} == {128}


def test_malformed_annotations_do_not_stop_the_others(tmp_path, make_workspace, coco):
    def damage(content):
        del content["annotations"][1]["bbox"]
        content["annotations"][2]["id"] = "../../../escaped"
        content["images"][2]["file_name"] = "../../secret.jpg"

    (tmp_path / "secret.jpg").write_bytes((coco / "images" / "000000000001.jpg").read_bytes())
    _change(coco, damage)
    out = tmp_path / "AHP"
    summary = build(make_workspace(tmp_path, 1), out, SERIAL, coco=coco)
    assert sorted(path.name for path in out.glob("occluders/*/*.png")) == [
        "coco-dog-000000000002-21.png",
        "coco-person-000000000001-10.png",
    ]
    told = "\n".join(summary.faults)
    assert "malformed annotation: 000000000001.jpg: KeyError" in told
    assert "malformed id: 000000000002.jpg" in told
    assert "path leaves the data set" in told
    assert len(summary.faults) == 3
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_photo_of_another_size_is_reported(tmp_path, make_workspace, coco):
    _change(coco, lambda content: content["images"][0].update(height=300))
    summary = build(make_workspace(tmp_path, 1), tmp_path / "AHP", SERIAL, coco=coco)
    assert summary.occluders.total() == 2
    assert len(summary.faults) == 1
    assert "403x301" in summary.faults[0]
