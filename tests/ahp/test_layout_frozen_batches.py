import hashlib
import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from deocclude.ahp import frozen, layout
from deocclude.ahp.augmentation import dye_person, mirror_person, mirror_sample, turn_person
from deocclude.ahp.batches import BatchSettings, CompositeDataset, ValidationDataset, tensors_of
from deocclude.ahp.density import VALIDATION
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.synthesis import SynthesisSettings, occlude
from deocclude.crops import SquareWindow
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson


@pytest.fixture
def copy(ahp_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_people_come_back_as_they_were_written(ahp_folder, figures):
    people = {person.id: person for person in People(ahp_folder, "train")}
    assert set(people) == {person.id for person in figures[:4]}
    for person in figures[:4]:
        read = people[person.id]
        assert read.source == person.source
        for name in ("amodal", "parsing", "unknown"):
            assert np.array_equal(getattr(read, name), getattr(person, name)), name
        assert np.abs(read.photo.astype(int) - person.photo).mean() < 12


def test_occluders_come_back_as_they_were_written(ahp_folder, objects):
    for read, made in zip(Occluders(ahp_folder, "val", keep_bytes=True), objects, strict=True):
        assert (read.id, read.category) == (made.id, made.category)
        assert np.array_equal(read.mask, made.mask)
        assert np.array_equal(read.image, made.image)


def test_a_root_nested_once_is_accepted(copy):
    nested = copy.parent / "outer" / "AHP"
    nested.parent.mkdir()
    copy.rename(nested)
    assert len(People(nested.parent, "val")) == 4


def test_the_authors_layout_without_parsing_and_unknown_is_read(copy):
    shutil.rmtree(copy / "train" / "PseudoParsingAnnotations")
    shutil.rmtree(copy / "train" / "UnknownRegions")
    person = People(copy, "train")[0]
    assert (person.parsing[person.amodal] == 255).all()
    assert (person.parsing[~person.amodal] == 0).all()
    assert not person.unknown.any()


def _spoil_mask_size(root: Path, identity: str) -> None:
    cv2.imwrite(str(root / "train" / "Annotations" / f"{identity}.png"), np.ones((5, 7), np.uint8))


def _remove_mask(root: Path, identity: str) -> None:
    (root / "train" / "Annotations" / f"{identity}.png").unlink()


def _empty_mask(root: Path, identity: str) -> None:
    path = root / "train" / "Annotations" / f"{identity}.png"
    cv2.imwrite(str(path), np.zeros_like(cv2.imread(str(path), 0)))


def _cut_photo(root: Path, identity: str) -> None:
    path = root / "train" / "JPEGImages" / f"{identity}.jpg"
    path.write_bytes(b"no photo")


def _foreign_class(root: Path, identity: str) -> None:
    path = root / "train" / "PseudoParsingAnnotations" / f"{identity}.png"
    cv2.imwrite(str(path), np.full_like(cv2.imread(str(path), 0), 33))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_spoil_mask_size, "7x5"),
        (_remove_mask, "mask is missing"),
        (_empty_mask, "shows nobody"),
        (_cut_photo, "not a readable photo"),
        (_foreign_class, "class 33"),
    ],
)
def test_a_spoilt_person_is_named_in_one_line(copy, spoil, words):
    identity = layout.read_ids(copy, "train")[1]
    spoil(copy, identity)
    with pytest.raises(DeoccludeError, match=words) as caught:
        People(copy, "train")[1]
    assert identity in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folders_name_the_command(tmp_path):
    with pytest.raises(DeoccludeError, match="deocclude ahp build"):
        People(tmp_path, "train")
    with pytest.raises(DeoccludeError, match="deocclude ahp synthesize"):
        frozen.FrozenComposites(tmp_path, "val")


def _freeze(root: Path) -> Path:
    people, occluders = People(root, "val"), Occluders(root, "val")
    frozen.write_samples(root / "val", frozen.validation_samples(people, occluders, 3, 0), 12)
    return root / "val"


def test_the_frozen_set_is_balanced_and_byte_identical(copy):
    first = digest(_freeze(copy))
    records = json.loads((copy / "val" / "samples.json").read_text())
    assert len(records) == 12
    for ratio_bin in VALIDATION.bins:
        assert sum(record["bin"] == list(ratio_bin) for record in records) == 3
    assert 2 <= sum(record["framing"] == "cut" for record in records) <= 4
    shutil.rmtree(copy / "val")
    assert digest(_freeze(copy)) == first


def test_hard_and_feathered_sets_differ_in_their_seams_alone(ahp_folder):
    people, occluders = People(ahp_folder, "val"), Occluders(ahp_folder, "val")
    soft = frozen.validation_samples(people, occluders, 1, 0)
    hard = frozen.validation_samples(people, occluders, 1, 0, settings=SynthesisSettings(hard=True))
    for (first, feathered, _), (second, pasted, _) in zip(soft, hard, strict=True):
        assert first == second
        assert np.array_equal(feathered.modal, pasted.modal)
        assert not np.array_equal(feathered.occluded, pasted.occluded)


def test_frozen_masks_agree_with_their_records(copy):
    _freeze(copy)
    composites = frozen.FrozenComposites(copy, "val")
    for sample, record in zip(composites, composites.records, strict=True):
        ratio = (sample.amodal & ~sample.modal).sum() / sample.amodal.sum()
        assert ratio == pytest.approx(record["ratio"], abs=1e-6)
        assert record["bin"][0] < ratio <= record["bin"][1]
        assert sample.source == record["source"]


def test_a_test_split_without_listing_or_parsing_is_read(copy):
    folder = _freeze(copy)
    for name in ("ModalParsing", "AmodalParsing"):
        shutil.rmtree(folder / name)
    (folder / "samples.json").unlink()
    folder.rename(copy / "test")
    sample = frozen.FrozenComposites(copy, "test")[0]
    assert (sample.parsing_amodal[sample.amodal] == 255).all()


def test_the_same_share_of_each_source():
    ids = [f"ccp-{i}" for i in range(30)] + [f"lspet-{i}" for i in range(90)]
    chosen = [ids[i] for i in frozen.same_share(ids, 40, 0)]
    assert sum(name.startswith("ccp") for name in chosen) == 10
    assert len(chosen) == len(set(chosen)) == 40


class HalfBlind:
    """Finds the person in every second photo only, and somebody else in each."""

    name = "half-blind"

    def __init__(self, samples) -> None:
        self.samples, self.calls = samples, 0

    def __call__(self, photo: np.ndarray) -> list[DetectedPerson]:
        sample = self.samples[self.calls]
        self.calls += 1
        corner = np.zeros_like(sample.modal)
        corner[:3, :3] = True
        found = [DetectedPerson(corner, 1.0)]
        return [*found, DetectedPerson(sample.amodal, 0.9)] if self.calls % 2 else found


def test_initial_masks_are_stored_and_used(copy):
    _freeze(copy)
    composites = frozen.FrozenComposites(copy, "val")
    people = HalfBlind(composites)
    found = [frozen.write_initial_mask(composites, index, people) for index in range(len(composites))]
    assert sum(found) == 6
    assert np.array_equal(composites.initial_mask(0), composites[0].amodal)
    assert not composites.initial_mask(1).any()
    assert len(ValidationDataset(copy, size=64)) == 6
    assert not frozen.FrozenComposites(copy, _freeze(copy).name).has_initial_masks


def _check_item(item: dict[str, torch.Tensor], size: int) -> None:
    for name in ("image", "original"):
        assert item[name].shape == (3, size, size)
        assert item[name].dtype == torch.float32
        assert 0 <= item[name].min() <= item[name].max() <= 1
    for name in ("initial", "modal", "amodal", "invisible", "known", "known_amodal"):
        assert item[name].shape == (1, size, size)
        assert set(item[name].unique().tolist()) <= {0.0, 1.0}
    assert item["in_front"].shape == ()
    assert item["in_front"].dtype == torch.bool
    assert torch.equal(item["invisible"], item["amodal"] - item["modal"])
    for kind in ("modal", "amodal"):
        parsing = item[f"parsing_{kind}"]
        assert parsing.shape == (size, size)
        assert parsing.dtype == torch.int64
        assert torch.equal(parsing > 0, item[kind][0] > 0)
        assert ((parsing < 20) | (parsing == 255)).all()


def test_training_items_keep_the_contract(ahp_folder):
    dataset = CompositeDataset(ahp_folder, size=72, seed=5)
    for index in range(25):
        item = dataset[index]
        _check_item(item, 72)
        assert item["amodal"].any()
        assert item["initial"].any()


def test_pixels_outside_the_photo_and_unknown_ones_are_not_known(figures, objects):
    sample = occlude(figures[0], objects[0], (0.1, 0.2), np.random.default_rng(0))
    height, width = sample.amodal.shape
    known = tensors_of(sample, sample.modal, SquareWindow(-20, -30, 200), 200)["known"][0].numpy() > 0
    expected = np.zeros((200, 200), dtype=bool)
    expected[30 : 30 + height, 20 : 20 + width] = ~sample.unknown
    assert np.array_equal(known, expected)


def test_items_do_not_depend_on_workers(ahp_folder):
    dataset = CompositeDataset(ahp_folder, size=48, seed=9, length=8)
    alone = list(DataLoader(dataset, batch_size=2))
    together = list(DataLoader(dataset, batch_size=2, num_workers=2))
    for one, other in zip(alone, together, strict=True):
        for name in one:
            assert torch.equal(one[name], other[name]), name


class OneSighted:
    """Sees a corner first, then the whole body; or nobody at all."""

    def __init__(self, bodies):
        self.bodies = bodies

    def at_first_sight(self, photo):
        corner = np.zeros(photo.shape[:2], dtype=bool)
        corner[:2, :2] = True
        yield DetectedPerson(corner, 0.9)
        for body in self.bodies:
            yield DetectedPerson(body, 0.8)


def test_the_detectors_own_masks_are_taken_where_it_sees_the_person(ahp_folder):
    detected = CompositeDataset(ahp_folder, size=48, settings=BatchSettings(detected=1.0))
    simulated = CompositeDataset(ahp_folder, size=48)
    for index in range(4):
        sample, simulation, _ = simulated.sample(index)
        detected._source = OneSighted([sample.amodal])
        assert np.array_equal(detected.sample(index)[1], sample.amodal)
        detected._source = OneSighted([])
        fallback = detected.sample(index)[1]
        assert (fallback & sample.amodal).sum() > 0
        assert fallback.shape == simulation.shape


def test_a_share_of_the_people_has_nothing_in_front(ahp_folder):
    composites = CompositeDataset(ahp_folder, size=48, settings=BatchSettings(unoccluded=0.5))
    samples = [composites.sample(index)[0] for index in range(40)]
    bare = [sample for sample in samples if sample.ratio == 0]
    assert 10 <= len(bare) <= 30
    for sample in bare:
        assert np.array_equal(sample.occluded, sample.original)
        assert np.array_equal(sample.modal, sample.amodal)
        assert np.array_equal(sample.parsing_modal, sample.parsing_amodal)
        assert not sample.invisible.any()
        assert sample.occluder_id == ""
    item = composites[samples.index(bare[0])]
    assert torch.equal(item["modal"], item["amodal"])
    assert item["initial"].any()
    assert not item["invisible"].any()
    assert all(sample.ratio > 0 for sample in samples if sample.occluder_id)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_the_occluders_are_people(ahp_folder, share):
    composites = CompositeDataset(ahp_folder, size=48, synthesis=SynthesisSettings(person_share=share))
    categories = [composites.sample(index)[0].occluder_category for index in range(12)]
    assert [category == "person" for category in categories] == [share == 1] * 12


def test_shares_that_make_no_sense_are_refused():
    with pytest.raises(DeoccludeError, match="'content' learns from hidden parts alone"):
        BatchSettings(stage="content", unoccluded=0.1)
    with pytest.raises(DeoccludeError, match="'content' learns from hidden parts alone"):
        BatchSettings(stage="content", false_alarms=0.1)
    with pytest.raises(DeoccludeError, match="'content' learns from hidden parts alone"):
        BatchSettings(stage="content", seen=0.1)
    with pytest.raises(DeoccludeError, match="'content' learns from hidden parts alone"):
        BatchSettings(stage="content", in_front=0.1)
    with pytest.raises(DeoccludeError, match="more than 1 together"):
        BatchSettings(false_alarms=0.6, unoccluded=0.5)
    with pytest.raises(DeoccludeError, match="more than 1 together"):
        BatchSettings(seen=0.6, unoccluded=0.5)
    with pytest.raises(DeoccludeError, match="more than 1 together"):
        BatchSettings(seen=0.6, in_front=0.5)


def test_validation_items_are_the_same_every_time(copy):
    _freeze(copy)
    dataset = ValidationDataset(copy, size=64)
    assert len(dataset) == 12
    for index in (0, 7):
        _check_item(dataset[index], 64)
        again = ValidationDataset(copy, size=64)[index]
        assert all(torch.equal(dataset[index][name], again[name]) for name in again)


def test_mirroring_twice_changes_nothing(figures, objects):
    person = figures[0]
    sample = occlude(person, objects[1], (0.1, 0.2), np.random.default_rng(1))
    twice = mirror_sample(mirror_sample(sample))
    for field in fields(OcclusionSample):
        assert np.array_equal(getattr(twice, field.name), getattr(sample, field.name))
    mirrored = mirror_person(person)
    assert np.array_equal(mirrored.parsing[:, ::-1] == 14, person.parsing == 15)


def test_turning_keeps_area_and_labels(figures):
    person = figures[0]
    turned = turn_person(person, 9.0, 1.1)
    assert turned.amodal.sum() == pytest.approx(1.21 * person.amodal.sum(), rel=0.03)
    assert np.array_equal(turned.parsing > 0, turned.amodal)
    off = replace(person, amodal=np.roll(person.amodal, 40, axis=1))
    assert turn_person(off, 45.0, 1.0) is off or turned.amodal.any()


def _far_from(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))) == 0


@pytest.mark.parametrize("number", [0, 1])
def test_dyes_change_the_body_s_colours_and_nothing_else(figures, number):
    person = figures[number]
    changed = 0
    for seed in range(12):
        dyed = dye_person(person, np.random.default_rng(seed))
        for name in ("amodal", "parsing", "unknown"):
            assert np.array_equal(getattr(dyed, name), getattr(person, name))
        differs = (dyed.photo != person.photo).any(axis=2)
        assert not differs[_far_from(person.amodal)].any()
        changed += (np.abs(dyed.photo.astype(int) - person.photo).max(axis=2) > 30)[person.amodal].sum()
        again = dye_person(person, np.random.default_rng(seed))
        assert np.array_equal(again.photo, dyed.photo)
    assert changed > person.amodal.sum()


def test_garments_are_dyed_by_themselves_or_all_on_one_side_of_a_line(figures):
    person = figures[0]
    garments = np.isin(person.parsing, [5])
    by_garment = 0
    for seed in range(20):
        dyed = dye_person(person, np.random.default_rng(seed))
        differs = (dyed.photo != person.photo).any(axis=2)
        by_garment += bool(differs.any() and not differs[_far_from(garments)].any())
    assert 3 <= by_garment <= 17


def test_dyes_keep_light_and_shade(figures):
    photo = np.full((80, 60, 3), 128, np.uint8)
    photo[10:70, 10:50] += np.linspace(0, 90, 40).astype(np.uint8)[None, :, None]
    body = np.zeros((80, 60), bool)
    body[10:70, 10:50] = True
    person = replace(
        figures[1], photo=photo, amodal=body, parsing=np.where(body, 255, 0).astype(np.uint8), unknown=~body
    )
    rising = total = 0
    for seed in range(20):
        dyed = dye_person(person, np.random.default_rng(seed)).photo.astype(int)
        if (dyed[66, 14:46] != photo[66, 14:46]).all(axis=0).any():
            total += 1
            rising += bool(dyed[66, 44].sum() > dyed[66, 16].sum())
    assert total >= 10
    assert rising >= 0.7 * total
