import numpy as np
import pytest
from pycocotools import mask as rle

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.acquire.segmentation import mask_of

HEIGHT, WIDTH = 41, 57


def random_mask(seed, share=0.5):
    rng = np.random.default_rng(seed)
    mask = rng.random((HEIGHT, WIDTH)) < share
    mask[5:20, 8:30] = True
    return mask


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
def test_both_kinds_of_run_lengths_give_the_mask(share):
    mask = random_mask(1, share)
    packed = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    compressed = {"size": [HEIGHT, WIDTH], "counts": packed["counts"].decode()}
    column_wise = mask.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], column_wise, [False]]))) if mask.any() else []
    counts = np.diff([0, *edges, column_wise.size] if not column_wise[-1] else [0, *edges]).tolist()
    for runs in (compressed, {"size": [HEIGHT, WIDTH], "counts": counts}):
        np.testing.assert_array_equal(mask_of(runs, HEIGHT, WIDTH, "x"), mask)


def test_a_polygon_with_whole_edges_fills_its_pixels(kneeling):
    mask = mask_of([kneeling], 61, 83, "x")
    expected = np.zeros((61, 83), bool)
    expected[12:42, 21:31] = expected[32:42, 31:51] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_no_segmentation_is_no_mask(nothing):
    assert mask_of(nothing, HEIGHT, WIDTH, "x") is None


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2, 3, 4]], "malformed polygon"),
        ([[1, 2, 3, 4, 5, 6, 7]], "malformed polygon"),
        ([[1, 2, 30, 2, 30, 20], [1, 2]], "malformed polygon"),
        ([[1, 2, float("nan"), 4, 5, 6]], "malformed polygon"),
        ([[1, 2, 1e12, 4, 5, 6]], "malformed polygon"),
        ([["a", 2, 3, 4, 5, 6]], "malformed polygon"),
        ([5, 6], "malformed polygon"),
        ([[1, 1, 1, 1, 1, 1]], "empty mask"),
        ({"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]}, "mask of another size"),
        ({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}, "empty mask"),
        ({"size": [HEIGHT, WIDTH], "counts": [5, 6]}, "malformed mask"),
        ({"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]}, "malformed mask"),
        ({"size": [HEIGHT, WIDTH], "counts": ["5"]}, "malformed mask"),
        ({"size": [HEIGHT, WIDTH], "counts": "not run lengths \x7f"}, "malformed mask"),
        ({"size": [HEIGHT, WIDTH]}, "malformed mask"),
        ({"counts": [1]}, "malformed mask"),
        ("polygon", "malformed mask"),
    ],
)
def test_each_kind_of_damage_has_its_reason(segmentation, reason):
    with pytest.raises(Unfit) as fault:
        mask_of(segmentation, HEIGHT, WIDTH, "file.json: annotation 7")
    assert fault.value.reason == reason
    assert fault.value.where.startswith("file.json: annotation 7")


def test_damaged_compressed_run_lengths_never_reach_the_decoder():
    text = rle.encode(np.asfortranarray(random_mask(2).astype(np.uint8)))["counts"].decode()
    rng = np.random.default_rng(4)
    refused = 0
    for _ in range(300):
        damaged = list(text)
        for place in rng.integers(0, len(text), int(rng.integers(1, 4))):
            damaged[place] = chr(int(rng.integers(48, 112)))
        cut = "".join(damaged)[: int(rng.integers(1, len(text) + 1))]
        try:
            mask = mask_of({"size": [HEIGHT, WIDTH], "counts": cut}, HEIGHT, WIDTH, "x")
            assert mask.shape == (HEIGHT, WIDTH)
        except Unfit:
            refused += 1
    assert refused > 250
