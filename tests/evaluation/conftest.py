import numpy as np
import pytest

from deocclude.ahp.sample import OcclusionSample


def _make_sample(name="walker-0", source="ccp", height=61, width=47, hidden_from=30, seed=0, bottom=55):
    """A person of noise on a noise background, its lower part behind a flat occluder."""
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    amodal = np.zeros((height, width), bool)
    amodal[5:bottom, 15:35] = True
    invisible = amodal.copy()
    invisible[:hidden_from] = False
    occluded = original.copy()
    occluded[hidden_from:, 10:40] = 200
    parsing = np.where(amodal, np.uint8(5), np.uint8(0))
    modal = amodal & ~invisible
    return OcclusionSample(
        id=name,
        source=source,
        occluder_id="box",
        occluder_category="suitcase",
        occluded=occluded,
        original=original,
        modal=modal,
        amodal=amodal,
        invisible=invisible,
        parsing_modal=np.where(modal, parsing, np.uint8(0)),
        parsing_amodal=parsing,
        unknown=np.zeros((height, width), bool),
        ratio=float(invisible.sum() / amodal.sum()),
    )


@pytest.fixture
def make_sample():
    return _make_sample
