import json

import numpy as np
import pytest

from deocclude.errors import DeoccludeError
from deocclude.evaluation.against import compare, read_earlier
from deocclude.evaluation.wording import against_line

IDS = [f"p{k // 2}-{k % 2}" for k in range(20)]


def report_of(share, **about):
    """A report in which each sample's IoUs are 50% (modal), 80% and `share` of it of unions of many sizes."""
    rng = np.random.default_rng(3)
    each = []
    for name in IDS:
        unions = rng.integers(50, 2000, 3)
        kept = (unions * (0.5, 0.8, 0.8 * share)).astype(int)
        pixels = {
            mask: [int(hit), int(union)]
            for mask, hit, union in zip(("modal", "amodal", "invisible"), kept, unions, strict=True)
        }
        each.append({"id": name, "person": name[:2], "pixels": pixels})
    return {
        "version": "1",
        "model": "lite",
        "weights": {"masks": "a"},
        "set": "AHP",
        "split": "val",
        "stress": None,
        "initial masks": "predicted",
        "each": each,
        **about,
    }


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.json"
    path.write_text(json.dumps(report_of(1.0)))
    return path


def test_the_loss_is_relative_and_nothing_where_nothing_changed(plain):
    stressed = report_of(0.75, stress="dark")
    against = compare(stressed, read_earlier(plain, "val", IDS))
    hits = [sum(r["pixels"]["invisible"][0] for r in report["each"]) for report in (stressed, report_of(1.0))]
    invisible = against["masks"]["invisible"]
    assert invisible["loss"] == pytest.approx(1 - hits[0] / hits[1], abs=1e-5)
    assert invisible["loss"] == pytest.approx(0.25, abs=0.01)
    assert against["masks"]["modal"]["loss"] == 0
    assert against["masks"]["modal"]["interval"] == [0, 0]
    assert (against["differs"], against["stress"], against["samples"]) == (["stress"], None, 20)
    line = against_line(against)
    assert line.startswith("Micro IoU against plain.json (plain; differs in stress): invisible 0.")
    assert ", relative loss 25." in line
    assert "\n" not in line


def test_the_interval_draws_the_same_people_from_both_runs(plain):
    """Every sample loses about a quarter: paired draws agree to within rounding, whoever is drawn."""
    invisible = compare(report_of(0.75), read_earlier(plain, "val", IDS))["masks"]["invisible"]
    low, high = invisible["interval"]
    assert low <= invisible["loss"] <= high
    assert high - low < 0.002


def test_the_interval_equals_a_plain_bootstrap_over_people(plain):
    stressed = report_of(0.75)
    rng = np.random.default_rng(5)
    for row in stressed["each"]:
        row["pixels"]["invisible"][0] = int(row["pixels"]["invisible"][0] * rng.uniform(0.4, 1.2))
    invisible = compare(stressed, read_earlier(plain, "val", IDS))["masks"]["invisible"]

    def table(report):
        pixels = np.array([row["pixels"]["invisible"] for row in report["each"]])
        return pixels.reshape(10, 2, 2).sum(axis=1)

    now, before = table(stressed), table(report_of(1.0))
    losses = []
    for _ in range(3000):
        drawn = rng.integers(0, 10, 10)
        (a, b), (c, d) = now[drawn].sum(axis=0), before[drawn].sum(axis=0)
        losses.append(1 - (a / b) / (c / d))
    assert invisible["interval"] == pytest.approx(np.percentile(losses, [2.5, 97.5]), abs=0.015)


def test_a_larger_earlier_run_is_compared_over_the_shared_samples(plain):
    few = report_of(0.5)
    few["each"] = few["each"][4:7]
    against = compare(few, read_earlier(plain, "val", IDS[4:7]))
    assert against["samples"] == 3
    assert against["masks"]["invisible"]["loss"] == pytest.approx(0.5, abs=0.01)


def test_nothing_to_lose_is_no_number(tmp_path):
    path = tmp_path / "plain.json"
    path.write_text(json.dumps(report_of(0.0)))
    against = compare(report_of(0.0), read_earlier(path, "val", IDS))
    assert against["masks"]["invisible"]["loss"] is None
    assert against["masks"]["invisible"]["interval"] == [None, None]
    assert "no loss to speak of" in against_line(against)


def test_other_files_are_refused_in_one_line(tmp_path, plain):
    old = report_of(1.0)
    for row in old["each"]:
        del row["pixels"]
    cases = {
        "text.json": ("no json", "val", IDS, "not a report"),
        "list.json": ("[]", "val", IDS, "not a report"),
        "old.json": (json.dumps(old), "val", IDS, "made by an older version"),
        "split.json": (plain.read_text(), "test", IDS, "a report on split val, not test"),
        "ids.json": (plain.read_text(), "val", [*IDS, "x-0", "y-0"], "says nothing of x-0 and 1 more"),
    }
    for name, (text, split, ids, message) in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(DeoccludeError, match=message) as error:
            read_earlier(tmp_path / name, split, ids)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(DeoccludeError, match="cannot be read"):
        read_earlier(tmp_path / "absent.json", "val", IDS)
