from __future__ import annotations

import json

from deocclude.ahp.build.run import build
from deocclude.ahp.engine import Engine
from deocclude.ahp.prepare import prepare

SERIAL = Engine("serial")


def _change(coco, change):
    path = coco / "annotations" / "instances.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_cut_outs_are_those_of_prepare(tmp_path, make_workspace, coco, tree):
    out = tmp_path / "AHP"
    summary = build(make_workspace(tmp_path, 1), out, SERIAL, coco=coco, max_side=128)
    prepare({"coco": coco}, tmp_path / "prepared", max_side=128)
    found = tree(out / "occluders")
    assert found == tree(tmp_path / "prepared" / "occluders")
    assert len(found) == 4 == summary.occluders.total()
    counted = json.loads((out / "statistics.json").read_text())["coco"]
    assert counted == {
        "occluder": json.loads((tmp_path / "prepared" / "statistics.json").read_text())["coco"]["occluder"]
    }


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
