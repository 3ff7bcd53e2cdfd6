import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from deocclude.errors import DeoccludeError
from deocclude.people import MaskRCNN, load_source


class FakeNetwork:
    """Answers like torchvision's Mask R-CNN and records what it was asked."""

    def __init__(self, **options):
        self.options = options

    def to(self, device):
        return self

    def eval(self):
        return self

    def __call__(self, images):
        (image,) = images
        assert image.dtype == torch.float32
        assert image.shape[0] == 3
        assert 0 <= image.min() <= image.max() <= 1
        height, width = image.shape[1:]
        masks = torch.zeros(4, 1, height, width)
        masks[0, 0, :5, :5] = 0.9
        masks[1, 0, 5:, :] = 0.8
        masks[2, 0, :, :] = 0.9
        return [
            {
                "labels": torch.tensor([1, 1, 18, 1]),
                "scores": torch.tensor([0.95, 0.8, 0.99, 0.9]),
                "masks": masks,
            }
        ]


@pytest.fixture
def torchvision(monkeypatch):
    detection = ModuleType("torchvision.models.detection")
    detection.MaskRCNN_ResNet50_FPN_Weights = type("Weights", (), {"DEFAULT": "coco"})
    detection.maskrcnn_resnet50_fpn = FakeNetwork
    models = ModuleType("torchvision.models")
    models.detection = detection
    root = ModuleType("torchvision")
    root.models = models
    for module in (root, models, detection):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def test_people_only_from_the_largest_and_never_empty(torchvision):
    photo = np.full((21, 33, 3), 255, dtype=np.uint8)
    people = MaskRCNN()(photo)
    assert [person.score for person in people] == pytest.approx([0.8, 0.95])
    assert people[0].mask[5:].all()
    assert not people[0].mask[:5].any()
    assert people[1].mask.sum() == 25


def test_score_is_a_threshold(torchvision):
    people = load_source("maskrcnn", score=0.9)(np.zeros((21, 33, 3), dtype=np.uint8))
    assert [person.score for person in people] == pytest.approx([0.95])


def test_missing_torchvision_names_the_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(DeoccludeError) as error:
        MaskRCNN()
    assert "pip install 'deocclude[maskrcnn]'" in str(error.value)
