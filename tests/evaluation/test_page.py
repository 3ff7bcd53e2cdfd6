import re
from dataclasses import replace

import numpy as np
import pytest

from deocclude.evaluation.against import compare
from deocclude.evaluation.matching import TrueMasks
from deocclude.evaluation.page import render
from deocclude.evaluation.parallel import Outcome
from deocclude.evaluation.pictures import NAMES, as_jpegs, tiles_of
from deocclude.evaluation.report import summarise
from deocclude.evaluation.run import complete, measure
from deocclude.evaluation.shown import Shown
from deocclude.evaluation.verdicts import count_verdicts


@pytest.fixture
def outcomes(make_sample, fake_deoccluder):
    """Samples of which a later one has less hidden, and a cascade that misses the lowest rows of all."""
    samples = [make_sample(f"p{k}<b>-0", seed=k, hidden_from=20 + 5 * k) for k in range(6)]
    deoccluder = fake_deoccluder(samples, short=4)
    result = []
    for index, sample in enumerate(samples):
        initial = TrueMasks()(sample)
        completed = complete(sample, initial, deoccluder)
        measured = measure(sample.id, sample, initial, completed, deoccluder)
        result.append(Outcome(10 * index, measured, as_jpegs(tiles_of(sample, initial, completed))))
    return result


@pytest.fixture
def report(outcomes):
    about = {
        "version": "0",
        "model": "lite & co",
        "weights": {"masks": "a" * 64, "content": "b" * 64},
        "device": "cpu",
        "set": "AHP",
        "split": "val",
        "stress": "dark",
        "initial masks": "truth",
        "notes": ["perceptual distance left out: <reason>"],
    }
    return {**about, **summarise([outcome.measured for outcome in outcomes])}


def test_the_worst_and_the_gallery(outcomes):
    shown = Shown([outcome.index for outcome in outcomes], gallery=3, worst=2)
    for outcome in outcomes:
        shown.add(outcome)
    assert [outcome.index for outcome in shown.gallery] == [0, 20, 40]
    assert [outcome.index for outcome in shown.worst] == [50, 40]


def test_equally_bad_samples_keep_their_order(outcomes):
    twins = [replace(outcomes[0], index=index) for index in (3, 5, 9)]
    shown = Shown([3, 5, 9], worst=2)
    for twin in twins:
        shown.add(twin)
    assert [outcome.index for outcome in shown.worst] == [3, 5]


def test_the_page_has_everything_and_needs_nothing(outcomes, report):
    page = render(report, outcomes[:2], outcomes[::-1])
    assert not re.search(r"(?:src|href)=\"(?!data:|#)|@import|url\(", page)
    assert page.count('src="data:image/jpeg;base64,/9j/') == 8 * len(NAMES)
    assert "<b>-0" not in page.replace("&lt;b&gt;-0", "")
    assert "lite &amp; co" in page
    assert "left out: &lt;reason&gt;" in page
    assert "AHP val, dark" in page
    assert "prefers-color-scheme:dark" in page
    assert 'name="viewport"' in page
    for name in ("<th>torso</th>", "<th>(0.5, 0.6]</th>", "Telea", "convex hull", "nearest visible pixel"):
        assert name in page
    assert "half-length</th>" not in page
    assert "PSNR hidden" in page
    assert "FID-lite0" not in page
    assert "close to the body" in page
    assert "amodal mask 0." in page
    assert "no pixel in truth, so in no mean: hat" in page
    sections = ("gallery", "masks", "parts", "content", "groups", "worst")
    places = [page.index(f'id="{part}"') for part in sections]
    assert places == sorted(places)
    worst = page[places[-1] :]
    assert re.findall(r"<b>#(\d+) ", worst) == ["50", "40", "30", "20", "10", "0"]


def test_verdicts_stand_beside_the_pictures_and_are_counted(outcomes, report):
    verdicts = {outcomes[0].measured.id: "ok", outcomes[2].measured.id: "no <legs>"}
    gallery = [outcome.measured.id for outcome in outcomes[:4]]
    counted = {**report, "verdicts": count_verdicts(verdicts, gallery)}
    page = render(counted, outcomes[:4], [], verdicts)
    assert "1 of 4 pictures are ones to show a user; 2 have no verdict." in page
    assert page.count("verdict: <b") == 2
    cases = page.split("<figure")[1:]
    assert 'verdict: <b class="hit">ok</b>' in cases[0]
    assert 'verdict: <b class="missed">no &lt;legs&gt;</b>' in cases[2]
    plain = render(report, outcomes[:4], [])
    assert "verdict" not in plain


def test_the_loss_against_an_earlier_run_is_on_the_page(outcomes, report):
    earlier = {**report, "stress": None, "file": "plain & simple.json"}
    page = render({**report, "against": compare(report, earlier)}, [], [])
    assert "against plain &amp; simple.json (plain; differs in stress)" in page
    assert "relative loss 0.0% [0.0%, 0.0%]" in page


def test_numbers_of_a_case_are_those_of_the_report(outcomes, report):
    page = render(report, [], outcomes[:1])
    row = report["each"][0]
    found = re.search(r'<figure data-both="([\d.]+)" data-invisible="([\d.]+)" data-amodal="([\d.]+)"', page)
    ours = row["iou"]["deocclude"]
    assert [float(value) for value in found.groups()] == pytest.approx(
        [(ours["amodal"] + ours["invisible"]) / 2, ours["invisible"], ours["amodal"]], abs=1e-4
    )


def test_tiles_show_what_is_hit_missed_and_wrong(make_sample, fake_deoccluder):
    sample = make_sample(height=64, width=64)
    flat = np.full_like(sample.original, 128)
    sample = replace(sample, occluded=flat, original=flat)
    deoccluder = fake_deoccluder([sample], short=10)
    initial = TrueMasks()(sample)
    tiles = tiles_of(sample, initial, complete(sample, initial, deoccluder))
    assert tuple(tiles) == NAMES
    grey = (tiles["amodal"].astype(int) == 128).all(axis=-1)
    red, green = ((tiles["amodal"][..., c].astype(int) - 128) > 20 for c in (0, 1))
    assert (red & ~green).sum() / (green & ~red).sum() == pytest.approx(10 / 40, abs=0.12)
    assert grey.any()
    nobody = tiles_of(sample, None, None)
    assert (nobody["initial"] == nobody["photo"]).all()
    assert (nobody["recovered"] == nobody["photo"]).all()
    modal = nobody["modal"].astype(int)
    assert ((modal[..., 0] > 150) & (modal[..., 1] < 110)).sum() > 1000
