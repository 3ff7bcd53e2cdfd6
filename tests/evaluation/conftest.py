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


class _Completed:
    """What a cascade that knows the truth, or makes a given mistake, returns for one person."""

    def __init__(self, sample, modal, amodal):
        self.modal, self.amodal, self.invisible = modal, amodal, amodal & ~modal
        self.parsing_modal = np.where(modal, sample.parsing_amodal, np.uint8(0))
        self.parsing_amodal = np.where(amodal, sample.parsing_amodal, np.uint8(0))
        self.recovered = sample.occluded.copy()
        self.recovered[self.invisible] = sample.original[self.invisible]


class _FakeDeoccluder:
    """Completes each sample perfectly but for the lowest `short` rows of the body; paints the true pixels."""

    device = "cpu"

    def __init__(self, samples, short=0):
        self.samples = list(samples)
        self.short = short

    def _of(self, photo):
        return next(s for s in self.samples if np.array_equal(s.occluded, photo))

    def __call__(self, photo, people):
        sample = self._of(photo)
        amodal = sample.amodal.copy()
        lowest = np.flatnonzero(amodal.any(axis=1))[-1] + 1
        amodal[lowest - self.short : lowest] = False
        return type("Result", (), {"people": [_Completed(sample, sample.modal & amodal, amodal)]})()

    def recover(self, photo, modal, amodal, parsing_modal, parsing_amodal):
        return _Completed(self._of(photo), modal, amodal).recovered


@pytest.fixture
def fake_deoccluder():
    return _FakeDeoccluder
