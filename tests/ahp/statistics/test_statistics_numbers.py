import json
import math
import shutil
from itertools import pairwise

import numpy as np
import pytest

from deocclude.ahp import frozen, layout
from deocclude.ahp.sample import OcclusionSample, WholePerson
from deocclude.ahp.statistics.count import FINE_RATIO_EDGES, RATIO_EDGES, count
from deocclude.ahp.statistics.distribution import Distribution, Summary, even_edges
from deocclude.errors import DeoccludeError
from deocclude.parsing import LIP_CLASSES

HIDDEN_ROWS = (0.25, 0.5, 0.75)


def _hide(person: WholePerson, share: float, category: str) -> OcclusionSample:
    """The upper part of the body hidden, rows up to `share` of the photo's height."""
    invisible = person.amodal.copy()
    invisible[round(share * invisible.shape[0]) :] = False
    modal = person.amodal & ~invisible
    return OcclusionSample(
        id=person.id,
        source=person.source,
        occluder_id=f"coco-{category}-1",
        occluder_category=category,
        occluded=np.where(invisible[..., None], 0, person.photo).astype(np.uint8),
        original=person.photo,
        modal=modal,
        amodal=person.amodal,
        invisible=invisible,
        parsing_modal=np.where(modal, person.parsing, 0).astype(np.uint8),
        parsing_amodal=person.parsing,
        unknown=person.unknown,
        ratio=int(invisible.sum()) / int(person.amodal.sum()),
    )


@pytest.fixture(scope="module")
def composites(figures):
    """Six composites of the two first validation figures."""
    kinds = ("sheep", "sheep", "cup")
    return [
        (f"{person.id}-{k}", _hide(person, share, kinds[k]))
        for person in figures[4:6]
        for k, share in enumerate(HIDDEN_ROWS)
    ]


@pytest.fixture(scope="module")
def data_set(tmp_path_factory, ahp_folder, composites):
    root = tmp_path_factory.mktemp("counted") / "set"
    shutil.copytree(ahp_folder, root)
    records = []
    for number, (identity, sample) in enumerate(composites):
        frozen.write_sample(root / "val", identity, sample)
        record = {"id": identity, "person": sample.id, "source": sample.source, "ratio": 0.999}
        record |= {"category": sample.occluder_category, "framing": "cut" if number == 0 else "whole"}
        records.append(record)
    (root / "val" / "samples.json").write_text(json.dumps(records))
    return root


@pytest.fixture(scope="module")
def counted(data_set):
    return count(data_set, workers=2)


def _by_hand(values, edges):
    return [
        sum(1 for v in values if (low < v <= high) or (k == 0 and v == low))
        for k, (low, high) in enumerate(pairwise(edges))
    ]


def test_values_at_an_edge_belong_to_the_bin_below_and_zero_to_the_first():
    distribution = Distribution.of({"a": [0.0, 0.1, 0.1000001], "b": [0.3, 0.7]}, even_edges(0.1, 1.0))
    assert distribution.counts["a"] == (2, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert distribution.counts["b"] == (0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    assert distribution.total == (2, 1, 1, 0, 0, 0, 1, 0, 0, 0)


def test_bins_agree_with_a_count_by_hand():
    values = np.random.default_rng(3).gamma(2.0, 1.5, 501).round(2).tolist()
    edges = (0.0, 0.5, 1.25, 4.0, math.inf)
    assert list(Distribution.of({"a": values}, edges).total) == _by_hand(values, edges)


def test_summary_of_known_values():
    assert Summary.of(np.arange(101.0)) == Summary(101, 0.0, 5.0, 50.0, 50.0, 95.0, 100.0)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ({}, (0, 1)),
        ({"a": []}, (0, 1)),
        ({"a": [1.5]}, (0, 1)),
        ({"a": [-0.1]}, (0, 1)),
        ({"a": [math.nan]}, (0, 1)),
        ({"a": [0.5]}, (0, 0, 1)),
    ],
)
def test_impossible_distributions_are_refused(values, edges):
    with pytest.raises(ValueError, match=r"value|rise"):
        Distribution.of(values, edges)


def test_shapes_are_those_of_the_masks(counted, figures):
    aspect, area, tall, share = [], [], [], []
    for person in figures:
        ys, xs = np.nonzero(person.amodal)
        aspect.append((ys.max() - ys.min() + 1) / (xs.max() - xs.min() + 1))
        area.append(len(ys))
        tall.append((ys.max() - ys.min() + 1) / person.photo.shape[0])
        share.append(np.mean(person.amodal))
    people = counted.people
    for distribution, values in (
        (people.aspect_ratio, aspect),
        (people.area, area),
        (people.share_of_height, tall),
        (people.share_of_photo, share),
    ):
        assert list(distribution.total) == _by_hand(values, distribution.edges)
        assert distribution.overall.mean == pytest.approx(np.mean(values))
        assert distribution.overall.median == pytest.approx(np.median(values))
    lspet = [value for person, value in zip(figures, aspect, strict=True) if person.source == "lspet"]
    assert list(people.aspect_ratio.counts["lspet"]) == _by_hand(lspet, people.aspect_ratio.edges)
    assert people.upright == np.mean([1.5 <= value <= 3.5 for value in aspect])


def test_people_by_split_and_source(counted):
    assert counted.people.splits == {"train": {"ccp": 2, "lspet": 2}, "val": {"ccp": 2, "lspet": 2}}
    assert counted.people.with_unknown == 8
    assert counted.people.touching_border == 0


def test_body_parts_are_counted_over_labelled_people(counted, figures):
    labelled = [person for person in figures if person.source == "ccp"]
    assert counted.people.labelled == len(labelled)
    for index, part in enumerate(counted.people.parts):
        inside = [(person.parsing == index) & person.amodal for person in labelled]
        assert (part.name, part.pixels) == (LIP_CLASSES[index], sum(int(mask.sum()) for mask in inside))
        assert part.people == sum(bool(mask.any()) for mask in inside)
    unlabelled = sum(int(person.amodal.sum()) for person in figures if person.source == "lspet")
    assert counted.people.unlabelled == unlabelled


def test_one_pixel_of_a_part_is_enough_to_show_it(tmp_path, figures):
    whole = figures[0]
    parsing = whole.parsing.copy()
    row, column = np.argwhere(whole.amodal)[-1]
    parsing[row, column] = LIP_CLASSES.index("left-shoe")
    person = WholePerson("ccp-1", "ccp", whole.photo, whole.amodal, parsing, whole.unknown)
    layout.write_person(tmp_path, person)
    layout.write_ids(tmp_path, "val", ["ccp-1"])
    parts = {part.name: part for part in count(tmp_path).people.parts}
    assert (parts["left-shoe"].pixels, parts["left-shoe"].people) == (1, 1)
    assert (parts["glove"].pixels, parts["glove"].people) == (0, 0)


def test_a_body_that_reaches_the_last_row_is_counted(tmp_path, figures):
    whole = figures[0]
    body = whole.amodal.copy()
    body[-1, 40:50] = True
    unlabelled = np.where(body, 255, 0).astype(np.uint8)
    person = WholePerson(whole.id, "ccp", whole.photo, body, unlabelled, whole.unknown)
    layout.write_person(tmp_path, person)
    layout.write_ids(tmp_path, "train", [person.id])
    layout.write_ids(tmp_path, "val", [])
    numbers = count(tmp_path)
    assert numbers.people.touching_border == 1
    assert numbers.people.labelled == 0
    assert numbers.composites == {}
    assert any("no frozen composites" in note for note in numbers.notes)


def test_ratios_come_from_the_masks_not_from_the_list(counted, composites):
    ratios = [sample.invisible.sum() / sample.amodal.sum() for _, sample in composites]
    val = counted.composites["val"]
    assert list(val.ratio.total) == _by_hand(ratios, RATIO_EDGES)
    assert list(val.fine.total) == _by_hand(ratios, FINE_RATIO_EDGES)
    assert val.ratio.overall.most == pytest.approx(max(ratios))
    assert max(ratios) < 0.99


def test_occluders_and_framing(counted):
    val = counted.composites["val"]
    assert (val.samples, val.people) == (6, 2)
    assert list(val.occluders.items()) == [("sheep", 4), ("cup", 2)]
    assert val.framing == {"whole": 5, "cut": 1}
    assert counted.cutouts == {"train": {"big ball": 5}, "val": {"big ball": 5}}


def test_json_is_strict_and_does_not_depend_on_the_threads(counted, data_set):
    text = json.dumps(counted.as_json(), allow_nan=False)
    assert text == json.dumps(count(data_set, workers=1).as_json())
    read = json.loads(text)
    assert read["data set"] == "set"
    assert read["people"]["aspect ratio"]["edges"][-1] is None
    assert sum(read["people"]["mask area"]["total"]) == 8
    assert read["sources"]["ccp"] == {
        "humans": None, "preserved": 4, "ratio": None, "others": {}, "dropped": {},
    }  # fmt: skip


def test_a_folder_without_people_is_refused(tmp_path, figures):
    with pytest.raises(DeoccludeError, match="JPEGImages"):
        count(tmp_path)
    layout.write_person(tmp_path, figures[0])
    layout.write_ids(tmp_path, "train", [])
    with pytest.raises(DeoccludeError, match="ImageSets: lists nobody"):
        count(tmp_path)


def test_a_missing_mask_is_named(tmp_path, ahp_folder, figures):
    root = tmp_path / "set"
    shutil.copytree(ahp_folder, root)
    (root / "train" / "Annotations" / f"{figures[1].id}.png").unlink()
    with pytest.raises(DeoccludeError, match=rf"Annotations/{figures[1].id}\.png: the mask is missing"):
        count(root, workers=2)
