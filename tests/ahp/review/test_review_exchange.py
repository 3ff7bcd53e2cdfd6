from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as run_lengths

from deocclude.ahp.review import decisions
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.decisions import Judgement, decide
from deocclude.ahp.review.exchange import ImportReport, export_refine, import_refined
from deocclude.ahp.review.index import index
from deocclude.ahp.review.workspace import Workspace
from deocclude.errors import DeoccludeError

TO_REFINE = ("made-001", "made-003")


class Exchange:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.database = Database(workspace.root / "review.sqlite")
        index(workspace, self.database)
        with self.database.transaction() as connection:
            for number, sample in enumerate(TO_REFINE):
                decide(connection, f"t{number}", Judgement(sample, "ada", "refine", 1, False), 1)
            decide(connection, "t9", Judgement("made-000", "ada", "preserve", 1, False), 1)
        self.file = workspace.root / "out" / "refine.json"
        self.count = export_refine(workspace, self.database, self.file)
        self.content = json.loads(self.file.read_text())

    def take_back(self, content: object) -> ImportReport:
        self.file.write_text(json.dumps(content))
        return import_refined(self.workspace, self.database, self.file)

    def mask(self, sample: str) -> np.ndarray:
        start = next(start for start, line in self.workspace.lines() if sample.encode() in line)
        found = self.workspace.mask_of(self.workspace.candidate_at(start))
        assert found is not None
        return found

    def exported(self, sample: str) -> dict:
        decisions.export(self.database, self.workspace.root / "d.jsonl")
        rows = [json.loads(line) for line in (self.workspace.root / "d.jsonl").read_text().splitlines()]
        return next(row for row in rows if row["id"] == sample)

    def annotations(self, number: int) -> list[dict]:
        identity = self.content["images"][number]["id"]
        return [one for one in self.content["annotations"] if one["image_id"] == identity]


@pytest.fixture
def exchange(make_workspace: Callable[[Path, int], Workspace], tmp_path: Path) -> Exchange:
    return Exchange(make_workspace(tmp_path / "work", 5))


def test_what_is_to_be_refined_goes_out_with_photos(exchange: Exchange) -> None:
    assert exchange.count == 2
    names = [image["file_name"] for image in exchange.content["images"]]
    assert names == [f"{sample}.png" for sample in TO_REFINE]
    photo = exchange.file.parent / "refine-images" / names[0]
    assert photo.read_bytes() == (exchange.workspace.root / "photo-1.png").read_bytes()
    numbers = [one["id"] for one in exchange.content["annotations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for number, sample in enumerate(TO_REFINE):
        mask = exchange.mask(sample)
        shape = [one["segmentation"][0] for one in exchange.annotations(number)]
        again = run_lengths.decode(run_lengths.merge(run_lengths.frPyObjects(shape, *mask.shape)))
        assert (again & mask).sum() / (again | mask).sum() > 0.97


def test_masks_that_come_back_as_they_were_do_not_change(exchange: Exchange) -> None:
    before = [exchange.mask(sample) for sample in TO_REFINE]
    assert exchange.take_back(exchange.content) == ImportReport(0, 2, ())
    assert all((exchange.mask(sample) == mask).all() for sample, mask in zip(TO_REFINE, before, strict=True))
    assert exchange.exported("made-001")["decision"] == "preserve"
    assert exchange.exported("made-001")["refined"]


def test_renumbered_and_prefixed_files_are_understood(exchange: Exchange) -> None:
    before = exchange.mask("made-001")
    height, width = before.shape
    content, others = exchange.content, exchange.annotations(1)
    content["images"][0] |= {"id": 77, "file_name": "upload\\3\\1a2b3c4d-made-001.png"}
    content["images"][1] |= {"id": 78, "file_name": "images/made-003.png"}
    content["annotations"] = [
        {"id": 5, "image_id": 77, "category_id": 4, "segmentation": [[10, 20, 30, 20, 30, 50, 10, 50]]},
        {"id": 6, "image_id": 77, "category_id": 4, "segmentation": [[40, 60, 45, 60, 45, 70, 40, 70]]},
        *(one | {"image_id": 78} for one in others),
    ]
    assert exchange.take_back(content) == ImportReport(1, 1, ())
    expected = np.zeros((height, width), bool)
    expected[20:50, 10:30] = True
    expected[60:70, 40:45] = True
    assert (exchange.mask("made-001") == expected).all()
    kept = exchange.workspace.root / "masks-before" / "made-001.png"
    assert kept.exists()
    content["annotations"][0]["segmentation"] = [[10, 20, 31, 20, 31, 50, 10, 50]]
    assert exchange.take_back(content).changed == 1
    assert exchange.mask("made-001").sum() == expected.sum() + 30


@pytest.mark.parametrize("packed", [True, False])
def test_run_lengths_are_understood(exchange: Exchange, packed: bool) -> None:
    height, width = exchange.mask("made-001").shape
    wanted = np.zeros((height, width), np.uint8, order="F")
    wanted[7:31, 11:23] = 1
    if packed:
        shape = run_lengths.encode(wanted)
        shape["counts"] = shape["counts"].decode()
    else:
        flat = wanted.ravel(order="F")
        edges = np.flatnonzero(np.diff(flat)) + 1
        counts = np.diff([0, *edges, flat.size])
        shape = {"size": [height, width], "counts": counts.tolist()}
    image = exchange.content["images"][0]
    exchange.content["annotations"] = [{"id": 1, "image_id": image["id"], "segmentation": shape}]
    assert exchange.take_back(exchange.content).changed == 1
    assert (exchange.mask("made-001") == wanted.astype(bool)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file_name": "../../etc/made-000.png"}, "no sample to be refined"),
        ({"file_name": "made-777.png"}, "no sample to be refined"),
        ({"width": 3}, "its photo is"),
        ({"annotations": []}, "has no mask"),
        ({"segmentation": [[1, 2, 3, 4]]}, "damaged"),
        ({"segmentation": {"size": [3, 3], "counts": "abc"}}, "another size"),
        ({"segmentation": "nonsense"}, "damaged"),
    ],
)
def test_damage_is_passed_over_and_named(exchange: Exchange, change: dict, message: str) -> None:
    before = exchange.mask("made-001")
    content = exchange.content
    others = exchange.annotations(1)
    if "annotations" in change:
        content["annotations"] = others
    elif "segmentation" in change:
        content["annotations"] = [exchange.annotations(0)[0] | change, *others]
    else:
        content["images"][0] |= change
    report = exchange.take_back(content)
    assert report.unchanged == 1
    assert report.changed == 0
    assert len(report.passed_over) == 1
    assert message in report.passed_over[0]
    assert str(exchange.file) in report.passed_over[0]
    assert (exchange.mask("made-001") == before).all()
    assert exchange.exported("made-001")["decision"] == "refine"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": 3, "annotations": []}', '{"images": ['])
def test_what_is_no_coco_is_refused(exchange: Exchange, text: str) -> None:
    exchange.file.write_text(text)
    with pytest.raises(DeoccludeError, match=r"refine.json: not COCO JSON"):
        import_refined(exchange.workspace, exchange.database, exchange.file)
