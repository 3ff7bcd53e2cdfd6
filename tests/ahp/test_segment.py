import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.engine import HERE, Engine
from deocclude.ahp.segment import run as segment_run
from deocclude.ahp.segment.faults import faults_of
from deocclude.ahp.segment.parsers import CcpTags, OwnLabels, StageOneParser, load_parser
from deocclude.ahp.segment.person import NOBODY, OUTSIDE, SegmentedPerson, enlarged, segment_person
from deocclude.ahp.segment.run import segment
from deocclude.ahp.segment.segmenters import BlazePoseSegmenter, DetectingSegmenter, load_segmenter
from deocclude.errors import DeoccludeError
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.network import MaskCompletionNetwork
from deocclude.parsing import LIP_CLASSES
from deocclude.people.person import DetectedPerson
from deocclude.weights import store

HEIGHT, WIDTH = 91, 73


class Bright:
    """Sees what is brighter than 200 in the patch; a second opinion sees the left half of that."""

    name = "bright"

    def __init__(self):
        self.calls = []

    def __call__(self, patch, box, joints):
        self.calls.append((patch, box, joints))
        mask = patch[..., 0] > 200
        if mask.any():
            landmarks = np.zeros((33, 3), np.float32)
            landmarks[:, :2], landmarks[:, 2] = (box[0] + 0.5, box[1] + 0.5), 1
            yield DetectedPerson(mask, 0.75, landmarks)
            half = mask.copy()
            half[:, round(np.nonzero(mask)[1].mean()) :] = False
            yield DetectedPerson(half, 0.5)


class Parts:
    name = "parts"

    def __call__(self, person, photo):
        return np.where(person.mask, 5, 0).astype(np.uint8)


@pytest.fixture
def bright_photo(tmp_path):
    """A bright block of 20 x 40 at (20, 30), with 4 x 10 more outside the box that the candidate has."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[30:70, 20:40] = pixels[40:50, 40:44] = 250
    path = tmp_path / "photos" / "a.png"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    return path


def candidate(photo, number=1, source="made", **more):
    given = {"height": HEIGHT, "width": WIDTH, "box": (20, 30, 40, 70)} | more
    return Candidate(f"{source}-{number}", source, photo, **given)


def pixels_of(path):
    return np.array(Image.open(path).convert("RGB"))


def test_the_box_grows_three_times_about_its_centre_inside_the_photo():
    assert enlarged((30, 40, 40, 60), 200, 200) == (20, 20, 50, 80)
    assert enlarged((5, 40, 15, 60), 70, 22) == (0, 20, 22, 70)


def test_only_what_lies_inside_the_original_box_is_kept(bright_photo):
    bright = Bright()
    one = candidate(bright_photo, joints=np.array([[25.0, 35, 2], [30, 60, 1]]))
    person = segment_person(one, pixels_of(bright_photo), bright)
    patch, box, joints = bright.calls[0]
    assert patch.shape == (HEIGHT, 60, 3)
    assert box == (20, 30, 40, 70)
    np.testing.assert_array_equal(joints, one.joints)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[30:70, 20:40] = True
    np.testing.assert_array_equal(person.mask, expected)
    assert person.outside == pytest.approx(40 / 840)
    assert person.disagreement == pytest.approx(1 - 0.5, abs=0.06)
    assert person.score == 0.75


def test_coordinates_come_back_from_the_patch_to_the_photo(tmp_path):
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[120:140, 210:220] = 250
    one = Candidate("a-1", "a", tmp_path, 200, 300, (208, 118, 224, 142))
    bright = Bright()
    person = segment_person(one, pixels, bright)
    assert bright.calls[0][0].shape == (72, 48, 3)
    np.testing.assert_array_equal(person.mask, pixels[..., 0] > 200)
    np.testing.assert_allclose(person.landmarks[0, :2], (208.5, 118.5))


def test_a_sources_own_mask_stays_and_the_segmenter_checks_it(bright_photo):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:70, 20:44] = True
    one = candidate(bright_photo, mask=mask, box=(20, 30, 44, 70))
    person = segment_person(one, pixels_of(bright_photo), Bright())
    np.testing.assert_array_equal(person.mask, mask)
    assert person.disagreement == pytest.approx(1 - 840 / 960)
    assert person.outside == 0
    dark = segment_person(one, np.zeros((HEIGHT, WIDTH, 3), np.uint8), Bright())
    assert dark.disagreement == 1.0


def test_nobody_is_an_outcome(bright_photo):
    pixels = pixels_of(bright_photo)
    assert segment_person(candidate(bright_photo), np.zeros_like(pixels), Bright()) == NOBODY
    beside = candidate(bright_photo, box=(46, 30, 60, 70))
    assert segment_person(beside, pixels, Bright()) == OUTSIDE


def test_faults_against_counting_by_hand():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[0:40, 20:50] = True
    mask[10:15, 30:36] = False
    mask[60:70, 20:30] = True
    joints = np.array([[25, 5, 2], [25, 65, 1], [5, 5, 2], [0, 0, 0]], float)
    landmarks = np.zeros((33, 3), np.float32)
    landmarks[11:17] = (25, 20, 0.9)
    landmarks[23:29] = (60, 80, 0.9)
    landmarks[28, 2] = 0.1
    others = ((45, 0, 73, 91), (40, 30, 48, 40))
    one = Candidate(
        "a-1", "a", Path("a"), HEIGHT, WIDTH, (20, 0, 50, 70), mask=mask, joints=joints, others=others
    )
    area = 40 * 30 - 30 + 100
    assert faults_of(SegmentedPerson(one, mask, landmarks, 0.125, 0.25, 0.75)) == {
        "border": round(2 * 30 / area, 4),
        "disagreement": 0.25,
        "doubt": 0.25,
        "holes": round(30 / area, 4),
        "joints_hidden": 0.5,
        "joints_missed": round(1 / 3, 4),
        "limbs_missed": round(5 / 11, 4),
        "limbs_unseen": round(1 / 12, 4),
        "outside": 0.125,
        "overlap": round((5 * 40 + 5 * 10) / area, 4),
        "parts": round(100 / area, 4),
    }


def test_a_clean_person_has_no_faults():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:80, 20:50] = True
    one = Candidate("a-1", "a", Path("a"), HEIGHT, WIDTH, (20, 10, 50, 80), mask=mask)
    assert set(faults_of(SegmentedPerson(one, mask)).values()) == {0.0}


@pytest.fixture
def workspace(tmp_path, bright_photo, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    dark = tmp_path / "photos" / "dark.png"
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(dark)
    damaged = tmp_path / "photos" / "damaged.jpg"
    whole = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)))[1].tobytes()
    damaged.write_bytes(whole[: len(whole) // 3])
    people = [candidate(bright_photo, number) for number in (1, 2, 3)]
    people += [candidate(dark, 4), candidate(damaged, 5), candidate(tmp_path / "gone.png", 6)]
    people += [candidate(bright_photo, 7, box=(20, 30, 40, 71), height=HEIGHT + 1)]
    people += [candidate(bright_photo, n, "more") for n in range(5)]
    write(work, people)
    monkeypatch.setattr(segment_run, "_PEOPLE_A_PART", 2)
    monkeypatch.setattr(segment_run, "load_segmenter", lambda name: bright)
    monkeypatch.setattr(segment_run, "load_parser", lambda name: Parts())
    segment_run._models.cache_clear()
    bright = Bright()
    yield work, people, bright
    segment_run._models.cache_clear()


def write(work, people):
    lines = sorted((one.to_json() for one in people), key=lambda line: json.loads(line)["id"])
    (work / "candidates.jsonl").write_text("".join(f"{line}\n" for line in lines))


def everything(work):
    return {
        str(path.relative_to(work)): path.read_bytes()
        for path in sorted(work.rglob("*"))
        if path.is_file() and ".segment" not in path.parts
    }


def outcomes(work):
    lines = [json.loads(line) for line in (work / "segmented.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
    return {line["id"]: line["outcome"] for line in lines}


def test_each_person_has_an_outcome_and_those_who_are_ok_their_files(workspace):
    work, _, _ = workspace
    (work / "masks").mkdir()
    (work / "masks" / "made-4.png").write_bytes(b"of an older run")
    summary = segment(work, HERE)
    assert outcomes(work) == {
        **{f"made-{n}": "ok" for n in (1, 2, 3)}, **{f"more-{n}": "ok" for n in range(5)},
        "made-4": NOBODY, "made-5": "photo unreadable", "made-6": "photo missing",
        "made-7": "photo of another size",
    }  # fmt: skip
    assert summary["made"]["ok"] == 3
    assert summary["more"].total() == 5
    ok = {name for name, outcome in outcomes(work).items() if outcome == "ok"}
    for folder in ("masks", "parsing"):
        assert {path.stem for path in (work / folder).iterdir()} == ok
    mask = np.array(Image.open(work / "masks" / "made-1.png"))
    assert mask.shape == (HEIGHT, WIDTH)
    assert (mask > 0).sum() == 20 * 40
    parsing = Image.open(work / "parsing" / "made-1.png")
    assert parsing.mode == "P"
    np.testing.assert_array_equal(np.array(parsing), np.where(mask > 0, 5, 0))


PLUG_IN = """
import numpy as np
from deocclude.people.person import DetectedPerson

class Bright:
    name = "bright plug-in"

    def __call__(self, patch, box, joints):
        mask = patch[..., 0] > 200
        if mask.any():
            yield DetectedPerson(mask, 0.75)

class Parts:
    name = "parts"

    def __call__(self, person, photo):
        return np.where(person.mask, 5, 0).astype(np.uint8)
"""


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_gives_the_same_bytes(tmp_path, bright_photo, monkeypatch, engine):
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    (tmp_path / "bright_plug_in.py").write_text(PLUG_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    people = [candidate(bright_photo, number) for number in range(40)]
    for folder, spread in (("here", HERE), ("spread", Engine(engine, 2))):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, people)
        found = segment(Path(folder), spread, "bright_plug_in:Bright", "bright_plug_in:Parts")
        assert found["made"]["ok"] == 40
    assert everything(tmp_path / "here") == everything(tmp_path / "spread")
    sys.modules.pop("bright_plug_in")


def test_stopped_anywhere_it_goes_on_with_the_same_bytes(workspace, tmp_path, monkeypatch):
    work, people, bright = workspace
    segment(work, HERE)
    whole, calls = everything(work), len(bright.calls)
    other = tmp_path / "other"
    other.mkdir()
    write(other, people)

    class Stopped(BaseException):
        pass

    class Stopping:
        name = bright.name
        limit = 0

        def __call__(self, patch, box, joints):
            if len(bright.calls) >= self.limit:
                raise Stopped
            return bright(patch, box, joints)

    stopping = Stopping()
    monkeypatch.setattr(segment_run, "load_segmenter", lambda name: stopping)
    segment_run._models.cache_clear()
    bright.calls.clear()
    stops = 0
    while stopping.limit < 100:
        stopping.limit += 3
        try:
            segment(other, HERE)
            break
        except Stopped:
            stops += 1
            assert not (other / "segmented.jsonl").exists()
    assert stops > 1
    assert everything(other) == whole
    assert len(bright.calls) < 3 * calls


def test_what_is_done_is_not_done_again_until_it_changes(workspace, bright_photo):
    work, people, bright = workspace
    segment(work, HERE)
    before = everything(work)
    bright.calls.clear()
    segment(work, HERE)
    assert bright.calls == []
    assert everything(work) == before
    write(work, [*people, candidate(bright_photo, 1, "another")])
    segment(work, HERE)
    assert len(bright.calls) == 1
    bright.calls.clear()
    pixels = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    Image.fromarray(pixels).save(bright_photo.parent.parent / "gone.png")
    segment(work, HERE)
    assert outcomes(work)["made-6"] == "ok"
    assert 0 < len(bright.calls) <= 2


def test_a_failing_plug_in_costs_one_person(workspace, monkeypatch):
    work, _, _ = workspace
    ordinary = Bright.__call__

    def failing(self, patch, box, joints):
        if len(self.calls) == 1:
            self.calls.append(None)
            raise RuntimeError("out of\nmemory")
        yield from ordinary(self, patch, box, joints)

    monkeypatch.setattr(Bright, "__call__", failing)
    segment(work, HERE)
    assert outcomes(work)["made-2"] == "failed: RuntimeError: out of memory"
    assert outcomes(work)["made-3"] == "ok"


def test_a_workspace_that_is_none_is_one_line(tmp_path):
    with pytest.raises(DeoccludeError, match="ahp acquire"):
        segment(tmp_path, HERE)
    (tmp_path / "candidates.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(DeoccludeError, match=r"candidates\.jsonl: line 1: not a candidate"):
        segment(tmp_path, HERE, parser="none")


class Crowd:
    name = "crowd"

    def __call__(self, photo):
        masks = np.zeros((3, *photo.shape[:2]), bool)
        masks[0, 0:80, 0:60] = masks[1, 32:68, 22:40] = masks[2, 0:9, 0:9] = True
        return [DetectedPerson(mask, 0.9) for mask in masks]


def test_a_source_of_people_picks_whom_the_box_fits_best(monkeypatch):
    monkeypatch.setattr("deocclude.people.load_source", lambda name: Crowd())
    segmenter = DetectingSegmenter("crowd")
    photo = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    (person,) = segmenter(photo, (20, 30, 40, 70), None)
    assert person.box == (22, 32, 40, 68)
    assert list(segmenter(photo, (65, 82, 70, 90), None)) == []


def test_blazepose_is_told_joints_if_there_are_some_else_the_box():
    asked = []

    class Model:
        def segment_joints(self, photo, joints):
            asked.append(joints)

        def segment_box(self, photo, box):
            asked.append(box)
            return DetectedPerson(np.ones(photo.shape[:2], bool), 1.0)

        def at_first_sight(self, photo):
            asked.append("sight")
            yield DetectedPerson(np.eye(*photo.shape[:2], dtype=bool), 1.0)

    segmenter = BlazePoseSegmenter()
    segmenter.__dict__["_model"] = Model()
    photo = np.zeros((9, 9, 3), np.uint8)
    joints = np.array([[1, 1, 2], [2, 2, 1], [3, 3, 2], [4, 4, 2], [0, 0, 0]], float)
    opinions = segmenter(photo, (1, 1, 5, 5), joints)
    assert next(opinions).mask.all()
    np.testing.assert_array_equal(asked[0], joints[:4, :2])
    assert asked[1:] == [(1, 1, 5, 5)]
    assert next(opinions).mask.sum() == 9
    asked.clear()
    next(segmenter(photo, (1, 1, 5, 5), joints[:3]))
    assert asked == [(1, 1, 5, 5)]


def test_names_that_nobody_knows_are_one_line():
    for load in (load_segmenter, load_parser):
        with pytest.raises(DeoccludeError, match=r"no\.such: ?thing|no\.such:thing"):
            load("no.such:thing")
        with pytest.raises(DeoccludeError, match="nobody"):
            load("nobody")
    assert load_segmenter("collections:Counter") == {}


def test_own_labels_come_first_and_are_checked(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:80, 20:50] = True
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[20:90, 20:70] = 5
    path = tmp_path / "own.png"
    Image.fromarray(labels).save(path)
    one = Candidate("a-1", "a", Path("a"), HEIGHT, WIDTH, (20, 10, 50, 80), mask=mask, parsing=path)
    photo = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    parsing = load_parser("none")(SegmentedPerson(one, mask), photo)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[10:20, 20:50], expected[20:80, 20:50] = 255, 5
    np.testing.assert_array_equal(parsing, expected)
    Image.fromarray(labels + 30).save(path)
    with pytest.raises(Exception, match="malformed parsing"):
        OwnLabels()(SegmentedPerson(one, mask), photo)


def test_ccp_tags_become_lip_classes(tmp_path):
    tags = np.zeros((HEIGHT, WIDTH), np.uint8)
    tags[10:30, 20:50], tags[30:80, 20:50], tags[40:50, 50:60] = 1, 2, 3
    for folder in ("photos", "labels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tags.json").write_text('["null", "hair", "t-shirt", "bag"]')
    Image.fromarray(tags).save(tmp_path / "labels" / "0001.png")
    mask = np.isin(tags, (1, 2))
    photo = tmp_path / "photos" / "0001.jpg"
    one = Candidate("ccp-0001", "ccp", photo, HEIGHT, WIDTH, (20, 10, 50, 80), mask=mask)
    parsing = CcpTags()(SegmentedPerson(one, mask), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    hair, shirt = LIP_CLASSES.index("hair"), LIP_CLASSES.index("upper-clothes")
    np.testing.assert_array_equal(parsing, np.select([tags == 1, tags == 2], [hair, shirt], 0))


def test_the_networks_pseudo_labels_fill_the_mask_and_nothing_else(tmp_path):
    torch.manual_seed(0)
    config = MASK_PRESETS["lite"]
    store.save(MaskCompletionNetwork(config), config, tmp_path / "masks.safetensors")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:80, 20:50] = True
    one = Candidate("a-1", "a", Path("a"), HEIGHT, WIDTH, (20, 10, 50, 80), mask=mask)
    parser = StageOneParser(str(tmp_path))
    photo = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    parsing = parser(SegmentedPerson(one, mask), photo)
    assert parsing.dtype == np.uint8
    np.testing.assert_array_equal(parsing > 0, mask)
    assert parsing[mask].max() < 20 or set(parsing[mask]) == {255}
    assert parser.name == f"stage1-{store.digest(tmp_path / 'masks.safetensors')}"
