"""EfficientNet-Lite0 as an encoder against the network of the packaged weights."""

import pytest
import torch

from deocclude.errors import DeoccludeError
from deocclude.lite0 import Lite0Features
from deocclude.mask_completion.object_encoder import ObjectEncoder, load_object_weights


@pytest.fixture(scope="module")
def encoder():
    encoder = ObjectEncoder()
    try:
        load_object_weights(encoder)
    except DeoccludeError as error:
        pytest.skip(str(error))
    return encoder.eval()


def inside_of(image):
    """Outputs of every block of the classifier."""
    blocks = []

    class Listening(Lite0Features):
        def _convolved(self, x, name, stride=1, groups=1):
            if name in ("_blocks.3._expand_conv", "_blocks.5._expand_conv", "_blocks.11._expand_conv"):
                blocks.append(x)
            if name == "_blocks.15._expand_conv":
                blocks.append(x)
            return super()._convolved(x, name, stride, groups)

    Listening()(image)
    return blocks


@pytest.mark.parametrize("size", [64, 96])
def test_features_equal_those_inside_the_classifier(encoder, size):
    torch.manual_seed(size)
    image = torch.rand(2, 3, size, size)
    ours, theirs = encoder(image), inside_of(image)
    for feature, norm, expected, width, cells in zip(
        ours, encoder.norms, theirs, encoder.widths, (4, 8, 16, 32), strict=True
    ):
        assert feature.shape == (2, width, size // cells, size // cells)
        scaled = (expected - norm.running_mean[:, None, None]) / (
            norm.running_var[:, None, None] + norm.eps
        ).sqrt()
        torch.testing.assert_close(feature, scaled, rtol=1e-4, atol=1e-3)


def test_weights_stay_as_they_are(encoder):
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert not encoder(torch.rand(1, 3, 32, 32))[0].requires_grad
