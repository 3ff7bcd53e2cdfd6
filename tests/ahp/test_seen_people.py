"""People of whom only what is seen is known."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from deocclude.ahp.batches import BatchSettings, CompositeDataset
from deocclude.ahp.engine import HERE, Engine
from deocclude.ahp.seen_people import SeenPeople, write_seen_people
from deocclude.ahp.split import split_of
from deocclude.errors import DeoccludeError

PEOPLE = 24
"""Photos with one person each; the first also shows a crowd, the second a child and a ball."""


@pytest.fixture
def root(ahp_folder, tmp_path):
    return Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))


def _polygon(left, top, right, bottom):
    points = [[left, top, right, top, right, bottom, left, bottom]]
    return {"bbox": [left, top, right - left, bottom - top], "segmentation": points, "iscrowd": 0}


@pytest.fixture
def coco(write_coco):
    annotations = [
        {"id": 10 * number, "image_id": number, "category_id": 1, **_polygon(60, 20, 100, 140)}
        for number in range(PEOPLE)
    ]
    counts = [203 * 100, 161 * 203 - 203 * 100]
    annotations += [
        {"id": 1, "image_id": 0, "category_id": 1, "iscrowd": 1, "bbox": [125, 0, 78, 161],
         "segmentation": {"counts": counts, "size": [161, 203]}},
        {"id": 11, "image_id": 1, "category_id": 1, **_polygon(120, 60, 150, 120)},
        {"id": 12, "image_id": 1, "category_id": 37, **_polygon(5, 5, 45, 150)},
    ]  # fmt: skip
    return write_coco([(161 + number, 203) for number in range(PEOPLE)], annotations)


def test_large_people_are_taken_each_in_its_photo_s_split(coco, root):
    written, faults = write_seen_people(root, coco, HERE)
    assert faults == []
    for split in ("train", "val"):
        names = [f"{number}.jpg" for number in range(PEOPLE)]
        expected = {
            f"coco-{int(name[:-4]):012d}-{10 * int(name[:-4])}"
            for name in names
            if split_of("coco", name) == split
        }
        assert {path.stem for path in (root / "seen" / split / "JPEGImages").glob("*")} == expected
        assert written[split] == len(expected)


def test_they_come_back_as_seen_and_incomplete(coco, root):
    write_seen_people(root, coco, HERE)
    people = {person.id: person for split in ("train", "val") for person in SeenPeople(root, split)}
    assert len(people) == PEOPLE
    for person in people.values():
        assert not person.complete
        assert person.source == "coco"
        assert person.amodal.sum() == pytest.approx(40 * 120, rel=0.06)
        assert (person.parsing[person.amodal] == 255).all()
        assert not person.parsing[~person.amodal].any()
    beside_a_crowd = people["coco-000000000000-0"]
    assert beside_a_crowd.unknown.any()
    assert not (beside_a_crowd.unknown & beside_a_crowd.amodal).any()
    assert not people["coco-000000000001-10"].unknown.any()


def test_two_processes_write_the_same_bytes(coco, root, tmp_path):
    here = write_seen_people(root, coco, HERE)
    assert write_seen_people(tmp_path / "other", coco, Engine("processes", 2)) == here
    whole, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*g")}
        for folder in (root / "seen", tmp_path / "other" / "seen")
    )
    assert len(whole) == 2 * PEOPLE + 1
    assert whole == other


def test_damaged_photos_are_named_and_leftovers_go(coco, root):
    stale = root / "seen" / "train" / "JPEGImages" / "coco-stale.jpg"
    stale.parent.mkdir(parents=True)
    stale.touch()
    (coco / "images" / "3.jpg").write_bytes(b"no photo")
    cv2.imwrite(str(coco / "images" / "4.jpg"), np.zeros((20, 30, 3), np.uint8))
    written, faults = write_seen_people(root, coco, HERE)
    assert len(faults) == 2
    for name in ("3.jpg: ", "4.jpg: "):
        assert any(name in fault for fault in faults), name
    assert sum(written.values()) == PEOPLE - 2
    assert not stale.exists()


def test_what_may_be_hidden_of_them_is_not_known(coco, root):
    write_seen_people(root, coco, HERE)
    dataset = CompositeDataset(root, size=64, settings=BatchSettings(seen=0.5, dyed=0.5))
    samples = [dataset.sample(index)[0] for index in range(40)]
    seen = [index for index, sample in enumerate(samples) if not sample.complete]
    as_they_are = [index for index in seen if samples[index].ratio == 0]
    assert 10 <= len(seen) <= 30
    assert 3 <= len(as_they_are) <= len(seen) - 3
    for index, sample in enumerate(samples):
        item = dataset.plain(index)
        if sample.complete:
            assert torch.equal(item["known"], item["known_amodal"])
        else:
            assert torch.equal(item["known_amodal"], item["known"] * item["amodal"])
            assert item["known"].sum() > item["known_amodal"].sum()
    assert dataset.about["seen"] == 0.5


def test_without_them_the_error_names_the_command(ahp_folder):
    with pytest.raises(DeoccludeError, match="ahp seen-people"):
        CompositeDataset(ahp_folder, "train", settings=BatchSettings(seen=0.1))


def test_a_mask_of_another_size_is_refused(coco, root):
    write_seen_people(root, coco, HERE)
    path = next((root / "seen" / "train" / "Annotations").glob("*.png"))
    cv2.imwrite(str(path), np.ones((5, 7), np.uint8))
    with pytest.raises(DeoccludeError, match=path.name):
        list(SeenPeople(root, "train"))
