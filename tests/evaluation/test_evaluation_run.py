import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from deocclude.evaluation import methods
from deocclude.evaluation.appearance import Looks
from deocclude.evaluation.matching import TrueMasks
from deocclude.evaluation.pictures import NAMES, TILE
from deocclude.evaluation.report import summarise
from deocclude.evaluation.run import evenly_spaced, measure_set
from deocclude.evaluation.sheet import contact_sheet, worst_first
from deocclude.evaluation.tables import show


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
        assert (ours[name]["boundary"], ours[name]["boundary interval"]) == (1, [1, 1])
    content = report["content"]["true masks"]
    assert content[methods.OURS]["l1"] == 0
    assert content[methods.OURS]["psnr"] is None
    assert content[methods.OURS]["ssim"] == 1
    assert content["nearest visible pixel"]["ssim"] < 0.9
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


def test_boundaries_count_every_sample_alike_and_psnr_has_an_interval(make_sample, fake_deoccluder):
    samples = [make_sample(f"p{k}-0", seed=k, hidden_from=25 + 6 * k) for k in range(4)]
    measured = run(samples, fake_deoccluder(samples, short=8))
    report = summarise(measured)
    scores = [m.masks[methods.OURS]["amodal"]["boundary"].numerator for m in measured]
    ours = report["masks"][methods.OURS]["amodal"]
    assert ours["boundary"] == pytest.approx(np.mean(scores), abs=1e-5)
    assert 0 < ours["boundary"] < 1
    assert ours["boundary interval"][0] <= ours["boundary"] <= ours["boundary interval"][1]
    assert report["each"][1]["boundary"][methods.OURS]["amodal"] == pytest.approx(scores[1], abs=1e-5)
    telea = report["content"]["true masks"]["Telea"]
    assert telea["psnr interval"][0] < telea["psnr"] < telea["psnr interval"][1]


def test_what_is_hidden_is_judged_in_the_unoccluded_photo(make_sample, fake_deoccluder):
    """The occluder beside the body costs l1 of the crop, never the similarity of the hidden part."""
    sample = make_sample()
    louder = sample.occluded.copy()
    louder[30:, 10:15] = 0
    louder[30:, 35:40] = 0
    other = replace(sample, occluded=louder)
    first, second = (
        summarise(run([s], fake_deoccluder([s])))["content"]["true masks"][methods.OCCLUDED]
        for s in (sample, other)
    )
    assert first["ssim"] == second["ssim"] < 1
    assert first["crop l1"] != second["crop l1"]


def test_looks_join_the_report(make_sample, fake_deoccluder):
    samples = [make_sample(f"p{k}-0", seed=k) for k in range(3)] + [make_sample("p3-0", hidden_from=55)]
    assert not samples[-1].invisible.any()

    class Colours:
        """Mean colours in place of networks."""

        vgg = lite0 = object()

        def __call__(self, results, original, hidden, person):
            def mean(photo):
                return photo[hidden].mean(axis=0).astype(np.float32)

            if not hidden.any():
                return Looks(None, None, None)
            distances = {n: float(np.abs(mean(p) - mean(original)).sum()) for n, p in results.items()}
            return Looks(distances, {n: mean(p) for n, p in results.items()}, mean(original))

    pairs = [(s.id.split("-")[0], s) for s in samples]
    measured = list(measure_set(pairs, fake_deoccluder(samples), TrueMasks(), Colours()))
    assert measured[-1].features is None
    content = summarise(measured)["content"]["true masks"]
    assert (content[methods.OURS]["perceptual"], content[methods.OURS]["fid"]) == (0, 0)
    assert content[methods.OURS]["kid"] == 0
    distances = [
        np.abs(s.occluded[s.invisible].mean(axis=0) - s.original[s.invisible].mean(axis=0)).sum()
        for s in samples[:3]
    ]
    assert content[methods.OCCLUDED]["perceptual"] == pytest.approx(np.mean(distances), rel=1e-4)
    assert content[methods.OCCLUDED]["fid"] > 100
    group = summarise(measured)["groups"]["source"]["ccp"]["content"]["true masks"][methods.OCCLUDED]
    assert "perceptual" in group
    assert "fid" not in group


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
    assert sheet.width == TILE * len(NAMES)
    assert sheet.height > TILE * len(samples)
    assert contact_sheet(samples, deoccluder, Nobody()).size == sheet.size


def test_body_parts_of_labelled_samples_over_known_pixels_of_the_window(make_sample, fake_deoccluder):
    samples = [make_sample(f"p{k}-0", seed=k) for k in range(3)]
    unlabelled = np.where(samples[1].amodal, np.uint8(255), np.uint8(0))
    samples[1] = replace(
        samples[1], parsing_amodal=unlabelled, parsing_modal=np.where(samples[1].modal, unlabelled, 0)
    )
    measured = run(samples, fake_deoccluder(samples, short=10))
    assert measured[1].parsing is None
    parsing = summarise(measured)["parsing"]
    assert (parsing["samples"], parsing["people"]) == (2, 2)
    assert parsing["modal"]["mIoU"] == 1
    amodal = parsing["amodal"]
    assert amodal["classes"]["upper-clothes"] == {"iou": 0.8, "accuracy": 0.8, "people": 2}
    background = 61 * 47 - 50 * 20
    assert amodal["classes"]["background"]["iou"] == pytest.approx(background / (background + 200), abs=1e-5)
    assert amodal["mIoU parts"] == 0.8
    assert len(amodal["absent"]) == 18
    unknown = np.zeros_like(samples[0].unknown)
    unknown[45:] = True
    behind_a_bag = [replace(samples[0], unknown=unknown)]
    parsing = summarise(run(behind_a_bag, fake_deoccluder(behind_a_bag, short=10)))["parsing"]
    assert parsing["amodal"]["mIoU"] == 1
    nobody = summarise(run(samples, fake_deoccluder(samples), Nobody()))["parsing"]
    assert nobody["amodal"]["classes"]["upper-clothes"]["iou"] == 0
    assert nobody["amodal"]["classes"]["background"]["accuracy"] == 1


def test_a_set_without_labels_has_no_body_parts(make_sample, fake_deoccluder):
    sample = make_sample()
    nothing = np.where(sample.amodal, np.uint8(255), np.uint8(0))
    sample = replace(sample, parsing_amodal=nothing, parsing_modal=np.where(sample.modal, nothing, 0))
    report = summarise(run([sample], fake_deoccluder([sample])))
    assert report["parsing"] is None
    console = Console(width=160, record=True, file=StringIO())
    show(report, console)
    assert "no sample has labels" in console.export_text()


def test_the_boundary_pair_is_the_mean_of_paired_differences(make_sample, fake_deoccluder):
    samples = [make_sample(f"p{k}-0", seed=k, hidden_from=25 + 6 * k) for k in range(4)]

    class Shrunk(Nobody):
        """The true visible mask without its outermost columns."""

        def __call__(self, sample):
            mask = sample.modal.copy()
            mask[:, :20] = False
            return replace(TrueMasks()(sample), mask=mask)

    measured = run(samples, fake_deoccluder(samples, short=8), Shrunk())
    report = summarise(measured)
    pair = report["boundary pair"]
    ours = [m.masks[methods.OURS]["amodal"]["boundary"].numerator for m in measured]
    initial = [m.masks[methods.AS_IT_IS]["modal"]["boundary"].numerator for m in measured]
    assert pair["deocclude, amodal"] == pytest.approx(np.mean(ours), abs=1e-5)
    assert pair["initial mask as it is, modal"] == pytest.approx(np.mean(initial), abs=1e-5)
    differences = np.subtract(ours, initial)
    assert pair["difference"] == pytest.approx(differences.mean(), abs=1e-5)
    assert differences.min() <= pair["interval"][0] <= pair["difference"] <= pair["interval"][1]
    console = Console(width=300, record=True, file=StringIO())
    show(report, console)
    assert f"difference {pair['difference']:+.3f}" in console.export_text()


def test_samples_say_whose_they_are_and_what_was_counted(make_sample, fake_deoccluder):
    samples = [make_sample("p0-0"), make_sample("p0-1", seed=1)]
    row = summarise(run(samples, fake_deoccluder(samples, short=5)))["each"][1]
    assert row["person"] == "p0"
    assert row["pixels"] == {"modal": [500, 500], "amodal": [900, 1000], "invisible": [400, 500]}
