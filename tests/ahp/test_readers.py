import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from deocclude.ahp import prepare as preparation
from deocclude.ahp.ccp import TAG_TO_LIP, CcpReader, parsing_of
from deocclude.ahp.coco import CocoReader, decode
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.lspet import LspetReader, fault_of_mask
from deocclude.ahp.prepare import prepare, shrink_person, split_of
from deocclude.ahp.reader import Reader, Rejected, read_all
from deocclude.ahp.sample import Occluder, WholePerson
from deocclude.cli.ahp import app
from deocclude.errors import DeoccludeError
from deocclude.parsing import LIP_CLASSES
from deocclude.people.person import DetectedPerson

TAGS = ["null", "accessories", "bag", "hair", "jeans", "shoes", "skin", "t-shirt"]
NULL, ACCESSORIES, BAG, HAIR, JEANS, SHOES, SKIN, SHIRT = range(8)


def lip(name: str) -> int:
    return LIP_CLASSES.index(name)


def standing_tags(height: int = 121, width: int = 81) -> np.ndarray:
    """A front view: the person's own left is on the right of the photo."""
    tags = np.zeros((height, width), np.uint8)
    tags[6:14, 34:47] = HAIR
    tags[14:24, 36:45] = SKIN
    tags[24:60, 30:51] = SHIRT
    tags[26:58, 24:30] = SKIN
    tags[26:58, 51:57] = SKIN
    tags[60:90, 30:51] = JEANS
    tags[60:110, 40] = NULL
    tags[90:105, 31:39] = SKIN
    tags[90:105, 42:50] = SKIN
    tags[105:111, 29:39] = SHOES
    tags[105:111, 42:52] = SHOES
    tags[50:60, 57:68] = BAG
    return tags


def standing_landmarks() -> np.ndarray:
    points = np.zeros((33, 3), np.float32)
    points[:, 2] = 1
    right = {8: (36, 18), 10: (39, 21), 12: (30, 26), 14: (27, 40), 16: (27, 52), 20: (27, 57)}
    right |= {24: (34, 62), 26: (35, 85), 28: (35, 103), 30: (35, 107), 32: (31, 109)}
    for index, (x, y) in right.items():
        points[index, :2] = x, y
        points[index - 1, :2] = 81 - x, y
    points[0, :2] = 40.5, 17
    return points


class OnePerson:
    """N_i that sees the body of the standing figure, and whatever else is asked for."""

    name = "one-person"

    def __init__(self, mask: np.ndarray, *others: np.ndarray) -> None:
        self.masks = mask, *others

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        return [DetectedPerson(mask, 1.0, standing_landmarks()) for mask in self.masks]

    def segment_box(self, photo: np.ndarray, box: tuple[int, int, int, int]) -> DetectedPerson | None:
        return None


@pytest.fixture
def ccp(tmp_path: Path) -> Path:
    root = tmp_path / "ccp"
    for folder in ("photos", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "tags.json").write_text(json.dumps(TAGS))
    tags = standing_tags()
    image = Image.fromarray(tags)
    image.putpalette(list(range(255, -1, -1)) * 3)
    image.save(root / "labels" / "0001.png")
    photo = np.random.default_rng(0).integers(0, 255, (*tags.shape, 3), dtype=np.uint8)
    Image.fromarray(photo).save(root / "photos" / "0001.jpg")
    return root


def body_of(tags: np.ndarray) -> np.ndarray:
    return (tags != NULL) & (tags != BAG)


def test_every_mapped_class_exists():
    assert set(TAG_TO_LIP.values()) < set(LIP_CLASSES)


def test_skin_and_shoes_are_split_by_the_persons_own_sides():
    parsing = parsing_of(standing_tags(), TAGS, standing_landmarks())
    assert (parsing[14:22, 38:43] == lip("face")).all()
    assert (parsing[30:55, 25:29] == lip("right-arm")).all()
    assert (parsing[30:55, 52:56] == lip("left-arm")).all()
    assert (parsing[92:104, 32:38] == lip("right-leg")).all()
    assert (parsing[92:104, 43:49] == lip("left-leg")).all()
    assert (parsing[106:110, 30:38] == lip("right-shoe")).all()
    assert (parsing[106:110, 43:51] == lip("left-shoe")).all()
    assert (parsing[60:89, 31:39] == lip("pants")).all()


def test_without_landmarks_sides_are_unlabelled():
    tags = standing_tags()
    parsing = parsing_of(tags, TAGS, None)
    assert (parsing[np.isin(tags, (SKIN, SHOES))] == 255).all()
    assert (parsing[tags == SHIRT] == lip("upper-clothes")).all()


def test_ccp_gives_the_body_and_marks_the_bag_unknown(ccp):
    tags = standing_tags()
    (person,) = read_all(CcpReader(ccp, OnePerson(body_of(tags))))
    assert isinstance(person, WholePerson)
    assert np.array_equal(person.amodal, body_of(tags))
    assert np.array_equal(person.unknown, tags == BAG)
    assert (person.parsing[person.amodal] > 0).all()
    assert (person.parsing[~person.amodal] == 0).all()


def test_ccp_rejects_what_is_no_single_whole_person(ccp):
    body = body_of(standing_tags())
    half = body.copy()
    half[60:] = False
    second = np.zeros_like(body)
    second[20:100, 2:22] = True
    for people, reason in (
        (OnePerson(half), "disagrees"),
        (OnePerson(body, second), "several people"),
        (lambda photo: [], "finds no person"),
    ):
        (rejected,) = CcpReader(ccp, people).read("0001")
        assert isinstance(rejected, Rejected)
        assert reason in rejected.reason


def _truncate_tags(root: Path) -> None:
    (root / "tags.json").write_text('["null", "ski')


def _no_tags(root: Path) -> None:
    (root / "tags.json").unlink()


def _wrong_size(root: Path) -> None:
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(root / "labels" / "0001.png")


def _colour_label(root: Path) -> None:
    Image.fromarray(np.zeros((121, 81, 3), np.uint8)).save(root / "labels" / "0001.png")


def _foreign_tag(root: Path) -> None:
    Image.fromarray(np.full((121, 81), 44, np.uint8)).save(root / "labels" / "0001.png")


def _no_photo(root: Path) -> None:
    (root / "photos" / "0001.jpg").unlink()


def _corrupt_photo(root: Path) -> None:
    path = root / "photos" / "0001.jpg"
    path.write_bytes(path.read_bytes()[:300])


def _no_labels(root: Path) -> None:
    shutil.rmtree(root / "labels")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_truncate_tags, "tags.json: not valid JSON"),
        (_no_tags, "tags.json: no such file"),
        (_wrong_size, "8x9"),
        (_colour_label, "mode RGB"),
        (_foreign_tag, "tag 44"),
        (_no_photo, "no such photo"),
        (_corrupt_photo, "not a readable image"),
        (_no_labels, "no labels"),
    ],
)
def test_a_malformed_ccp_is_refused_in_one_line(ccp, spoil, words):
    spoil(ccp)
    with pytest.raises(DeoccludeError, match=words) as caught:
        list(read_all(CcpReader(ccp, OnePerson(body_of(standing_tags())))))
    assert str(ccp) in str(caught.value)
    assert "\n" not in str(caught.value)


# One point a joint, in the data set's order: right ankle to hip, left hip to ankle, right wrist to shoulder,
# left shoulder to wrist, neck, head top.
JOINTS = [(35, 107), (35, 85), (34, 62), (47, 62), (46, 85), (46, 107), (27, 55), (27, 40), (31, 26)]
JOINTS += [(49, 26), (54, 40), (54, 55), (40, 24), (40, 7)]


@pytest.fixture
def lspet(tmp_path: Path) -> Path:
    root = tmp_path / "lspet"
    (root / "images").mkdir(parents=True)
    photo = np.random.default_rng(1).integers(0, 255, (121, 81, 3), dtype=np.uint8)
    Image.fromarray(photo).save(root / "images" / "im1.jpg")
    (root / "joints.json").write_text(json.dumps({"joints": [], "xy": {"im1": JOINTS}}))
    return root


def test_lspet_keeps_a_mask_that_holds_all_joints(lspet):
    body = body_of(standing_tags())
    (person,) = read_all(LspetReader(lspet, OnePerson(body)))
    assert isinstance(person, WholePerson)
    assert np.array_equal(person.amodal, body)
    assert (person.parsing[body] == 255).all()
    assert not person.unknown.any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda mask: mask[:50].fill(False), "misses a joint"),
        (lambda mask: mask[:, 40:42].fill(True), "border"),
        (lambda mask: mask[30:110, 3:20].fill(True), "parts"),
        (lambda mask: mask[3:118, 3:78].fill(True), "area"),
    ],
)
def test_a_mask_that_is_not_the_whole_person_is_rejected(lspet, change, words):
    mask = body_of(standing_tags())
    change(mask)
    (rejected,) = read_all(LspetReader(lspet, OnePerson(mask)))
    assert isinstance(rejected, Rejected)
    assert words in rejected.reason


def test_a_joint_outside_the_photo_is_a_fault():
    joints = np.array(JOINTS, float)
    joints[0] = -3, 10
    assert "outside" in str(fault_of_mask(body_of(standing_tags()), joints))


@pytest.mark.parametrize("content", ['{"xy": {"im1": [[1, 2', '{"xy": {"im1": [[1, 2]]}}', "[]"])
def test_malformed_joints_are_refused(lspet, content):
    (lspet / "joints.json").write_text(content)
    with pytest.raises(DeoccludeError, match=r"joints\.json"):
        LspetReader(lspet, OnePerson(body_of(standing_tags()))).jobs()


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
        annotation(8, 2, box_polygon(10, 100, 130, 160), iscrowd=1),
    ]
    annotations[-1]["bbox"] = [10, 100, 120, 60]
    del annotations[-1]
    instances = {
        "images": [{"id": 7, "file_name": "7.jpg", "height": 260, "width": 420}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "teddy bear"}],
        "annotations": annotations,
    }
    (root / "annotations" / "instances.json").write_text(json.dumps(instances))
    joints = [{"id": number, "keypoints": [1, 1, 2] * 17} for number in (2, 3)]
    keypoints = {"images": instances["images"], "annotations": joints}
    (root / "annotations" / "person_keypoints.json").write_text(json.dumps(keypoints))
    return root


def test_coco_gives_clean_cut_outs_and_whole_people(coco):
    records = list(read_all(CocoReader(coco)))
    kept = {record.id for record in records if isinstance(record, Occluder)}
    assert kept == {
        "coco-teddy_bear-000000000007-1",
        "coco-person-000000000007-2",
        "coco-person-000000000007-3",
        "coco-teddy_bear-000000000007-4",
    }
    (person,) = [record for record in records if isinstance(record, WholePerson)]
    assert person.id == "coco-000000000007-2"
    assert person.amodal.sum() == pytest.approx(50 * 160, rel=0.03)
    reasons = {record.id: record.reason for record in records if isinstance(record, Rejected)}
    assert reasons["coco-teddy_bear-000000000007-5"] == "several polygons"
    assert reasons["coco-teddy_bear-000000000007-6"] == "touches the border"
    assert reasons["coco-000000000007-3"] == "touched by others"


def test_a_person_with_a_hidden_joint_is_not_whole(coco):
    path = coco / "annotations" / "person_keypoints.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["keypoints"][-1] = 1
    path.write_text(json.dumps(content))
    assert not any(isinstance(record, WholePerson) for record in read_all(CocoReader(coco)))


def test_coco_without_its_key_points_or_images(coco):
    (coco / "annotations" / "person_keypoints.json").unlink()
    assert any(isinstance(record, Occluder) for record in read_all(CocoReader(coco)))
    (coco / "images" / "7.jpg").unlink()
    with pytest.raises(DeoccludeError, match="none of the annotated images"):
        CocoReader(coco).jobs()


def test_truncated_coco_json_is_refused(coco):
    path = coco / "annotations" / "instances.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DeoccludeError, match=r"instances\.json"):
        CocoReader(coco).jobs()


def test_all_segmentations_of_coco_decode_alike():
    polygon = decode([box_polygon(2, 1, 6, 5)], 7, 9)
    column_major = np.asfortranarray(polygon).ravel(order="F")
    changes = np.flatnonzero(np.diff(np.concatenate([[False], column_major])))
    counts = np.diff(np.concatenate([[0], changes, [column_major.size]])).tolist()
    assert np.array_equal(decode({"size": [7, 9], "counts": counts}, 7, 9), polygon)


def fake_readers(ccp: Path, lspet: Path, coco: Path) -> dict[str, Reader]:
    people = OnePerson(body_of(standing_tags()))
    return {"coco": CocoReader(coco), "ccp": CcpReader(ccp, people), "lspet": LspetReader(lspet, people)}


def test_prepare_writes_the_layout_and_continues(ccp, lspet, coco, tmp_path, monkeypatch):
    calls = []
    work = preparation.prepare_job
    monkeypatch.setattr(preparation, "open_readers", lambda sources: fake_readers(ccp, lspet, coco))
    monkeypatch.setattr(preparation, "prepare_job", lambda *given: calls.append(given[1]) or work(*given))
    monkeypatch.setattr(preparation, "split_of", lambda source, job: "train")
    sources, out = {"ccp": ccp, "lspet": lspet, "coco": coco}, tmp_path / "out"
    statistics = prepare(sources, out, max_side=100)
    assert sorted(calls) == ["0001", "7.jpg", "im1"]
    assert statistics["coco"]["occluder"]["kept in train"] == 4
    assert statistics == json.loads((out / "statistics.json").read_text())
    people = People(out, "train")
    assert people.ids == ["ccp-0001", "coco-000000000007-2", "lspet-im1"]
    assert all(max(person.photo.shape) <= 100 for person in people)
    assert len(Occluders(out, "train")) == 4
    with (out / "prepared.jsonl").open("a") as journal:
        journal.write('{"source": "ccp", "jo')
    calls.clear()
    assert prepare(sources, out, max_side=100) == statistics
    assert calls == []


def test_a_shrunk_person_keeps_proportions_and_surroundings():
    photo = np.zeros((300, 500, 3), np.uint8)
    amodal = np.zeros((300, 500), bool)
    amodal[100:200, 240:260] = True
    parsing = np.where(amodal, 5, 0).astype(np.uint8)
    small = shrink_person(WholePerson("a-1", "a", photo, amodal, parsing, ~amodal), 150)
    assert small.photo.shape == (150, 110, 3)
    assert small.amodal.sum() == pytest.approx(amodal.sum() / 4, rel=0.1)
    assert np.array_equal(small.parsing > 0, small.amodal)


def test_splits_are_fixed_and_a_tenth_is_val():
    splits = [split_of("lspet", f"im{i}") for i in range(2000)]
    assert splits.count("val") == pytest.approx(200, abs=40)
    assert splits == [split_of("lspet", f"im{i}") for i in range(2000)]


def test_prepare_needs_a_source_that_exists(tmp_path):
    with pytest.raises(DeoccludeError, match="--ccp"):
        prepare({}, tmp_path / "out")
    with pytest.raises(DeoccludeError, match="no such folder"):
        prepare({"coco": tmp_path / "absent"}, tmp_path / "out")


def test_the_command_line_prepares_and_synthesizes(coco, tmp_path, ahp_folder):
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["prepare", "--coco", str(coco), "--out", str(out), "--workers", "2"])
    assert result.exit_code == 0, result.output
    assert "'occluder'" in result.output
    assert (out / "statistics.json").exists()
    root = Path(shutil.copytree(ahp_folder, tmp_path / "ahp"))
    result = CliRunner().invoke(app, ["synthesize", str(root), "--per-person", "1"])
    assert result.exit_code == 0, result.output
    assert len(list((root / "val" / "RGBErased").iterdir())) == 4
