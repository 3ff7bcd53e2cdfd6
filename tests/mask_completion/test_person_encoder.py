"""What the first hourglass of `lite` gets to see."""

import pytest
import torch

from deocclude.mask_completion.person_encoder import PersonEncoder


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return PersonEncoder()


def test_every_level_knows_the_mask(encoder):
    mask = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        features = encoder(torch.cat([torch.rand(1, 3, 96, 96), mask], dim=1))
    for feature, width in zip(features, encoder.widths, strict=True):
        cells = feature.shape[-1]
        assert feature.shape == (1, width, cells, cells)
        cell = 96 // cells
        averaged = mask.reshape(cells, cell, cells, cell).mean(dim=(1, 3))
        for channel in feature[0, -8:]:
            torch.testing.assert_close(channel, 2 * averaged - 0.5)


def test_bodies_and_objects_stand_beside_each_other(encoder):
    crop = torch.rand(2, 4, 64, 64)
    encoder.eval()
    with torch.no_grad():
        joined = encoder(crop)
        bodies, objects = encoder.pose(crop[:, :3]), encoder.objects(crop[:, :3])
    encoder.train()
    for feature, body, thing in zip(joined, bodies, objects, strict=True):
        torch.testing.assert_close(feature[:, :-8], torch.cat([body, thing], dim=1))


def test_all_learn_but_the_fine_levels_of_the_objects(encoder):
    torch.stack([level.square().mean() for level in encoder(torch.rand(2, 4, 64, 64))]).sum().backward()
    assert all(p.grad is not None for p in encoder.pose.parameters())
    objects = encoder.objects
    fine = {id(p) for part in (objects.stem, *objects.levels[:2]) for p in part.parameters()}
    assert {id(p) for p in objects.parameters() if p.grad is None} == fine
