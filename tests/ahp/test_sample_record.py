from dataclasses import replace

import numpy as np
import pytest

from deocclude.ahp.sample import Occluder, OcclusionSample, WholePerson
from deocclude.parsing import UNLABELLED

PHOTO = np.zeros((12, 9, 3), np.uint8)
BODY = np.zeros((12, 9), bool)
BODY[2:10, 3:7] = True
SEEN = BODY.copy()
SEEN[8:] = False
NOTHING = np.zeros((12, 9), bool)


def whole(**changes):
    parsing = np.where(BODY, 5, 0).astype(np.uint8)
    return replace(WholePerson("a", "made up", PHOTO, BODY, parsing, NOTHING), **changes)


def sample(**changes):
    values = {
        "id": "a", "source": "made up", "occluder_id": "b", "occluder_category": "cup",
        "occluded": PHOTO, "original": PHOTO, "modal": SEEN, "amodal": BODY, "invisible": BODY & ~SEEN,
        "parsing_modal": np.where(SEEN, 5, 0).astype(np.uint8),
        "parsing_amodal": np.where(BODY, 5, 0).astype(np.uint8), "unknown": NOTHING,
        "ratio": 8 / 32,
    }  # fmt: skip
    return OcclusionSample(**{**values, **changes})


def test_good_records_are_taken():
    assert whole().amodal.sum() == 32
    assert sample().invisible.sum() == 8
    whole(parsing=np.full((12, 9), UNLABELLED, np.uint8))
    sample(modal=NOTHING, invisible=BODY, ratio=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"photo": PHOTO.astype(np.float32)}, "photo must be uint8"),
        ({"photo": PHOTO[..., 0]}, "photo must be uint8"),
        ({"amodal": BODY.astype(np.uint8)}, "amodal must be bool"),
        ({"amodal": BODY[:-1]}, "amodal must be bool"),
        ({"unknown": NOTHING[:, :-1]}, "unknown must be bool"),
        ({"parsing": np.full((12, 9), 20, np.uint8)}, "class 20"),
        ({"parsing": np.zeros((12, 9), int)}, "parsing must be uint8"),
        ({"amodal": NOTHING}, "empty"),
    ],
)
def test_bad_whole_people_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        whole(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"original": PHOTO[:-1]}, "original is"),
        ({"occluded": PHOTO.astype(int)}, "occluded must be uint8"),
        ({"modal": ~BODY, "invisible": BODY}, "modal reaches outside amodal"),
        ({"invisible": NOTHING}, "invisible is not amodal minus modal"),
        ({"ratio": 0.26}, "ratio 0.26"),
        ({"unknown": NOTHING.astype(np.uint8)}, "unknown must be bool"),
        ({"parsing_modal": np.full((12, 9), 77, np.uint8)}, "class 77"),
        ({"parsing_amodal": np.zeros((9, 12), np.uint8)}, "parsing_amodal must be uint8"),
    ],
)
def test_bad_samples_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        sample(**changes)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (PHOTO, NOTHING, "empty"),
        (PHOTO, BODY[1:], "mask must be bool"),
        (PHOTO[..., :2], BODY, "image must be"),
    ],
)
def test_bad_occluders_are_refused(image, mask, message):
    Occluder("cup", "cup", PHOTO, BODY)
    with pytest.raises(ValueError, match=message):
        Occluder("cup", "cup", image, mask)
