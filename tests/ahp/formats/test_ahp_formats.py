"""AHP's layout into other formats and back: masks, body parts, photos, what is unknown."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from awkward_people import JSON_FORMATS, load, masks_of_coco
from PIL import Image

from deocclude.ahp import frozen, layout
from deocclude.ahp.formats.conversion import Choice, convert
from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.layout import Occluders, People
from deocclude.errors import DeoccludeError

PARSED = ("amodal", "parsing", "unknown", "photo")


@pytest.fixture(scope="module")
def composites(ahp_folder, tmp_path_factory) -> Path:
    """A root whose `val` holds six frozen composites."""
    root = Path(shutil.copytree(ahp_folder, tmp_path_factory.mktemp("frozen") / "AHP"))
    people, occluders = People(root, "val"), Occluders(root, "val")
    samples = frozen.validation_samples(people, occluders, 2, 3, 3)
    frozen.write_samples(root / "val", samples, 6)
    return root


def images_of(folder):
    """Every mask, map and photo below a folder: PNG by pixels, JPEG by bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".png":
            found[path.relative_to(folder)] = np.array(Image.open(path)).tobytes()
        elif path.suffix == ".jpg":
            found[path.relative_to(folder)] = path.read_bytes()
    return found


@pytest.mark.parametrize("name", JSON_FORMATS)
def test_whole_people_come_back(name, ahp_folder, tmp_path):
    convert(ahp_folder, tmp_path / "there", "ahp", name, split="val")
    convert(tmp_path / "there", tmp_path / "back", name, "ahp", split="val")
    old, new = People(ahp_folder, "val"), People(tmp_path / "back", "val")
    assert new.ids == old.ids
    for before, after in zip(old, new, strict=True):
        for field in PARSED:
            assert np.array_equal(getattr(before, field), getattr(after, field)), field


@pytest.mark.parametrize("name", JSON_FORMATS)
def test_composites_come_back_with_their_originals(name, composites, tmp_path):
    convert(composites, tmp_path / "there", "ahp-test", name, split="val")
    convert(tmp_path / "there", tmp_path / "back", name, "ahp-test", split="val")
    before, after = images_of(composites / "val"), images_of(tmp_path / "back" / "val")
    labelled = {path for path in before if path.parts[0] not in ("ModalParsing", "AmodalParsing")}
    assert {path for path in after if "Parsing" not in path.parts[0]} == labelled
    for path in after:
        assert after[path] == before[path], path
    old, new = FrozenComposites(composites, "val"), FrozenComposites(tmp_path / "back", "val")
    assert new.ids == old.ids
    for record, kept in zip(old.records, new.records, strict=True):
        assert kept.items() >= record.items()
    for before_sample, after_sample in zip(old, new, strict=True):
        for field in (
            "occluded",
            "original",
            "modal",
            "amodal",
            "parsing_modal",
            "parsing_amodal",
            "unknown",
        ):
            assert np.array_equal(getattr(before_sample, field), getattr(after_sample, field)), field


def test_awkward_people_go_through_ahps_test_layout(coco_folder, tmp_path, same_masks):
    convert(coco_folder, tmp_path / "AHP", "coco", "ahp-test")
    read = FrozenComposites(tmp_path / "AHP", "test")
    truth = masks_of_coco(coco_folder)
    assert read.ids == [identity for _, identity in truth]
    for sample, (modal, amodal) in zip(read, truth.values(), strict=True):
        assert np.array_equal(sample.modal, modal)
        assert np.array_equal(sample.amodal, amodal)
        assert np.array_equal(sample.original, sample.occluded)
    assert {record["content"] for record in read.records} == {"unknown"}
    convert(tmp_path / "AHP", tmp_path / "back", "ahp-test", "coco")
    same_masks(truth, masks_of_coco(tmp_path / "back"))
    assert load(tmp_path / "back")["images"] == load(coco_folder)["images"]
    assert not (tmp_path / "back" / "originals").exists()
    photos = {str(path.relative_to(coco_folder)) for path in (coco_folder / "photos").rglob("*.*")}
    for photo in photos:
        assert (tmp_path / "back" / photo).read_bytes() == (coco_folder / photo).read_bytes()


def test_only_whole_people_fit_ahps_train_layout(coco_folder, tmp_path):
    with pytest.raises(DeoccludeError, match=r"coco-100-11: \d+% of the person is hidden.*--whole"):
        convert(coco_folder, tmp_path / "AHP", "coco", "ahp")
    assert not (tmp_path / "AHP").exists()
    _, done = convert(coco_folder, tmp_path / "AHP", "coco", "ahp", choice=Choice(whole=True))
    assert (done.people, done.left_out) == (2, 4)
    people = People(tmp_path / "AHP", "train")
    truth = {identity: masks[1] for (_, identity), masks in masks_of_coco(coco_folder).items()}
    for person in people:
        assert np.array_equal(person.amodal, truth[person.id])
    convert(tmp_path / "AHP", tmp_path / "back", "ahp", "coco")
    back = load(tmp_path / "back")
    assert [image["file_name"] for image in back["images"]] == ["straße/été 1.jpg", "plain.png"]
    names = {one["id"]: one["name"] for one in back["categories"]}
    assert [names[one["category_id"]] for one in back["annotations"]] == ["cyclist", "person"]


def test_the_authors_bare_layout_is_read(ahp_folder, tmp_path):
    root = Path(shutil.copytree(ahp_folder, tmp_path / "outer" / "AHP"))
    shutil.rmtree(root / "train" / "PseudoParsingAnnotations")
    shutil.rmtree(root / "train" / "UnknownRegions")
    convert(root.parent, tmp_path / "coco", "ahp", "coco")
    for one in load(tmp_path / "coco")["annotations"]:
        assert set(one["deocclude"]) == {"id"}
        assert one["segmentation"] == one["amodal_segmentation"]
    assert (tmp_path / "coco" / "photos" / f"{People(root, 'train').ids[0]}.jpg").exists()


def test_a_photo_ahps_readers_do_not_know_becomes_png(coco_folder, tmp_path):
    old, new = coco_folder / "photos" / "plain.png", coco_folder / "photos" / "plain.bmp"
    pixels = np.array(Image.open(old))
    Image.fromarray(pixels).save(new)
    content = load(coco_folder)
    content["images"][1]["file_name"] = "plain.bmp"
    (coco_folder / "annotations.json").write_text(json.dumps(content))
    convert(coco_folder, tmp_path / "AHP", "coco", "ahp-test")
    samples = FrozenComposites(tmp_path / "AHP", "test")
    assert np.array_equal(samples[4].occluded, pixels)
    convert(tmp_path / "AHP", tmp_path / "back", "ahp-test", "coco")
    assert load(tmp_path / "back")["images"][1]["file_name"] == "plain.png"


def test_ids_that_lead_elsewhere_are_refused(ahp_folder, tmp_path):
    root = Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))
    listing = root / "train" / "ImageSets" / "train.txt"
    listing.write_text("../../../secret\n")
    with pytest.raises(DeoccludeError, match=r"ImageSets: ../../../secret: the ID .* cannot name a file"):
        convert(root, tmp_path / "out", "ahp", "coco")


def test_a_broken_mask_is_named(ahp_folder, tmp_path):
    root = Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))
    first = People(root, "train").ids[0]
    (root / "train" / "Annotations" / f"{first}.png").write_bytes(b"no PNG")
    with pytest.raises(DeoccludeError, match=rf"{first}\.png: not a readable map"):
        convert(root, tmp_path / "out", "ahp", "coco")
    _, done = convert(root, tmp_path / "out", "ahp", "coco", choice=Choice(skip_bad=True))
    assert (done.people, len(done.faults)) == (3, 1)


def test_composites_join_an_ahp_that_is_there(coco_folder, ahp_folder, tmp_path):
    root = Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))
    convert(coco_folder, root, "coco", "ahp-test")
    assert len(FrozenComposites(root, "test")) == 6
    assert layout.read_ids(root, "val") == layout.read_ids(ahp_folder, "val")
    with pytest.raises(DeoccludeError, match="test: is there already"):
        convert(coco_folder, root, "coco", "ahp-test")
