import json
import struct

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from deocclude.content_recovery.config import ContentRecoveryConfig
from deocclude.content_recovery.network import ContentRecoveryNetwork
from deocclude.errors import DeoccludeError
from deocclude.weights import store
from deocclude.weights.publish import publish

CONFIG = ContentRecoveryConfig(
    size=32, widths=(4, 6), kernels=(5, 3), encoder_attention=(2,), decoder_attention=(), key_channels=3
)
TERMS = {"licence": "Apache-2.0", "data": "drawn", "metrics": {"l1": 0.1}}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return ContentRecoveryNetwork(CONFIG).eval()


@pytest.fixture
def file(network, tmp_path):
    path = tmp_path / "mine" / "content.safetensors"
    store.save(network, CONFIG, path)
    return path


@pytest.fixture
def package(file, tmp_path, monkeypatch):
    """A package folder with one published file."""
    folder = tmp_path / "package"
    monkeypatch.setattr(store, "FOLDER", folder)
    publish(file, "content", "lite", folder=folder, **TERMS)
    return folder


def rewrite(file, **metadata):
    """The same tensors with other metadata; None drops an entry."""
    with safe_open(file, framework="pt") as old:
        about = {**old.metadata(), **metadata}
        tensors = {name: old.get_tensor(name) for name in old.keys()}  # noqa: SIM118
    save_file(tensors, file, metadata={name: value for name, value in about.items() if value is not None})


def test_a_network_comes_back_within_half_precision(network, file):
    loaded = store.load("content", file.parent)
    assert loaded.config == CONFIG
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in network.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == value.dtype
        expected = value if name.endswith("running_var") else value.half().to(value.dtype)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_variances_beyond_half_precision_come_back(network, tmp_path):
    name, variance = next(
        (name, value) for name, value in network.state_dict().items() if name.endswith("running_var")
    )
    variance.fill_(3.4e5)
    store.save(network, CONFIG, tmp_path / "content.safetensors")
    found = store.load("content", tmp_path).state_dict()[name]
    torch.testing.assert_close(found, torch.full_like(variance, 3.4e5), rtol=0, atol=0)


def test_half_the_bytes_and_counters_as_they_were(network, file):
    with safe_open(file, framework="pt") as stored:
        for name, value in network.state_dict().items():
            halved = value.is_floating_point() and not name.endswith("running_var")
            expected = torch.float16 if halved else value.dtype
            assert stored.get_tensor(name).dtype == expected
        assert stored.metadata()["stage"] == "content"


def test_both_stages_can_be_told_apart(tmp_path):
    from dataclasses import replace

    from deocclude.mask_completion.config import MASK_PRESETS
    from deocclude.mask_completion.network import MaskCompletionNetwork

    config = replace(
        MASK_PRESETS["paper"], encoder_widths=(4, 4, 4, 4, 4), first_decoder_widths=(4, 4, 4, 4),
        second_decoder_widths=(4, 4, 4, 4), branch_width=4,
    )  # fmt: skip
    path = tmp_path / "masks.safetensors"
    store.save(MaskCompletionNetwork(config), config, path)
    assert store.load("masks", str(tmp_path)).config == config
    with pytest.raises(DeoccludeError, match=r"weights for 'masks', wanted 'content'"):
        store.load_file("content", path)


def test_a_weight_beyond_half_precision_is_refused(network, tmp_path):
    with torch.no_grad():
        next(network.parameters()).fill_(1e6)
    with pytest.raises(DeoccludeError, match="half precision"):
        store.save(network, CONFIG, tmp_path / "content.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(network, file, monkeypatch):
    before = file.read_bytes()

    def fail(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save_file", fail)
    with pytest.raises(OSError, match="No space"):
        store.save(network, CONFIG, file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_published_weights_load_by_name(network, package, file):
    loaded = store.load("content", "lite")
    torch.testing.assert_close(
        loaded.state_dict(), store.load("content", file.parent).state_dict(), rtol=0, atol=0
    )
    entry = json.loads((package / "manifest.json").read_text())["lite"]["content"]
    assert entry["sha256"] == store.sha256_of("content", "lite") == store.sha256_of("content", file.parent)
    assert entry["bytes"] == file.stat().st_size
    assert {name: entry[name] for name in TERMS} == TERMS


def test_published_again_replaces_the_entry(network, package, file):
    with torch.no_grad():
        next(network.parameters()).zero_()
    store.save(network, CONFIG, file)
    publish(file, "content", "lite", folder=package, **TERMS)
    assert next(store.load("content", "lite").parameters()).abs().sum() == 0
    publish(file, "content", "paper", folder=package, **TERMS)
    assert set(store.read_manifest(package)) == {"lite", "paper"}


def test_tampered_weights_are_not_loaded(package):
    path = package / "lite-content.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DeoccludeError, match=r"lite-content.safetensors: .*sha256.*reinstall"):
        store.load("content", "lite")


def test_lost_weights_are_named(package):
    (package / "lite-content.safetensors").unlink()
    with pytest.raises(DeoccludeError, match=r"lite-content.safetensors: missing; reinstall"):
        store.load("content", "lite")


def test_a_damaged_manifest_is_named(package):
    (package / "manifest.json").write_text("{")
    with pytest.raises(DeoccludeError, match=r"manifest.json: not readable; reinstall"):
        store.load("content", "lite")


def test_unknown_and_unpublished_models(package, tmp_path):
    with pytest.raises(DeoccludeError, match="unknown model 'huge': choose lite, paper or a folder"):
        store.load("content", "huge")
    with pytest.raises(DeoccludeError, match="no trained weights for content are published as 'paper'"):
        store.load("content", "paper")
    with pytest.raises(DeoccludeError, match=r"masks.safetensors: missing"):
        store.load("masks", tmp_path / "mine")
    with pytest.raises(DeoccludeError, match="unknown model 'huge'"):
        publish(tmp_path / "mine" / "content.safetensors", "content", "huge", folder=package, **TERMS)


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"\x80\x04.", struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 2) + b"{]" + bytes(9)],
)
def test_a_file_of_another_kind_is_one_line(file, content):
    file.write_bytes(content)
    with pytest.raises(DeoccludeError, match=f"{file}: not a whole safetensors file") as caught:
        store.load("content", file.parent)
    assert "\n" not in str(caught.value)


def test_a_cut_off_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DeoccludeError, match="not a whole safetensors file"):
        store.load("content", file.parent)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"stage": None}, "without deocclude's metadata"),
        ({"config": None}, "network config is not one of this version"),
        ({"config": "[1]"}, "network config is not one of this version"),
        ({"config": '{"colour": 1}'}, "unknown settings colour"),
        ({"config": '{"widths": [4], "kernels": []}'}, "each level needs both"),
        ({"config": '{"size": 128}'}, "do not fit their own config"),
    ],
)
def test_metadata_that_does_not_belong_is_refused(file, metadata, message):
    rewrite(file, **metadata)
    with pytest.raises(DeoccludeError, match=f"{file}: .*{message}"):
        store.load("content", file.parent)


def test_the_shipped_manifest_is_true():
    for model, stages in store.read_manifest().items():
        assert model in store.MODELS
        for stage, entry in stages.items():
            path = store.FOLDER / entry["file"]
            assert path.stat().st_size == entry["bytes"]
            assert store.digest(path) == entry["sha256"] == store.sha256_of(stage, model)
