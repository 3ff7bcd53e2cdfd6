import numpy as np
import pytest

from deocclude.demo import compare, make_scene, save_scene
from deocclude.images import load_photo
from deocclude.people.person import DetectedPerson
from deocclude.result import DeoccludedPhoto, Patch, Person

pytest.importorskip("skimage")


def test_the_scene_is_the_photo_with_a_cup_in_it(tmp_path):
    scene = make_scene()
    assert scene.occluded.shape == scene.original.shape == (512, 512, 3)
    assert 0.08 < scene.occluder.mean() < 0.2
    far = np.ones((512, 512), bool)
    far[345:, 140:375] = False
    assert not scene.occluder[far].any()
    np.testing.assert_array_equal(scene.occluded[far], scene.original[far])
    changed = (scene.occluded != scene.original).any(axis=2)
    assert changed[scene.occluder].mean() > 0.95
    np.testing.assert_array_equal(load_photo(save_scene(scene, tmp_path / "new")), scene.occluded)


@pytest.mark.parametrize("place", [(-120, 340), (400, 380), (100, -100)])
def test_the_cup_may_stick_out_of_the_photo(place):
    usual, scene = make_scene(), make_scene(place)
    right, down = place[0] - 100, place[1] - 340
    expected = np.zeros_like(usual.occluder)
    for y, x in np.argwhere(usual.occluder) + np.array([down, right]):
        if 0 <= y < 512 and 0 <= x < 512:
            expected[y, x] = True
    seen = slice(0, 512 + min(0, down)), slice(None)  # the usual cup's foot is below the photo
    np.testing.assert_array_equal(scene.occluder[seen], expected[seen])
    assert expected[seen].any()


@pytest.mark.parametrize("place", [(512, 0), (-400, 0), (0, 600), (0, -300)])
def test_a_cup_beside_the_photo_leaves_it_as_it_is(place):
    scene = make_scene(place)
    assert not scene.occluder.any()
    np.testing.assert_array_equal(scene.occluded, scene.original)


def test_a_perfect_prediction_scores_one():
    scene = make_scene()
    body = np.zeros((512, 512), bool)
    body[100:512, 60:330] = True
    truth = DetectedPerson(body, 1.0)
    box = truth.box
    inner = (slice(100, 512), slice(60, 330))
    parts = np.zeros((412, 270), np.uint8)
    maps = {
        "initial": body, "modal": body & ~scene.occluder, "amodal": body,
    }  # fmt: skip
    patches = {name: Patch(box, mask[inner]) for name, mask in maps.items()}
    patches |= {"parsing_modal": Patch(box, parts), "parsing_amodal": Patch(box, parts)}
    painted = np.dstack([scene.original, np.uint8(255) * (body & scene.occluder)])
    person = Person(1.0, box, None, 0.1, scene.occluded, patches, Patch(box, painted[inner]))
    picture, iou = compare(scene, truth, DeoccludedPhoto(scene.occluded, [person], {}, "made up"))
    assert iou == {"modal": 1.0, "amodal": 1.0, "invisible": 1.0}
    assert picture.width <= 1800
