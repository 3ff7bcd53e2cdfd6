import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from deocclude.evaluation import methods
from deocclude.evaluation.matching import TrueMasks
from deocclude.evaluation.report import show, summarise
from deocclude.evaluation.run import evenly_spaced, groups_of, measure_set
from deocclude.evaluation.sheet import COLUMNS, TILE, contact_sheet, worst_first


class Nobody:
    name = "nobody"

    def __call__(self, sample):
        return None


def run(samples, deoccluder, masks=None):
    return list(measure_set([(s.id.split("-")[0], s) for s in samples], deoccluder, masks or TrueMasks()))


def test_a_perfect_cascade_reaches_the_ends_of_the_scales(make_sample, fake_deoccluder):
    samples = [make_sample(f"p{k}-0", seed=k, hidden_from=20 + 7 * k) for k in range(3)]
    report = summarise(run(samples, fake_deoccluder(samples)))
    ours = report["masks"][methods.OURS]
    for name in ("modal", "amodal", "invisible"):
        assert (ours[name]["micro"], ours[name]["mean"], ours[name]["l1"]) == (1, 1, 0)
        assert ours[name]["interval"] == [1, 1]
    content = report["content"]["true masks"]
    assert content[methods.OURS]["l1"] == 0
    assert content[methods.OURS]["psnr"] is None
    assert 0 < content["nearest visible pixel"]["l1"] < 1
    occluded = content[methods.OCCLUDED]["l1"]
    hidden = np.concatenate([s.invisible.ravel() for s in samples])
    difference = np.concatenate(
        [np.abs(s.occluded / 255.0 - s.original / 255.0).mean(axis=-1).ravel() for s in samples]
    )
    assert occluded == pytest.approx(difference[hidden].mean(), abs=1e-5)


def test_baselines_of_the_true_mask(make_sample, fake_deoccluder):
    sample = make_sample()
    masks = summarise(run([sample], fake_deoccluder([sample])))["masks"]
    share = sample.modal.sum() / sample.amodal.sum()
    assert masks[methods.AS_IT_IS]["modal"]["micro"] == 1
    assert masks[methods.AS_IT_IS]["amodal"]["micro"] == pytest.approx(share, abs=1e-5)
    assert masks[methods.AS_IT_IS]["invisible"]["micro"] == 0
    assert masks[methods.MINUS_TRUE_MODAL]["invisible"]["micro"] == 0
    assert masks[methods.CONVEX_HULL]["amodal"]["micro"] == pytest.approx(share, abs=1e-5)


def test_the_initial_mask_that_covers_the_occluder_is_credited_generously(make_sample, fake_deoccluder):
    sample = make_sample()

    class Swallowing(Nobody):
        def __call__(self, s):
            return replace(TrueMasks()(s), mask=s.amodal)

    masks = summarise(run([sample], fake_deoccluder([sample]), Swallowing()))["masks"]
    assert masks[methods.AS_IT_IS]["invisible"]["micro"] == 0
    assert masks[methods.MINUS_TRUE_MODAL]["invisible"]["micro"] == 1


def test_nobody_found_counts_as_an_empty_prediction(make_sample, fake_deoccluder):
    samples = [make_sample("a-0", seed=1), make_sample("b-0", seed=2)]

    class SeesTheFirst(Nobody):
        def __call__(self, sample):
            return TrueMasks()(sample) if sample.id == "a-0" else None

    report = summarise(run(samples, fake_deoccluder(samples), SeesTheFirst()))
    assert (report["samples"], report["found"]) == (2, 1)
    assert report["masks"][methods.OURS]["amodal"]["micro"] == pytest.approx(0.5)
    found = report["groups"]["initial mask"]["found"]["masks"][methods.OURS]["amodal"]
    assert found["micro"] == 1
    predicted = report["content"]["predicted masks"]
    assert 0 < predicted[methods.OURS]["l1"] < predicted[methods.OCCLUDED]["l1"]
    assert report["content"]["true masks"][methods.OURS]["l1"] == 0


def test_unknown_pixels_never_count(make_sample, fake_deoccluder):
    sample = make_sample()
    unknown = np.zeros_like(sample.unknown)
    unknown[50:] = True
    judged = replace(sample, unknown=unknown)
    short = fake_deoccluder([judged], short=5)
    ours = summarise(run([judged], short))["masks"][methods.OURS]
    assert ours["amodal"]["micro"] == ours["invisible"]["micro"] == 1
    everything = summarise(run([sample], fake_deoccluder([sample], short=5)))["masks"][methods.OURS]
    assert everything["amodal"]["micro"] == pytest.approx(45 / 50)
    assert everything["invisible"]["micro"] == pytest.approx(20 / 25)


def test_groups(make_sample):
    sample = make_sample(hidden_from=50)
    assert sample.ratio == pytest.approx(0.1)
    assert groups_of(sample) == {
        "source": "ccp",
        "ratio": "(0.0, 0.1]",
        "framing": "whole in the frame",
        "occluder": "object",
    }
    assert groups_of(make_sample(hidden_from=49))["ratio"] == "(0.1, 0.2]"
    assert groups_of(make_sample(bottom=61))["framing"] == "cut by the frame"
    assert groups_of(replace(sample, occluder_category="person"))["occluder"] == "person"
    assert groups_of(replace(sample, occluder_category=""))["occluder"] == "unknown"


def test_groups_add_up_to_the_set_and_the_report_is_json(make_sample, fake_deoccluder):
    samples = [
        make_sample(f"p{k}-{r}", "ccp" if k else "lspet", seed=10 * k + r) for k in range(3) for r in (0, 1)
    ]
    report = summarise(run(samples, fake_deoccluder(samples, short=3)))
    assert report["people"] == 3
    assert report["groups"]["source"]["ccp"]["samples"] == 4
    assert report["groups"]["source"]["lspet"]["people"] == 1
    assert [each["id"] for each in report["each"]] == [s.id for s in samples]
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_tables_show_every_method(make_sample, fake_deoccluder):
    samples = [make_sample()]
    console = Console(width=160, record=True, file=StringIO())
    show(summarise(run(samples, fake_deoccluder(samples))), console)
    text = console.export_text()
    for method in (
        methods.OURS,
        methods.AS_IT_IS,
        methods.CONVEX_HULL,
        "Telea",
        methods.OCCLUDED,
        "source ccp",
    ):
        assert method in text


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [(5, None, [0, 1, 2, 3, 4]), (10, 3, [0, 3, 6]), (2, 9, [0, 1]), (891, 1, [0])],
)
def test_evenly_spaced(count, limit, expected):
    assert evenly_spaced(count, limit) == expected


def test_the_sheet_has_a_row_a_sample_the_worst_first(make_sample, fake_deoccluder):
    samples = [make_sample("near-0", seed=1, hidden_from=45), make_sample("far-0", seed=2, hidden_from=20)]
    deoccluder = fake_deoccluder(samples, short=4)
    assert worst_first(run(samples, deoccluder)) == [0, 1]
    assert worst_first(run(samples[::-1], deoccluder)) == [1, 0]
    sheet = contact_sheet(samples, deoccluder, TrueMasks())
    assert sheet.width == TILE * len(COLUMNS)
    assert sheet.height > TILE * len(samples)
    assert contact_sheet(samples, deoccluder, Nobody()).size == sheet.size
