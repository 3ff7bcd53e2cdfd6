import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.coco import CocoReader, Rejected
from deocclude.ahp.sample import Occluder
from deocclude.errors import DeoccludeError


def box_polygon(left: int, top: int, right: int, bottom: int) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def annotation(number: int, category: int, *polygons: list[float], **more: object) -> dict[str, object]:
    points = np.concatenate(polygons).reshape(-1, 2)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    box = [float(left), float(top), float(right - left), float(bottom - top)]
    segmentation = {"segmentation": [*polygons], "bbox": box, "iscrowd": 0}
    return {"id": number, "image_id": 7, "category_id": category, **segmentation, **more}


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    root = tmp_path / "coco"
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    photo = np.random.default_rng(2).integers(0, 255, (260, 420, 3), dtype=np.uint8)
    Image.fromarray(photo).save(root / "images" / "7.jpg")
    annotations = [
        annotation(1, 2, box_polygon(10, 100, 130, 160)),
        annotation(2, 1, box_polygon(180, 40, 230, 200)),
        annotation(3, 1, box_polygon(300, 40, 340, 200)),
        annotation(4, 2, box_polygon(341, 60, 400, 190)),
        annotation(5, 2, box_polygon(10, 10, 80, 30), box_polygon(100, 10, 170, 30)),
        annotation(6, 2, box_polygon(0, 200, 120, 250)),
        annotation(7, 2, box_polygon(150, 210, 190, 240)),
    ]
    instances = {
        "images": [{"id": 7, "file_name": "7.jpg", "height": 260, "width": 420}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "teddy bear"}],
        "annotations": annotations,
    }
    (root / "annotations" / "instances.json").write_text(json.dumps(instances))
    return root


def change(coco, edit):
    path = coco / "annotations" / "instances.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def cut_outs(coco):
    reader = CocoReader(coco)
    return [record for job in reader.jobs() for record in reader.cut_outs(job)]


def test_coco_gives_clean_cut_outs(coco):
    records = cut_outs(coco)
    kept = {record.id: record for record in records if isinstance(record, Occluder)}
    assert set(kept) == {
        "coco-teddy_bear-000000000007-1",
        "coco-person-000000000007-2",
        "coco-person-000000000007-3",
        "coco-teddy_bear-000000000007-4",
    }
    person = kept["coco-person-000000000007-2"]
    assert person.mask.sum() == pytest.approx(50 * 160, rel=0.03)
    photo = np.array(Image.open(coco / "images" / "7.jpg"))
    np.testing.assert_array_equal(person.image, photo[40:200, 180:230])
    reasons = {record.id: record.reason for record in records if isinstance(record, Rejected)}
    assert reasons == {
        "coco-teddy_bear-000000000007-5": "several polygons",
        "coco-teddy_bear-000000000007-6": "touches the border",
    }


def test_an_instance_without_a_pixel_costs_the_others_nothing(coco):
    flat = annotation(9, 2, [1, 1, 1, 1, 1, 1])
    before = {record.id for record in cut_outs(coco)}
    change(coco, lambda content: content["annotations"].append(flat))
    assert {record.id for record in cut_outs(coco)} == before


def test_run_lengths_that_would_crash_the_decoder_are_a_fault_of_the_photo(coco):
    crowd = {"size": [260, 420], "counts": "o" * 9}
    change(coco, lambda content: content["annotations"][4].update(segmentation=crowd))
    with pytest.raises(Unfit, match=r"7\.jpg: annotation 5: .*: malformed mask"):
        cut_outs(coco)


def test_images_and_annotations_without_a_name_are_passed_over(coco):
    def damage(content):
        content["images"].append({"id": 8})
        del content["annotations"][0]["image_id"]

    before = {record.id for record in cut_outs(coco)}
    change(coco, damage)
    assert {record.id for record in cut_outs(coco)} == before - {"coco-teddy_bear-000000000007-1"}


def test_coco_without_its_images(coco):
    (coco / "images" / "7.jpg").unlink()
    with pytest.raises(DeoccludeError, match="none of the annotated images"):
        CocoReader(coco).jobs()


def test_truncated_coco_json_is_refused(coco):
    path = coco / "annotations" / "instances.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DeoccludeError, match=r"instances\.json"):
        CocoReader(coco).jobs()
