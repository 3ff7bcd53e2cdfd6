import numpy as np
import pytest

from deocclude.ahp.density import TRAINING
from deocclude.ahp.initial_masks import (
    InitialMaskErrors,
    MaskError,
    corrupt,
    error_of,
    match,
    measure_initial_masks,
    measured_errors,
    visible_occluder,
)
from deocclude.ahp.synthesis import draw_sample
from deocclude.people.person import DetectedPerson


@pytest.fixture(scope="module")
def samples(figures, objects):
    return [draw_sample(figures, objects, TRAINING, 1, index)[0] for index in range(60)]


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.logical_and(first, second).sum() / np.logical_or(first, second).sum()


def test_the_truth_has_no_error(samples):
    error = error_of(samples[0].modal, samples[0])
    assert (error.hidden, error.occluder, error.missing, error.spill) == (0, 0, 0, 0)


def test_the_visible_occluder_is_what_was_pasted_outside_the_body(samples):
    for sample in samples[:10]:
        beside = visible_occluder(sample)
        assert not (beside & sample.amodal).any()
        different = np.abs(sample.occluded.astype(int) - sample.original).max(axis=2) > 8
        assert np.array_equal(beside, different & ~sample.amodal)


def test_drawn_errors_are_reproduced(samples):
    wanted = MaskError(0.2, hidden=0.6, occluder=0.3, missing=0.2, spill=0.05)
    errors = InitialMaskErrors("made-up", (wanted,), 0.0, ())
    made = [
        error_of(corrupt(sample, np.random.default_rng(i), errors), sample)
        for i, sample in enumerate(samples)
    ]
    for name in ("hidden", "occluder", "missing", "spill"):
        mean = np.mean([getattr(error, name) for error in made])
        assert mean == pytest.approx(getattr(wanted, name), abs=0.07), name


def test_simulated_ious_follow_the_measurement(samples):
    ious = [
        iou(corrupt(sample, np.random.default_rng([i, turn])), sample.modal)
        for i, sample in enumerate(samples)
        for turn in range(3)
    ]
    measured = measured_errors()
    assert len(measured.errors) >= 300
    simulated = np.quantile(ious, np.linspace(0, 1, 11))
    assert np.abs(simulated - measured.iou_quantiles)[2:9].max() < 0.12


def test_corruption_is_reproducible_and_varied(samples):
    first = corrupt(samples[3], np.random.default_rng(1))
    assert first.dtype == np.bool_
    assert np.array_equal(first, corrupt(samples[3], np.random.default_rng(1)))
    assert not np.array_equal(first, corrupt(samples[3], np.random.default_rng(2)))


def test_errors_survive_json():
    errors = measured_errors()
    assert InitialMaskErrors.from_json(errors.to_json()) == errors


class Blurry:
    """Sees the whole body with the first two columns of the photo, every third time nobody."""

    name = "blurry"

    def __init__(self, samples) -> None:
        self.samples, self.calls = samples, 0

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        sample = self.samples[self.calls]
        self.calls += 1
        return [] if self.calls % 3 == 0 else [DetectedPerson(sample.amodal, 1.0)]


def test_measuring_counts_what_is_wrong(samples):
    errors = measure_initial_masks(samples, Blurry(samples))
    assert errors.not_found == pytest.approx(1 / 3)
    assert all((e.hidden, e.occluder, e.missing, e.spill) == (1, 0, 0, 0) for e in errors.errors)
    ious = [1 - sample.ratio for i, sample in enumerate(samples) if i % 3 != 2]
    assert errors.iou_quantiles[0] == pytest.approx(min(ious))
    assert errors.iou_quantiles[-1] == pytest.approx(max(ious))


def test_the_best_overlap_is_the_person_and_a_stranger_is_nobody(samples):
    sample = samples[0]
    corner = np.zeros_like(sample.modal)
    corner[:2, :2] = True
    stranger, person = DetectedPerson(corner, 1.0), DetectedPerson(sample.amodal, 0.6)
    assert match([stranger, person], sample.modal) is person
    assert match([stranger], sample.modal) is None
    assert match([], sample.modal) is None
