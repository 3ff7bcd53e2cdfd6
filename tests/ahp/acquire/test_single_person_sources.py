import json
import shutil

import numpy as np
import pytest
import scipy.io

from deocclude.ahp.acquire.ahp import Ahp
from deocclude.ahp.acquire.ccp import Ccp
from deocclude.ahp.acquire.lip import Lip
from deocclude.ahp.acquire.lspet import Lspet
from deocclude.errors import DeoccludeError

HEIGHT, WIDTH = 61, 83


def lip_row(name, joints):
    return ",".join([name, *(str(value) for joint in joints for value in joint)]) + "\n"


@pytest.fixture
def lip(tmp_path, photo, indexed):
    root = tmp_path / "LIP"
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:20, 20:30], labels[20:50, 18:33], labels[50:55, 18:25] = 13, 5, 19
    for name in ("77_471474", "100034_483681"):
        photo(root / "TrainVal_images" / "train_images" / f"{name}.jpg", HEIGHT, WIDTH)
        indexed(root / "TrainVal_parsing_annotations" / "train_segmentations" / f"{name}.png", labels)
        indexed(root / "train_segmentations_reversed" / f"{name}.png", labels[:, ::-1])
    photo(root / "Testing_images" / "315_462476.jpg", HEIGHT, WIDTH)
    poses = root / "TrainVal_pose_annotations"
    poses.mkdir()
    joints = [(25, 15, 1), ("nan", "nan", "nan"), (20, 30, 0), *[("nan", "nan", "nan")] * 13]
    (poses / "lip_train_set.csv").write_text(lip_row("77_471474.jpg", joints) + "broken.jpg,1,2\n")
    return root


def test_lip_gives_mask_parsing_and_joints(lip, read):
    kept, dropped = read(Lip(lip))
    assert set(kept) == {"lip-77_471474", "lip-100034_483681"}
    one = kept["lip-77_471474"]
    assert one.mask.sum() == 10 * 10 + 30 * 15 + 5 * 7
    assert one.box == (18, 10, 33, 55)
    assert "reversed" not in str(one.parsing)
    np.testing.assert_array_equal(one.joints[:3], [[25, 15, 2], [0, 0, 0], [20, 30, 1]])
    assert (one.joints[3:] == 0).all()
    assert kept["lip-100034_483681"].joints is None
    assert [(d.reason, d.where.rpartition(" ")[2]) for d in dropped] == [("malformed joints", "2")]


def test_damaged_lip_people_are_dropped(lip, photo, indexed, read):
    maps = lip / "TrainVal_parsing_annotations" / "train_segmentations"
    indexed(maps / "77_471474.png", np.full((HEIGHT, WIDTH), 20, np.uint8))
    indexed(maps / "100034_483681.png", np.ones((9, 9), np.uint8))
    indexed(maps / "gone.png", np.ones((9, 9), np.uint8))
    indexed(maps / "nobody.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    photo(lip / "nobody.jpg", HEIGHT, WIDTH)
    photo(maps / "colour.png", HEIGHT, WIDTH)
    photo(lip / "colour.jpg", HEIGHT, WIDTH)
    kept, dropped = read(Lip(lip))
    assert kept == {}
    assert {d.id: d.reason for d in dropped if d.id} == {
        "lip-77_471474": "malformed mask",
        "lip-100034_483681": "mask of another size",
        "lip-gone": "photo missing",
        "lip-nobody": "empty mask",
        "lip-colour": "mask unreadable",
    }


def standing(shift=0.0):
    joints = np.array([
        [30, 50], [31, 40], [32, 30], [40, 30], [41, 40], [42, 50], [25, 32], [26, 26], [30, 18], [42, 18],
        [46, 26], [47, 32], [36, 16], [36, 10],
    ], dtype=float)  # fmt: skip
    return joints + shift


def test_lspet_from_json_has_room_around_the_joints(tmp_path, photo, read):
    photo(tmp_path / "images" / "im00002.jpg", HEIGHT, WIDTH)
    names = [str(n) for n in range(14)]
    table = {"joints": names, "xy": {"im00002": standing().tolist(), "im00003": standing().tolist()}}
    (tmp_path / "joints.json").write_text(json.dumps(table))
    kept, dropped = read(Lspet(tmp_path))
    (one,) = kept.values()
    assert one.id == "lspet-im00002"
    assert one.mask is None
    assert one.box == (25 - 12, 0, 47 + 12 + 1, HEIGHT)
    np.testing.assert_allclose(one.joints, np.column_stack([standing(), np.full(14, 2)]))
    assert [(d.id, d.reason) for d in dropped] == [("lspet-im00003", "photo missing")]


@pytest.mark.parametrize("extended", [True, False])
def test_the_original_matlab_files_flag_joints_the_other_way_round(tmp_path, photo, read, extended):
    flags = np.ones(14)
    flags[3] = 0
    people = np.stack([np.column_stack([standing(n), flags]) for n in range(2)])
    joints = people.transpose(1, 2, 0) if extended else people.transpose(2, 1, 0)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": joints})
    names = ["im00001", "im00002"] if extended else ["im0001", "im0002"]
    for name in names:
        photo(tmp_path / "images" / f"{name}.jpg", HEIGHT, WIDTH)
    kept, dropped = read(Lspet(tmp_path))
    assert dropped == []
    assert list(kept) == [f"lspet-{name}" for name in names]
    state = kept[f"lspet-{names[1]}"].joints[:, 2]
    assert state[3] == (0 if extended else 2)
    assert set(np.delete(state, 3)) == {2 if extended else 1}
    np.testing.assert_allclose(kept[f"lspet-{names[1]}"].joints[:, :2], standing(1))


def test_joints_that_cannot_be_opened_are_one_line(tmp_path):
    with pytest.raises(DeoccludeError, match="point --lspet"):
        Lspet(tmp_path)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": np.zeros((5, 5))})
    with pytest.raises(DeoccludeError, match=r"joints\.mat: joints of shape"):
        list(Lspet(tmp_path).photos(tmp_path))


@pytest.mark.parametrize("content", ['{"xy": {"im1": [[1, 2', '{"xy": {"im1": [[1, 2]]}}', "[]"])
def test_a_malformed_table_of_joints_is_one_line(tmp_path, content):
    (tmp_path / "joints.json").write_text(content)
    with pytest.raises(DeoccludeError, match=r"joints\.json: [^\n]*$"):
        list(Lspet(tmp_path).photos(tmp_path))


def test_ccp_without_labels_is_one_line(tmp_path):
    (tmp_path / "tags.json").write_text('["null"]')
    with pytest.raises(DeoccludeError, match=r"no labels/\*\.png; point --ccp"):
        list(Ccp(tmp_path).photos(tmp_path))


def test_ccp_is_the_body_without_bags(tmp_path, photo, indexed, read):
    (tmp_path / "tags.json").write_text(json.dumps(["null", "bag", "skin", "dress"]))
    tags = np.zeros((HEIGHT, WIDTH), np.uint8)
    tags[10:50, 20:40], tags[12:18, 26:33], tags[30:45, 38:50] = 3, 2, 1
    for name in ("0001", "0002", "0003", "0004"):
        indexed(tmp_path / "labels" / f"{name}.png", tags)
        photo(tmp_path / "photos" / f"{name}.jpg", HEIGHT, WIDTH)
    indexed(tmp_path / "labels" / "0002.png", np.where(tags == 3, 9, tags))
    indexed(tmp_path / "labels" / "0003.png", np.where(tags > 1, 1, 0))
    (tmp_path / "labels" / "0004.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    kept, dropped = read(Ccp(tmp_path))
    (one,) = kept.values()
    np.testing.assert_array_equal(one.mask, np.isin(tags, (2, 3)))
    assert one.box == (20, 10, 40, 50)
    assert {d.id: d.reason for d in dropped} == {
        "ccp-0002": "malformed mask", "ccp-0003": "empty mask", "ccp-0004": "mask unreadable",
    }  # fmt: skip


def test_ahp_comes_back_as_candidates(ahp_folder, figures, tmp_path, read):
    root = tmp_path / "AHP"
    shutil.copytree(ahp_folder, root)
    (root / "train" / "JPEGImages" / f"{figures[1].id}.jpg").unlink()
    kept, dropped = read(Ahp(root))
    assert set(kept) == {f"ahp-{person.id}" for person in figures if person is not figures[1]}
    one = kept[f"ahp-{figures[0].id}"]
    np.testing.assert_array_equal(one.mask, figures[0].amodal)
    assert one.parsing.name == f"{figures[0].id}.png"
    assert [(d.id, d.reason) for d in dropped] == [(f"ahp-{figures[1].id}", "photo missing")]
