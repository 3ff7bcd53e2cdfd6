"""Whom the people in front hide."""

import numpy as np
import pytest

from deocclude.people import BlazePose
from deocclude.people.behind import Scene
from deocclude.people.detector import Detection
from deocclude.people.landmarks import NUM_LANDMARKS, Pose
from deocclude.people.person import SURE
from deocclude.people.region import Pyramid, Region

GREY, RED, BLUE = (128, 128, 128), (220, 20, 20), (20, 20, 220)


def photo_of(height=300, width=420, *, behind=(60, 280, 150, 240), front=(40, 290, 180, 300)):
    """Grey, with a blue rectangle (top, bottom, left, right) and a red one in front of it."""
    photo = np.full((height, width, 3), GREY, np.uint8)
    for (top, bottom, left, right), colour in ((behind, BLUE), (front, RED)):
        photo[top:bottom, left:right] = colour
    return photo


def is_colour(photo, colour):
    return np.abs(photo.astype(int) - colour).max(axis=2) < 60


class SeesTheReddest:
    """Detects the red rectangle, the blue one only where there is no red."""

    def __call__(self, levels, view, min_score):
        for colour, score in ((RED, 0.9), (BLUE, 0.6)):
            rows, columns = np.nonzero(is_colour(levels.photo, colour))
            if rows.size > 30:
                top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
                centre = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
                on_circle = centre - (0, (bottom - top) / 2)
                box = np.array([left, top, right, bottom], np.float32)
                return [Detection(score, box, np.stack([centre, on_circle, centre, on_circle]))]
        return []


class DrawsThatColour:
    """The mask of whichever colour is at the centre of the region, and a presence of 0.9."""

    def __call__(self, levels, region):
        crop = region.cut(levels, 256)
        colour = min((RED, BLUE), key=lambda one: np.abs(crop[128, 128].astype(int) - one).sum())
        landmarks = np.full((NUM_LANDMARKS, 3), 0.8, np.float32)
        landmarks[:, :2] = region.x, region.y
        circle = np.array([(region.x, region.y), (region.x, region.y - region.side / 2.5)], np.float32)
        return Pose(region, 0.9, landmarks, circle, is_colour(crop, colour).astype(np.float32))


@pytest.fixture
def source():
    blazepose = BlazePose(doubtful=True)
    blazepose.__dict__.update(_detector=SeesTheReddest(), _landmarks=DrawsThatColour())
    return blazepose


@pytest.mark.parametrize("factor", [1, 3])
def test_a_person_whom_another_hides_from_the_detector_comes_back_doubtful(source, factor):
    photo = photo_of().repeat(factor, axis=0).repeat(factor, axis=1)
    front, behind = source(photo)
    assert front.score >= SURE > behind.score
    assert (front.mask & is_colour(photo, RED)).sum() > 0.95 * is_colour(photo, RED).sum()
    blue = is_colour(photo, BLUE)
    assert (behind.mask & blue).sum() > 0.7 * behind.mask.sum()
    assert (behind.mask & blue).sum() > 0.7 * blue.sum()
    assert not (behind.mask & is_colour(photo, RED)).any()
    assert 150 * factor < behind.landmarks[0, 0] < 240 * factor
    assert 0 <= behind.landmarks[0, 2] <= 1


def test_nobody_is_behind_when_only_sure_people_are_asked_for(source):
    sure = BlazePose()
    sure.__dict__.update(source.__dict__, _doubtful=False)
    assert len(sure(photo_of())) == 1


def test_a_person_of_whom_next_to_nothing_is_left_is_made_up(source):
    (front,) = source(photo_of(behind=(60, 280, 176, 240)))
    assert front.score >= SURE


def test_the_scene_keeps_what_is_not_covered():
    photo = photo_of(600, 840, behind=(0, 0, 0, 0), front=(100, 500, 300, 500))
    pose = DrawsThatColour()(Pyramid(photo), Region(400, 300, 500))
    scene = Scene.without(Pyramid(photo), [pose])
    assert scene.scale == pytest.approx(320 / 840)
    assert max(scene.photo.photo.shape) == 320
    assert not is_colour(scene.photo.photo, RED).any()
    assert (np.abs(scene.photo.photo.astype(int) - GREY).max(axis=2) < 60).all()
    assert scene.covered.photo.sum() / 255 / scene.scale**2 == pytest.approx(400 * 200, rel=0.1)
    half = Pose(Region(114, 114, 160), 0.9, pose.landmarks, pose.circle, np.ones((256, 256), np.float32))
    seen = scene.seen(half)
    assert seen is not None
    assert seen.region.side == pytest.approx(160 / scene.scale)
    assert 0.3 < seen.mask.mean() < 1
    inside = Pose(Region(152, 114, 40), 0.9, pose.landmarks, pose.circle, np.ones((256, 256), np.float32))
    assert scene.seen(inside) is None
