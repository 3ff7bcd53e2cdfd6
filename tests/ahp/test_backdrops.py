import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from deocclude.ahp.backdrops import Backdrops, before
from deocclude.ahp.batches import BatchSettings, CompositeDataset
from deocclude.errors import DeoccludeError

GREEN, BLUE = np.array([0, 160, 0]), np.array([0, 0, 200])


@pytest.fixture
def root(ahp_folder, tmp_path):
    """People with one photo without people, which is purple."""
    root = Path(shutil.copytree(ahp_folder, tmp_path / "AHP"))
    folder = root / "false_alarms" / "train" / "JPEGImages"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "coco-1.jpg"), np.full((80, 90, 3), (250, 0, 250), np.uint8))
    return root


@pytest.fixture
def backdrop():
    """61x140, green on the left, blue on the right."""
    photo = np.zeros((61, 140, 3), np.uint8)
    photo[:, :70], photo[:, 70:] = GREEN, BLUE
    return photo


def test_the_person_stays_and_the_rest_is_the_backdrop(figures, backdrop):
    for seed, person in enumerate(figures):
        moved = before(backdrop, person, np.random.default_rng(seed))
        assert moved.photo.shape == person.photo.shape
        for name in ("amodal", "parsing", "unknown"):
            assert np.array_equal(getattr(moved, name), getattr(person, name))
        away = cv2.dilate(person.amodal.astype(np.uint8), np.ones((13, 13))) == 0
        assert (moved.photo[away][:, 0] == 0).all()
        body, before_it = (one.photo[person.amodal].astype(float).ravel() for one in (moved, person))
        assert np.corrcoef(body, before_it)[0, 1] > 0.8


def test_parts_of_the_backdrop_differ_and_keep_their_shape(figures, backdrop):
    person = figures[0]
    backdrop[::2] += 40
    sides, rows = set(), []
    for seed in range(30):
        photo = before(backdrop, person, np.random.default_rng(seed)).photo
        sides |= {int(photo[0, 0, 1:].argmax()), int(photo[0, -1, 1:].argmax())}
        rows.append(len(np.unique(photo[:, 0].round(-1), axis=0)))
    assert sides == {0, 1}
    assert max(rows) > 1
    again = [before(backdrop, person, np.random.default_rng(5)).photo for _ in range(2)]
    assert np.array_equal(*again)


def test_a_share_of_the_whole_people_gets_a_backdrop(root):
    settings = BatchSettings(unoccluded=1.0, frame_cut=0, turned=0, backdrops=0.5)
    composites = CompositeDataset(root, size=48, settings=settings)
    corners = [composites.sample(index)[0].occluded[0, 0] for index in range(40)]
    moved = sum(np.abs(corner.astype(int) - (250, 0, 250)).max() < 12 for corner in corners)
    assert 8 < moved < 32
    assert composites.about["backdrops"] == 0.5


def test_whoever_is_seen_in_part_or_in_front_of_another_stays_there(root, figures):
    settings = BatchSettings(frame_cut=0, turned=0, backdrops=1.0)
    composites = CompositeDataset(root, size=48, settings=settings)
    for change in ({"complete": False}, {"in_front": True}):
        person = replace(figures[0], **change)
        for seed in range(6):
            photo = composites._change(person, np.random.default_rng(seed)).photo
            assert any(np.array_equal(photo, same) for same in (person.photo, person.photo[:, ::-1]))


def test_without_photos_the_remedy_is_named(ahp_folder):
    with pytest.raises(DeoccludeError, match="no photos without people; run `deocclude ahp false-alarms"):
        Backdrops(ahp_folder, "train")
