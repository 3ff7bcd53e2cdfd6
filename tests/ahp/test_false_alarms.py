import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from deocclude.ahp.batches import BatchSettings, CompositeDataset
from deocclude.ahp.engine import HERE, Engine
from deocclude.ahp.false_alarms import FalseAlarms, write_false_alarms
from deocclude.ahp.split import split_of
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson


@pytest.fixture
def root(ahp_folder, tmp_path):
    return Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))


class SeesGhosts:
    """Claims one person in the left half of every photo, and another in the right half of wide ones."""

    name = "ghosts"

    def __call__(self, photo):
        height, width = photo.shape[:2]
        left = np.zeros((height, width), dtype=bool)
        left[10:, : width // 2] = True
        people = [DetectedPerson(left, 0.2)]
        return [*people, DetectedPerson(left[:, ::-1].copy(), 0.2)] if width > 200 else people


@pytest.fixture
def coco(write_coco):
    """Photos 0.jpg .. 29.jpg; the even ones show a person, the odd ones a chair at most."""
    annotations = []
    for number in range(30):
        if number % 5:
            annotations.append(
                {"id": number, "image_id": number, "category_id": 62 if number % 2 else 1, "iscrowd": 0,
                 "bbox": [5, 5, 9, 9], "area": 81, "segmentation": [[5, 5, 14, 5, 14, 14, 5, 14]]}
            )  # fmt: skip
        elif number % 2 == 0:
            annotations.append({"id": number, "image_id": number, "category_id": 1, "iscrowd": 1})
    return write_coco([(90 + number, 400 if number == 1 else 101) for number in range(30)], annotations)


def test_only_photos_without_people_are_taken_each_in_its_split(coco, root):
    written, faults = write_false_alarms(root, coco, HERE, 200, SeesGhosts)
    assert faults == []
    odd = [f"{number}.jpg" for number in range(1, 30, 2)]
    for split in ("train", "val"):
        folder = root / "false_alarms" / split
        expected = {f"coco-{name.removesuffix('.jpg')}" for name in odd if split_of("coco", name) == split}
        assert {path.stem for path in (folder / "JPEGImages").glob("*.jpg")} == expected
        assert len(list((folder / "InitialMasks").glob("*.png"))) == written[split]
    assert sum(written.values()) == len(odd)  # the wide photo is 200 px wide by then, so it gets one ghost


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_writes_the_same_bytes(coco, root, tmp_path, engine):
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    here = write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    assert write_false_alarms(tmp_path / "other", coco, Engine(engine, 2), finder=SeesGhosts) == here
    whole, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*g")}
        for folder in (root / "false_alarms", tmp_path / "other" / "false_alarms")
    )
    assert len(whole) > 20
    assert whole == other


def test_damaged_photos_are_named_and_the_others_are_taken(coco, root, tmp_path):
    annotations = coco / "annotations" / "instances.json"
    content = json.loads(annotations.read_text())
    content["images"][3]["file_name"] = "../../secret.jpg"
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] != 3]
    del next(one for one in content["annotations"] if one["image_id"] == 7)["category_id"]
    annotations.write_text(json.dumps(content))
    (tmp_path / "secret.jpg").write_bytes((coco / "images" / "3.jpg").read_bytes())
    (coco / "images" / "5.jpg").write_bytes(b"no photo")
    stale = root / "false_alarms" / "train" / "InitialMasks" / "coco-stale-0.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    written, faults = write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    assert len(faults) == 3
    for words in ("../../secret.jpg: Unfit", "7.jpg: KeyError", "5.jpg: not a readable image"):
        assert any(words in fault for fault in faults), words
    assert sum(written.values()) == 13  # twelve photos, one of them wide
    assert not stale.exists()
    assert not list(root.rglob("*secret*"))


def test_samples_show_nobody_under_the_mask_that_was_written(coco, root):
    write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    alarms = FalseAlarms(root, "train")
    assert len(alarms) > 5
    for sample, mask in alarms:
        assert not (sample.modal | sample.amodal | sample.invisible | sample.unknown).any()
        assert not (sample.parsing_modal | sample.parsing_amodal).any()
        np.testing.assert_array_equal(mask, max(
            (person.mask for person in SeesGhosts()(sample.occluded)), key=lambda ghost: (ghost == mask).sum()
        ))  # fmt: skip


def test_each_photo_is_given_once(coco, root):
    write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    alarms = FalseAlarms(root, "train")
    photos = alarms.photos
    assert len(photos) == len(list((root / "false_alarms" / "train" / "JPEGImages").iterdir())) < len(alarms)
    for sample, _ in alarms:
        assert sum(np.array_equal(sample.occluded, photo) for photo in photos) == 1


def test_their_share_of_the_training_samples(coco, root):
    write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    settings = BatchSettings(false_alarms=0.5)
    dataset = CompositeDataset(root, "train", size=64, settings=settings)
    items = [dataset[index] for index in range(40)]
    nobody = [not item["amodal"].any() for item in items]
    assert 8 < sum(nobody) < 32
    for item, empty in zip(items, nobody, strict=True):
        assert item["initial"].any()
        if empty:
            assert not item["parsing_amodal"].any()
            assert bool(item["known"].any())
    again = CompositeDataset(root, "train", size=64, settings=settings)[7]
    assert all((again[name] == value).all() for name, value in items[7].items())


def test_without_false_alarms_the_error_names_the_command(ahp_folder):
    with pytest.raises(DeoccludeError, match="ahp false-alarms"):
        CompositeDataset(ahp_folder, "train", settings=BatchSettings(false_alarms=0.1))


def test_a_mask_of_another_size_is_refused(coco, root):
    write_false_alarms(root, coco, HERE, finder=SeesGhosts)
    path = next((root / "false_alarms" / "train" / "InitialMasks").glob("*.png"))
    cv2.imwrite(str(path), np.ones((5, 7), np.uint8))
    with pytest.raises(DeoccludeError, match=path.name):
        list(FalseAlarms(root, "train"))
