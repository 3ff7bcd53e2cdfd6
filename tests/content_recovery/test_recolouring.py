"""People in other colours: photo and truth alike, against SciPy's rotations."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deocclude.content_recovery.recolouring import recoloured

GREYS = np.ones(3) / 3**0.5


@pytest.fixture
def batch():
    """Colours so close to mid grey that no turn leaves [0, 1]; odd sides."""
    torch.manual_seed(0)
    image, original = (0.4 + 0.2 * torch.rand(40, 3, 5, 7) for _ in range(2))
    return {"image": image, "original": original, "modal": torch.ones(40, 1, 5, 7)}


def angle_between(before, after):
    """By which the colours of one pixel are turned around the axis of greys, in radians."""
    first, second = (colour - GREYS * (GREYS @ colour) for colour in (before, after))
    return np.arctan2(GREYS @ np.cross(first, second), first @ second)


def test_all_pixels_of_a_sample_are_turned_by_one_angle_in_photo_and_truth(batch):
    turned = recoloured(batch, 1.0)
    angles = []
    for index in range(len(batch["image"])):
        first = (pictures["image"][index, :, 0, 0].double().numpy() for pictures in (batch, turned))
        angles.append(angle_between(*first))
        rotation = Rotation.from_rotvec(angles[-1] * GREYS)
        for name in ("image", "original"):
            wanted = rotation.apply(batch[name][index].reshape(3, -1).T.double().numpy())
            given = turned[name][index].reshape(3, -1).T.numpy()
            np.testing.assert_allclose(given, wanted, atol=1e-5)
    quarters = np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0]
    assert (quarters > 0).all()


def test_greys_stay_and_nothing_leaves_the_range_of_colours(batch):
    grey = torch.rand(40, 1, 5, 7).expand(-1, 3, -1, -1)
    turned = recoloured({**batch, "image": grey, "original": torch.rand(40, 3, 5, 7).round()}, 1.0)
    torch.testing.assert_close(turned["image"], grey, atol=1e-5, rtol=0)
    assert turned["original"].min() >= 0
    assert turned["original"].max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_others_keep_their_colours(batch, share):
    turned = recoloured(batch, share)
    moved = (turned["image"] - batch["image"]).abs().amax(dim=(1, 2, 3)) > 1e-4
    moved_too = (turned["original"] - batch["original"]).abs().amax(dim=(1, 2, 3)) > 1e-4
    assert torch.equal(moved, moved_too)
    assert moved.sum() == 0 if share == 0 else 8 < moved.sum() < 32
    assert turned["modal"] is batch["modal"]
