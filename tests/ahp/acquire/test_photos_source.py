"""Photos without annotations: N_i says who is in them."""

import numpy as np
import pytest
from PIL import Image

from deocclude.ahp import finder
from deocclude.ahp.acquire.photos import Photos
from deocclude.errors import DeoccludeError
from deocclude.people.person import DetectedPerson


class Blocks:
    """Sees a person in each block of pure red, green and blue."""

    name = "blocks"

    def __call__(self, photo):
        masks = [(photo == 255 * np.eye(3, dtype=np.uint8)[channel]).all(axis=2) for channel in range(3)]
        people = [DetectedPerson(mask, 0.9) for mask in masks if mask.any()]
        return sorted(people, key=lambda person: -int(person.mask.sum()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(finder, "sure_people", lambda: Blocks())
    image = np.full((61, 83, 3), 90, np.uint8)
    root = tmp_path / "holiday"
    (root / "day 2").mkdir(parents=True)
    Image.fromarray(image).save(root / "beach.png")
    image[10:40, 20:33] = 255, 0, 0
    image[12:50, 40:61] = 0, 0, 255
    Image.fromarray(image).save(root / "day 2" / "two.people.PNG")
    (root / "notes.txt").write_text("no photo")
    return root


def test_everybody_whom_n_i_is_sure_of_is_a_candidate_with_a_box(folder, read):
    kept, dropped = read(Photos(folder))
    assert [(one.reason, one.where) for one in dropped] == [("nobody found", str(folder / "beach.png"))]
    first, second = sorted(kept.values(), key=lambda one: one.id)
    assert first.id.startswith("photos-day_2_two.people")
    assert (first.id[-2:], second.id[-2:]) == ("-1", "-2")
    assert (first.box, second.box) == ((40, 12, 61, 50), (20, 10, 33, 40))
    assert (first.others, second.others) == ((second.box,), (first.box,))
    assert (first.height, first.width) == (61, 83)
    assert first.photo == folder / "day 2" / "two.people.PNG"
    assert first.mask is None
    assert first.joints is None


def test_damaged_and_turned_photos_are_dropped(folder, photo, read):
    whole = (folder / "beach.png").read_bytes()
    (folder / "beach.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no photo")
    photo(folder / "turned.jpg", orientation=6)
    kept, dropped = read(Photos(folder))
    assert len(kept) == 2
    reasons = {one.id: one.reason for one in dropped}
    assert sorted(reasons.values()) == ["photo stored turned (EXIF)", "photo unreadable", "photo unreadable"]


def test_a_folder_without_photos_and_missing_models_are_refused(folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeoccludeError, match="empty: no photos; they end in"):
        next(Photos(tmp_path / "empty").photos(tmp_path))
    monkeypatch.setenv("DEOCCLUDE_CACHE", str(tmp_path / "nothing"))
    with pytest.raises(DeoccludeError, match="weights fetch"):
        next(Photos(folder).photos(tmp_path))
