import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deocclude import pipeline
from deocclude.cli import main
from deocclude.content_recovery.config import CONTENT_PRESETS
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.network import MaskCompletionNetwork
from deocclude.weights import store

SIZE = (90, 70)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks, as small as they get."""
    folder = tmp_path_factory.mktemp("weights")
    masks = replace(
        MASK_PRESETS["paper"],
        encoder_widths=(8,) * 5,
        first_decoder_widths=(8,) * 4,
        second_decoder_widths=(8,) * 4,
        branch_width=8,
        size=64,
    )
    content = replace(
        CONTENT_PRESETS["paper"],
        size=64,
        widths=(8,) * 5,
        kernels=(3,) * 5,
        encoder_attention=(8,),
        decoder_attention=(4,),
    )
    store.save(MaskCompletionNetwork(masks), masks, folder / "masks.safetensors")
    store.save(ContentRecoveryNetwork(content), content, folder / "content.safetensors")
    return folder


@pytest.fixture
def test_set(tmp_path):
    """AHP's own test layout: photos and masks, nothing else."""
    rng = np.random.default_rng(0)
    amodal = np.zeros(SIZE, bool)
    amodal[10:80, 20:50] = True
    modal = amodal.copy()
    modal[60:] = False
    for folder in ("RGBImages", "RGBErased", "ModalMasks", "AmodalMasks"):
        (tmp_path / "AHP" / "test" / folder).mkdir(parents=True)
    for name in ("one", "two", "three"):
        photo = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        occluded = photo.copy()
        occluded[60:, 10:60] = 90
        files = {
            f"RGBImages/{name}.jpg": photo,
            f"RGBErased/{name}.jpg": occluded,
            f"ModalMasks/{name}.png": modal.astype(np.uint8) * 255,
            f"AmodalMasks/{name}.png": amodal.astype(np.uint8) * 255,
        }
        for file, values in files.items():
            Image.fromarray(values).save(tmp_path / "AHP" / "test" / file)
    return tmp_path / "AHP"


@pytest.fixture
def evaluate(monkeypatch, weights):
    def call(folder, *options, looks=False):
        arguments = ["deocclude", "evaluate", str(folder), "--model", str(weights), "--device", "cpu"]
        arguments += [] if looks else ["--no-looks"]
        monkeypatch.setattr("sys.argv", [*arguments, *map(str, options)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code

    return call


def test_ahps_own_test_set_with_true_initial_masks(test_set, evaluate, tmp_path, capsys):
    options = ("--initial-masks", "truth", "--json", tmp_path / "r.json", "--sheet", tmp_path / "s.png")
    assert evaluate(test_set, *options) in (0, None)
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["samples"], report["found"], report["initial masks"]) == (3, 3, "truth")
    assert report["masks"]["initial mask as it is"]["amodal"]["micro"] == pytest.approx(50 / 70, abs=1e-4)
    assert set(report["weights"]) == {"masks", "content"}
    assert set(report["groups"]["source"]) == {"ahp"}
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.width > sheet.height / 3
    assert "convex hull" in capsys.readouterr().out


@pytest.mark.timeout(400)
def test_the_result_is_the_same_whatever_the_number_of_processes(test_set, evaluate, tmp_path):
    """With the features of whatever networks are installed."""
    written = []
    for workers in (1, 2):
        files = tmp_path / f"{workers}.json", tmp_path / f"{workers}.html"
        options = ("--json", files[0], "--html", files[1], "--stress", "dark", "--workers", workers)
        assert evaluate(test_set, *options, looks=True) in (0, None)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    report = json.loads(written[0][0])
    assert (report["stress"], report["initial masks"]) == ("dark", "predicted")
    assert "--no-looks" not in str(report["notes"])


def test_a_page_of_the_gallery_and_the_worst(test_set, evaluate, tmp_path):
    assert evaluate(test_set, "--initial-masks", "truth", "--html", tmp_path / "page.html") in (0, None)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure") == 2 * 3
    assert "#1 three" in page
    assert "left out: --no-looks" in page


def test_a_stressed_run_against_a_plain_one_with_verdicts(test_set, evaluate, tmp_path, capsys):
    """Grey photos, and one verdict."""
    true = ("--initial-masks", "truth")
    assert evaluate(test_set, *true, "--json", tmp_path / "plain.json") in (0, None)
    plain = json.loads((tmp_path / "plain.json").read_text())
    assert plain["gallery"] == ["one", "three", "two"]
    options = ("--stress", "grey", "--against", tmp_path / "plain.json", "--json", tmp_path / "grey.json")
    options += ("--verdicts", tmp_path / "verdicts.json", "--html", tmp_path / "grey.html", "--limit", 2)
    (tmp_path / "verdicts.json").write_text(json.dumps({"two": "ok"}))
    left = evaluate(test_set, *true, *options)
    assert "verdicts.json: not in the gallery of these 2: two" in left
    assert not (tmp_path / "grey.json").exists()
    (tmp_path / "verdicts.json").write_text(json.dumps({"three": "a hole in the leg"}))
    assert evaluate(test_set, *true, *options) in (0, None)
    grey = json.loads((tmp_path / "grey.json").read_text())
    assert (grey["against"]["differs"], grey["against"]["samples"]) == (["stress"], 2)
    for name in ("modal", "amodal", "invisible"):
        loss = grey["against"]["masks"][name]
        kept = {row["id"]: row["pixels"][name] for row in plain["each"] if row["id"] != "two"}
        hit, union = (sum(pixels[k] for pixels in kept.values()) for k in (0, 1))
        assert loss["earlier"] == pytest.approx(hit / union, abs=1e-5)
    assert grey["verdicts"] == {"ok": 0, "of": 2, "wrong": {"three": "a hole in the leg"}, "none": ["one"]}
    page = (tmp_path / "grey.html").read_text()
    assert "a hole in the leg" in page
    assert "Micro IoU against plain.json (plain; differs in stress)" in page
    assert "Gallery: 0 of 2" in capsys.readouterr().out


@pytest.mark.parametrize("stress", ["small", "in-front"])
def test_some_stresses_need_masks_of_their_own(test_set, evaluate, stress):
    left = evaluate(test_set, "--stress", stress, "--initial-masks", test_set / "test" / "AmodalMasks")
    assert f"--stress {stress} needs --initial-masks predicted or truth" in left
    assert "\n" not in left


def test_the_people_in_front_are_asked_for_where_people_are_in_front(test_set, evaluate, tmp_path):
    options = ("--stress", "in-front", "--initial-masks", "truth", "--json", tmp_path / "front.json")
    left = evaluate(test_set, *options)
    assert "test: no occluder is known to be a person; --stress in-front needs composites" in left
    records = [{"id": name, "category": what} for name, what in (("one", "person"), ("two", "vase"))]
    (test_set / "test" / "samples.json").write_text(json.dumps(records))
    assert evaluate(test_set, *options) in (0, None)
    report = json.loads((tmp_path / "front.json").read_text())
    assert (report["samples"], report["stress"]) == (1, "in-front")
    assert report["masks"]["initial mask as it is"]["amodal"]["micro"] == 1
    assert "\n" not in left


@pytest.mark.timeout(400)
def test_an_error_in_a_worker_names_the_file(test_set, evaluate, tmp_path):
    (test_set / "test" / "ModalMasks" / "two.png").unlink()
    left = evaluate(test_set, "--initial-masks", "truth", "--workers", 2, "--json", tmp_path / "r.json")
    assert "two.png: the mask is missing" in left
    assert not (tmp_path / "r.json").exists()


def test_limit_and_a_folder_of_masks(test_set, evaluate, tmp_path):
    code = evaluate(
        test_set,
        "--initial-masks",
        test_set / "test" / "AmodalMasks",
        "--limit",
        2,
        "--json",
        tmp_path / "r.json",
    )
    assert code in (0, None)
    report = json.loads((tmp_path / "r.json").read_text())
    assert [each["id"] for each in report["each"]] == ["one", "three"]
    assert report["masks"]["initial mask as it is"]["amodal"]["micro"] == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda ahp: (ahp / "test" / "ModalMasks" / "two.png").unlink(),
            "two.png: the mask is missing",
        ),
        (lambda ahp: (ahp / "test" / "RGBImages" / "two.jpg").unlink(), "two.jpg: no such photo"),
        (
            lambda ahp: Image.new("L", (7, 9), 255).save(ahp / "test" / "AmodalMasks" / "two.png"),
            "two.png: 7x9, but the photo is 70x90",
        ),
        (lambda ahp: (ahp / "test" / "RGBErased").rename(ahp / "test" / "other"), "no RGBErased folder"),
    ],
)
def test_a_damaged_set_names_the_file(test_set, evaluate, damage, message, tmp_path):
    damage(test_set)
    left = evaluate(test_set, "--initial-masks", "truth", "--json", tmp_path / "r.json")
    assert message in left
    assert "\n" not in left
    assert not (tmp_path / "r.json").exists()


def test_an_unknown_choice_of_initial_masks_lists_the_choices(test_set, evaluate):
    assert "predicted, truth, or a folder" in evaluate(test_set, "--initial-masks", "guessed")


def test_an_output_folder_that_is_not_there_is_told_before_the_work(test_set, evaluate, tmp_path):
    assert "make it first" in evaluate(test_set, "--json", tmp_path / "absent" / "r.json")


def test_recovering_with_known_masks_paints_the_hidden_part_only(weights):
    deoccluder = pipeline.Deoccluder.load(str(weights), device="cpu", people=None, exemplars=False)
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    amodal = np.zeros(SIZE, bool)
    amodal[10:80, 20:50] = True
    modal = amodal.copy()
    modal[60:] = False
    parsing = np.where(amodal, np.uint8(255), np.uint8(0))
    painted = deoccluder.recover(photo, modal, amodal, np.where(modal, parsing, np.uint8(0)), parsing)
    changed = (painted != photo).any(axis=-1)
    assert not (changed & ~(amodal & ~modal)).any()
    assert changed[60:80, 20:50].mean() > 0.9
    nothing = np.zeros(SIZE, bool)
    empty = np.zeros(SIZE, np.uint8)
    np.testing.assert_array_equal(deoccluder.recover(photo, nothing, nothing, empty, empty), photo)
