import numpy as np
import pytest
import torch

from deocclude import lite0, perceptual
from deocclude.crops import SquareWindow, box_of
from deocclude.errors import DeoccludeError
from deocclude.evaluation.appearance import CLOSE_UP, Appearance

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def appearance():
    loaded = Appearance.load(CPU)
    if loaded.vgg is None or loaded.lite0 is None:
        pytest.skip("; ".join(loaded.notes))
    return loaded


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    original, other = rng.integers(0, 256, (2, 75, 61, 3), dtype=np.uint8)
    hidden = np.zeros((75, 61), bool)
    hidden[30:60, 20:44] = True
    return original, other, hidden, SquareWindow(-5, 2, 70)


def test_lite0_recognises_a_cat():
    data = pytest.importorskip("skimage.data")
    try:
        network = lite0.Lite0Features()
    except DeoccludeError as error:
        pytest.skip(str(error))
    cat = torch.from_numpy(np.ascontiguousarray(data.chelsea()[38:262, 100:324])).permute(2, 0, 1)[None] / 255
    weights = lite0.read_lite0_weights()
    with torch.no_grad():
        features = network(cat)
        logits = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert features.shape == (1, lite0.CHANNELS)
    assert 281 <= int(logits.argmax()) <= 287


def test_odd_sizes_are_padded_as_by_tensorflow(appearance):
    small = torch.rand(1, 3, 33, 33)
    assert appearance.lite0(small).shape == (1, lite0.CHANNELS)


def test_perceptual_distance_is_that_of_the_close_up_of_the_hidden_part(appearance, photos):
    original, other, hidden, person = photos
    looks = appearance({"other": other, "same": original}, original, hidden, person)
    window = SquareWindow.around(box_of(hidden))
    merged = original.copy()
    merged[hidden] = other[hidden]
    crops = [
        torch.from_numpy(window.cut(p, CLOSE_UP, outside=127)).permute(2, 0, 1)[None].float() / 255
        for p in (merged, original)
    ]
    with torch.no_grad():
        first, second = (appearance.vgg(crop) for crop in crops)
        expected = sum(float((a - b).abs().mean()) for a, b in zip(first, second, strict=True))
    assert looks.perceptual["other"] == pytest.approx(expected, rel=1e-4)
    assert looks.perceptual["same"] == 0
    np.testing.assert_array_equal(looks.features["same"], looks.original)
    assert np.abs(looks.features["other"] - looks.original).max() > 0.01


def test_only_hidden_pixels_matter(appearance, photos):
    original, other, hidden, person = photos
    outside = np.where(hidden[..., None], original, other)
    looks = appearance({"outside": outside}, original, hidden, person)
    assert looks.perceptual["outside"] == 0
    nothing = appearance({"other": other}, original, np.zeros_like(hidden), person)
    assert (nothing.perceptual, nothing.features, nothing.original) == (None, None, None)


def test_what_is_not_installed_is_left_out_and_said(monkeypatch, photos):
    monkeypatch.setattr(lite0, "_PACKAGE", "a-package-that-is-not-there")
    monkeypatch.setattr(perceptual, "_PACKAGE", "another-that-is-not-there")
    appearance = Appearance.load(CPU)
    assert [note.split(" left out: ")[0] for note in appearance.notes] == [
        "perceptual distance",
        "FID-lite0 and KID-lite0",
    ]
    assert all("pip install" in note and "\n" not in note for note in appearance.notes)
    original, other, hidden, person = photos
    looks = appearance({"other": other}, original, hidden, person)
    assert (looks.perceptual, looks.features) == (None, None)
