import json

import numpy as np
import pytest

from deocclude.ahp.acquire.coco import Coco
from deocclude.ahp.acquire.folder import Folder
from deocclude.ahp.acquire.objects365 import Objects365
from deocclude.errors import DeoccludeError


def image(number=7, name="a.jpg", height=61, width=83):
    return {"id": number, "file_name": name, "height": height, "width": width}


def person(number, segmentation=None, bbox=(20, 10, 30, 35), image_id=7, **more):
    given = {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, "bbox": list(bbox)}
    return given | {"segmentation": segmentation or []} | more


def reasons(dropped):
    return {one.id: one.reason for one in dropped}


def test_coco_gives_masks_joints_and_the_boxes_of_all_others(tmp_path, photo, coco_json, read, kneeling):
    photo(tmp_path / "val2017" / "a.jpg")
    dog = {
        "id": 5,
        "image_id": 7,
        "category_id": 18,
        "bbox": [1.5, 2.25, 9, 8],
        "segmentation": [[1, 2, 9, 2, 9, 9]],
    }
    coco_json(
        tmp_path / "annotations" / "instances_val2017.json",
        [image(), image(8, "nobody.jpg")],
        [dog, person(3, [kneeling]), person(4), {**dog, "id": 6, "image_id": 8}],
    )
    joints = [30, 20, 2, 40, 38, 1] + 15 * [0, 0, 0]
    keypoints = {"images": [], "annotations": [{"id": 3, "image_id": 7, "keypoints": joints}]}
    (tmp_path / "annotations" / "person_keypoints_val2017.json").write_text(json.dumps(keypoints))
    kept, dropped = read(Coco(tmp_path))
    assert dropped == []
    assert set(kept) == {"coco-000000000007-3", "coco-000000000007-4"}
    first, second = kept.values()
    assert (first.box, second.box) == ((21, 12, 51, 42), (20, 10, 50, 45))
    assert first.photo == tmp_path / "val2017" / "a.jpg"
    assert first.mask.sum() == 10 * 30 + 20 * 10
    assert second.mask is None
    assert second.joints is None
    np.testing.assert_array_equal(first.joints, np.array(joints, float).reshape(17, 3))
    assert first.others == ((1, 2, 11, 11), (20, 10, 50, 45))


def test_every_kind_of_damage_is_one_dropped_person_and_the_rest_is_kept(
    tmp_path, photo, coco_json, read, kneeling
):
    photo(tmp_path / "images" / "a.jpg")
    photo(tmp_path / "images" / "other size.jpg", 30, 30)
    photo(tmp_path / "images" / "turned.jpg", orientation=6)
    (tmp_path / "images" / "no photo.jpg").write_bytes(b"GIF?")
    photo(tmp_path / "outside.jpg")
    names = {
        9: "missing.jpg",
        10: "other size.jpg",
        11: "no photo.jpg",
        12: "../outside.jpg",
        13: "/etc/x.jpg",
    }
    names |= {14: "..\\outside.jpg", 15: "turned.jpg", 16: 3}
    annotations = [
        person(1, [kneeling]),
        person(2, bbox=(20, 10, -30, 35)),
        person(3, bbox=(-20, 10, 30, 35)),
        person(4, bbox=(60, 10, 30, 35)),
        person(5, bbox=("a", 10, 30, 35)),
        person(6, [[21, 12, 31, 12]]),
        person(17, {"size": [30, 30], "counts": [900]}),
        person(18, iscrowd=1),
        person(19, keypoints=[1, 2]),
        person(20) | {"bbox": None},
        person(21, image_id=99),
        person(None),
        *(person(number, image_id=number) for number in names),
    ]
    file = coco_json(
        tmp_path / "annotations" / "instances.json",
        [image(), *(image(number, name) for number, name in names.items())],
        [*annotations, {"no": "image"}],
    )
    kept, dropped = read(Coco(tmp_path))
    assert list(kept) == ["coco-000000000007-1"]
    path = "path leaves the data set"
    assert reasons(dropped) == {
        "": "malformed annotation",
        "coco-000000000007-2": "box without area",
        "coco-000000000007-3": "box outside the photo",
        "coco-000000000007-4": "box outside the photo",
        "coco-000000000007-5": "malformed box",
        "coco-000000000007-6": "malformed polygon",
        "coco-000000000007-17": "mask of another size",
        "coco-000000000007-18": "a crowd",
        "coco-000000000007-19": "malformed joints",
        "coco-000000000007-20": "neither mask nor box",
        "coco-000000000007-None": "annotation without id",
        "coco-99-21": "no such image",
        "coco-000000000009-9": "photo missing",
        "coco-000000000010-10": "photo of another size",
        "coco-000000000011-11": "photo unreadable",
        "coco-000000000012-12": path,
        "coco-000000000013-13": path,
        "coco-000000000014-14": path,
        "coco-000000000015-15": "photo stored turned (EXIF)",
        "coco-000000000016-16": "malformed file name",
    }
    where = {one.id: one.where for one in dropped}
    assert where["coco-000000000007-6"].startswith(f"{file}: annotation 6")
    assert where["coco-000000000012-12"].startswith(f"{file}: image 12")
    assert where["coco-000000000009-9"].endswith("missing.jpg")


def test_an_image_listed_twice_is_used_once_and_reported(tmp_path, photo, coco_json, read, kneeling):
    photo(tmp_path / "images" / "a.jpg")
    images = [image(), image(name="b.jpg")]
    coco_json(tmp_path / "annotations" / "instances.json", images, [person(1, [kneeling])])
    kept, dropped = read(Coco(tmp_path))
    assert [one.photo.name for one in kept.values()] == ["a.jpg"]
    assert [one.reason for one in dropped] == ["duplicate id"]


def test_a_truncated_file_gives_what_comes_before_if_its_categories_do(tmp_path, photo, read, kneeling):
    photo(tmp_path / "images" / "a.jpg")
    head = json.dumps({"categories": [{"id": 1, "name": "person"}], "images": [image()]})[:-1]
    body = ", ".join(json.dumps(person(number, [kneeling])) for number in (1, 2, 3))
    path = tmp_path / "annotations" / "instances.json"
    path.parent.mkdir()
    path.write_text(f'{head}, "annotations": [{body[:-20]}')
    kept, dropped = read(Coco(tmp_path))
    assert set(kept) == {"coco-000000000007-1", "coco-000000000007-2"}
    assert [(one.id, one.reason) for one in dropped] == [("", "broken JSON")]
    assert str(path) in dropped[0].where
    path.write_text('{"images": [], "annotations": [' + body)
    with pytest.raises(DeoccludeError, match=r"instances\.json: no categories can be read"):
        read(Coco(tmp_path))


def test_sources_that_are_not_there_are_one_line(tmp_path, coco_json, read):
    for source in (Coco, Objects365, Folder):
        with pytest.raises(DeoccludeError, match=str(tmp_path)):
            source(tmp_path)
    coco_json(tmp_path / "a.json", [], [], categories=[{"id": 1, "name": "cat"}])
    with pytest.raises(DeoccludeError, match=r"a\.json: no category is called"):
        read(Folder(tmp_path))


def test_objects365_has_boxes_in_patches_and_its_own_flags(tmp_path, photo, coco_json, read):
    name = "images/v1/patch8/objects365_v1_00420917.jpg"
    photo(tmp_path / "train" / "patch8" / "objects365_v1_00420917.jpg")
    categories = [{"id": 1, "name": "Person"}, {"id": 2, "name": "Sneakers"}, {"id": 3, "name": "Chair"}]
    more = [
        {"id": 71, "image_id": 7, "category_id": 2, "bbox": [22, 40, 5, 4]},
        {"id": 72, "image_id": 7, "category_id": 3, "bbox": [40, 40, 15, 14]},
    ]
    people = [
        {"id": n, "image_id": 7, "category_id": 1, "bbox": [20.5, 10.5, 30, 35], "iscrowd": 0, **flags}
        for n, flags in (
            (70, {"isfake": 0}),
            (73, {"isfake": 1}),
            (74, {"isreflected": 1}),
            (75, {"iscrowd": 1}),
        )
    ]
    coco_json(
        tmp_path / "annotations" / "zhiyuan_objv2_train.json",
        [image(name=name)],
        people + more,
        categories=categories,
    )
    kept, dropped = read(Objects365(tmp_path))
    (one,) = kept.values()
    assert one.id == "objects365-000000000007-70"
    assert one.mask is None
    assert one.box == (20, 10, 51, 46)
    assert one.others.count((40, 40, 55, 54)) == 1
    assert (22, 40, 27, 44) not in one.others
    assert sorted(d.reason for d in dropped) == ["a crowd", "a depiction", "a reflection"]


def test_a_folder_takes_its_name_and_ids_from_its_photos(tmp_path, photo, coco_json, read, kneeling):
    root = tmp_path / "My crowd!"
    photo(root / "images" / "sub" / "Zoë 1.jpg")
    photo(root / "b.png")
    images = [image("x1", "sub/Zoë 1.jpg"), image("x2", "b.png")]
    annotations = [person("u-1", [kneeling], image_id="x1"), person("u/2", image_id="x2")]
    coco_json(root / "labels.json", images, annotations, categories=[{"id": 1, "name": "Pedestrian"}])
    (root / "tags.json").write_text('["null", "bag"]')
    kept, dropped = read(Folder(root))
    first, second = sorted(kept.values(), key=lambda one: one.photo.name, reverse=False)[::-1]
    assert (first.photo.name, second.photo.name) == ("b.png", "Zoë 1.jpg")
    assert first.id.startswith("my_crowd-b-u_2.")
    assert second.id.startswith("my_crowd-sub_Zo_1-u-1.")
    assert {one.reason for one in dropped} == {"broken JSON", "not COCO JSON"}
    assert all("tags.json" in one.where for one in dropped)


def test_a_folder_without_categories_holds_people_only(tmp_path, photo, coco_json, read):
    photo(tmp_path / "f" / "a.jpg")
    annotation = person(1)
    del annotation["category_id"]
    coco_json(tmp_path / "f" / "x.json", [image()], [annotation], categories=[])
    kept, _ = read(Folder(tmp_path / "f", "mine"))
    assert list(kept) == ["mine-a-1"]


@pytest.mark.parametrize("name", ["coco", "AHP", "!!", "voc"])
def test_a_folder_cannot_take_a_data_sets_name(tmp_path, coco_json, name):
    coco_json(tmp_path / "x.json", [], [])
    with pytest.raises(DeoccludeError, match="--folder NAME="):
        Folder(tmp_path, name)
