import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from deocclude import Deoccluder
from deocclude.content_recovery.config import CONTENT_PRESETS
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.mask_completion.config import MASK_PRESETS
from deocclude.mask_completion.network import MaskCompletionNetwork
from deocclude.weights import store

HEIGHT, WIDTH = 90, 70

TINY_MASKS = replace(
    MASK_PRESETS["paper"],
    encoder_widths=(4, 4, 8, 8, 8),
    first_decoder_widths=(8, 4, 4, 4),
    second_decoder_widths=(8, 4, 4, 4),
    branch_width=4,
    size=64,
    templates=4,
)
TINY_CONTENT = replace(CONTENT_PRESETS["paper"], widths=(4, 8, 8, 8, 8, 8, 8), key_channels=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Untrained tiny networks of both stages; for them everything near a person is part of the person."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    masks = MaskCompletionNetwork(TINY_MASKS)
    with torch.no_grad():
        masks.modal_branch.mask[-1].bias.fill_(-5)
        masks.amodal_branch.mask[-1].bias.fill_(5)
    store.save(masks, TINY_MASKS, folder / "masks.safetensors")
    store.save(ContentRecoveryNetwork(TINY_CONTENT), TINY_CONTENT, folder / "content.safetensors")
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "b.png"):
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    masks = tmp_path / "masks"
    masks.mkdir()
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:70, 15:50] = 255
    for name in ("a.png", "b.png"):
        Image.fromarray(mask).save(masks / name)
    return folder


def deocclude(*words):
    """Status, standard output and standard error of the command line, in this process."""
    import contextlib
    import io

    from deocclude.cli import main

    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["deocclude", *map(str, words)]
    status = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        if isinstance(stop.code, str):
            err.write(stop.code + "\n")
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        sys.argv = argv
    return status, out.getvalue(), err.getvalue()


def run(tmp_path, model, *photos, **options):
    """With the masks folder of `photos`, or none (None)."""
    usual = {"out": tmp_path / "out", "model": model, "device": "cpu", "masks": tmp_path / "masks"}
    options = {**usual, **options}
    words = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    return deocclude("run", *photos, *words)


def expect_one_error(outcome, *words):
    status, _, err = outcome
    lines = err.strip().splitlines()
    assert status == 1, err
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    for word in words:
        assert str(word) in lines[0]


def test_a_photo(tmp_path, photos, model):
    status, out, err = run(tmp_path, model, photos / "a.jpg")
    assert status == 0, err
    assert err == ""
    assert "on cpu" in out
    assert str(tmp_path / "out" / "a") in out
    report = json.loads((tmp_path / "out" / "a" / "report.json").read_text())
    assert report["model"] == str(model)
    assert report["device"] == "cpu"
    assert report["weights"] == {stage: store.sha256_of(stage, model) for stage in ("masks", "content")}
    assert report["photo"] == {"file": "a.jpg", "width": WIDTH, "height": HEIGHT}
    initial = np.array(Image.open(tmp_path / "out" / "a" / "person-1" / "initial.png")) > 0
    assert report["people"][0]["areas"]["initial"] == initial.sum() == 50 * 35
    photo = np.array(Image.open(photos / "a.jpg"))
    recovered = np.array(Image.open(tmp_path / "out" / "a" / "person-1" / "recovered.png"))
    hidden = np.array(Image.open(tmp_path / "out" / "a" / "person-1" / "invisible.png")) > 0
    assert hidden.any()
    elsewhere = distance_transform_edt(~hidden) > 2
    np.testing.assert_array_equal(recovered[elsewhere], photo[elsewhere])
    assert report["exemplars"]


def test_a_photo_as_the_network_paints_it(tmp_path, photos, model):
    status, _, err = run(tmp_path, model, photos / "a.jpg", "--no-exemplars")
    assert status == 0, err
    folder = tmp_path / "out" / "a"
    assert not json.loads((folder / "report.json").read_text())["exemplars"]
    photo, recovered, hidden = (
        np.array(Image.open(path))
        for path in (
            photos / "a.jpg",
            folder / "person-1" / "recovered.png",
            folder / "person-1" / "invisible.png",
        )
    )
    np.testing.assert_array_equal(recovered[hidden == 0], photo[hidden == 0])


def test_a_folder_of_photos(tmp_path, photos, model):
    (photos / "notes.txt").write_text("no photo")
    status, out, _ = run(tmp_path, model, photos)
    assert status == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a", "b"}
    assert out.count("person") == 2


def test_bad_photos_come_last_and_the_others_are_done(tmp_path, photos, model):
    whole = (photos / "a.jpg").read_bytes()
    (photos / "corrupt.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("text")
    Image.new("RGB", (1, 1)).save(photos / "tiny.png")
    status, _, err = run(tmp_path, model, photos, photos / "missing.jpg")
    assert status == 1
    lines = err.strip().splitlines()
    assert len(lines) == 5
    for name, line in zip(("corrupt", "empty", "text", "tiny", "missing"), lines, strict=True):
        assert name in line
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a", "b"}


@pytest.mark.parametrize("kind", ["corrupt.jpg", "empty.jpg", "text.jpg", "tiny.png", "missing.jpg"])
def test_one_bad_photo_is_one_line_and_no_output(tmp_path, photos, model, kind):
    bad = photos / kind
    if kind == "corrupt.jpg":
        bad.write_bytes((photos / "a.jpg").read_bytes()[:700])
    elif kind == "empty.jpg":
        bad.touch()
    elif kind == "text.jpg":
        bad.write_text("text")
    elif kind == "tiny.png":
        Image.new("RGB", (1, 1)).save(bad)
    expect_one_error(run(tmp_path, model, bad), bad)
    assert not (tmp_path / "out").exists()


def test_same_stem_distinct_folders(tmp_path, photos, model):
    Image.open(photos / "b.png").save(photos / "a.png")
    assert run(tmp_path, model, photos / "a.jpg", photos / "a.png")[0] == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a", "a-2"}
    second = json.loads((tmp_path / "out" / "a-2" / "report.json").read_text())
    assert second["photo"]["file"] == "a.png"


def test_a_photo_without_people(tmp_path, photos, model, monkeypatch):
    class Nobody:
        name = "nobody"

        def __call__(self, photo):
            return []

    monkeypatch.setattr("deocclude.people.load_source", lambda name: Nobody())
    expect_one_error(run(tmp_path, model, photos / "a.jpg", masks=None), photos / "a.jpg", "--masks")
    assert not (tmp_path / "out").exists()


def test_masks_of_another_size(tmp_path, photos, model):
    Image.new("L", (30, 30), 255).save(tmp_path / "masks" / "a.png")
    expect_one_error(run(tmp_path, model, photos / "a.jpg"), "30")
    assert not (tmp_path / "out").exists()


def test_masks_that_are_not_there(tmp_path, photos, model):
    (tmp_path / "masks").rename(tmp_path / "elsewhere")
    expect_one_error(run(tmp_path, model, photos / "a.jpg"), tmp_path / "masks")


def test_an_unknown_model(tmp_path, photos):
    expect_one_error(run(tmp_path, "heavy", photos / "a.jpg"), "heavy", "lite")
    assert not (tmp_path / "out").exists()


def test_tampered_weights(tmp_path, photos, model):
    folder = tmp_path / "model"
    folder.mkdir()
    for stage in ("masks", "content"):
        whole = (model / f"{stage}.safetensors").read_bytes()
        (folder / f"{stage}.safetensors").write_bytes(whole if stage == "masks" else whole[:-100])
    expect_one_error(run(tmp_path, folder, photos / "a.jpg"), "content.safetensors")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be(tmp_path, photos, model):
    (tmp_path / "file").write_text("precious")
    expect_one_error(run(tmp_path, model, photos / "a.jpg", out=tmp_path / "file"), tmp_path / "file")
    expect_one_error(run(tmp_path, model, photos / "a.jpg", out=tmp_path / "file" / "b"), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_device_that_is_not_there(tmp_path, photos, model, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    expect_one_error(run(tmp_path, model, photos / "a.jpg", device="cuda"), "cuda", "cpu")


def test_a_folder_without_photos(tmp_path, photos, model):
    empty = tmp_path / "empty"
    empty.mkdir()
    expect_one_error(run(tmp_path, model, empty), empty)
    assert not (tmp_path / "out").exists()


def test_help_is_quick_and_brings_no_torch():
    code = (
        "import sys; sys.argv = ['deocclude', '--help']\n"
        "from deocclude.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'PIL'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout
    assert time.perf_counter() - start < 3


@pytest.fixture
def astronaut(tmp_path):
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.astronaut()).save(tmp_path / "astronaut.png")
    return tmp_path / "astronaut.png"


def test_the_astronaut_found_and_completed(tmp_path, model, astronaut):
    from deocclude.errors import DeoccludeError
    from deocclude.people import load_source

    try:
        load_source("blazepose")
    except DeoccludeError as missing:
        pytest.skip(str(missing))
    status, _, err = run(tmp_path, model, astronaut, masks=None)
    assert status == 0, err
    report = json.loads((tmp_path / "out" / "astronaut" / "report.json").read_text())
    (person,) = report["people"]
    left, top, right, bottom = person["box"]
    assert left < 100
    assert top < 40
    assert right > 300
    assert bottom > 480
    assert 0.2 < person["areas"]["initial"] / 512**2 < 0.6


def test_python_and_the_shell_agree(tmp_path, model, astronaut):
    from deocclude.people import SuppliedMasks

    photo = np.array(Image.open(astronaut))
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:500, 40:330] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    status, _, err = run(tmp_path, model, astronaut, masks=tmp_path / "mask.png")
    assert status == 0, err
    cascade = Deoccluder.load(str(model), device="cpu", people=None)
    (person,) = cascade(astronaut, SuppliedMasks(tmp_path / "mask.png").for_photo(astronaut)).people
    folder = tmp_path / "out" / "astronaut" / "person-1"
    for name in ("modal", "amodal", "invisible"):
        np.testing.assert_array_equal(np.array(Image.open(folder / f"{name}.png")) > 0, getattr(person, name))
    np.testing.assert_array_equal(np.array(Image.open(folder / "recovered.png")), person.recovered)
    assert person.invisible.any()
    np.testing.assert_array_equal(person.recovered[~person.amodal], photo[~person.amodal])
