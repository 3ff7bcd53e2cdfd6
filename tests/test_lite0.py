"""EfficientNet-Lite0, classifier and encoder, against a walk through the packaged weights by their names."""

import pytest
import torch
from torch.nn import functional

from deocclude.errors import DeoccludeError
from deocclude.lite0 import Lite0Features, load_lite0_weights, read_lite0_weights
from deocclude.mask_completion.object_encoder import ObjectEncoder

BLOCKS = 16
STRIDED = {1, 3, 5, 11}
LAST_OF_LEVELS = (2, 4, 10, 14)


@pytest.fixture(scope="module")
def weights():
    try:
        return read_lite0_weights()
    except DeoccludeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def encoder(weights):
    encoder = ObjectEncoder()
    load_lite0_weights(encoder)
    return encoder.eval()


def by_name(weights, image):
    """Outputs of every block, and the head's averaged over the picture."""

    def normed(x, name):
        mean, variance, weight, bias = (
            weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, weight, bias, eps=1e-3)

    def convolved(x, name, stride=1, groups=1):
        """Padded as TensorFlow's SAME: the odd pixel comes last."""
        kernel = weights[f"{name}.weight"]
        pads = [max((-(-n // stride) - 1) * stride + kernel.shape[-1] - n, 0) for n in x.shape[:1:-1]]
        around = [side for pad in pads for side in (pad // 2, pad - pad // 2)]
        return functional.conv2d(functional.pad(x, around), kernel, stride=stride, groups=groups)

    def scan(x, kernel, norm, stride=1, groups=1):
        return functional.relu6(normed(convolved(x, kernel, stride, groups), norm))

    x = scan((255.0 * image - 127.0) / 128.0, "_conv_stem", "_bn0", stride=2)
    outputs = []
    for index in range(BLOCKS):
        block = f"_blocks.{index}"
        y = x if index == 0 else scan(x, f"{block}._expand_conv", f"{block}._bn0")
        stride = 2 if index in STRIDED else 1
        y = scan(y, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride, groups=y.shape[1])
        y = normed(convolved(y, f"{block}._project_conv"), f"{block}._bn2")
        x = x + y if x.shape == y.shape else y
        outputs.append(x)
    return outputs, scan(x, "_conv_head", "_bn1").mean(dim=(2, 3))


@pytest.mark.parametrize("size", [64, 96])
def test_features_equal_those_inside_the_classifier(encoder, weights, size):
    torch.manual_seed(size)
    image = torch.rand(2, 3, size, size)
    outputs, _ = by_name(weights, image)
    theirs = [outputs[index] for index in LAST_OF_LEVELS]
    for feature, norm, expected, width, cells in zip(
        encoder(image), encoder.norms, theirs, encoder.widths, (4, 8, 16, 32), strict=True
    ):
        assert feature.shape == (2, width, size // cells, size // cells)
        scaled = (expected - norm.running_mean[:, None, None]) / (
            norm.running_var[:, None, None] + norm.eps
        ).sqrt()
        torch.testing.assert_close(feature, scaled, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("size", [64, 224])
def test_the_classifiers_features_equal_the_walk(weights, size):
    torch.manual_seed(size)
    image = torch.rand(2, 3, size, size)
    torch.testing.assert_close(Lite0Features()(image), by_name(weights, image)[1], rtol=1e-4, atol=1e-4)


def test_fine_levels_stay_as_they_are(encoder):
    levels = encoder(torch.rand(1, 3, 32, 32))
    assert [level.requires_grad for level in levels] == [False, False, True, True]
