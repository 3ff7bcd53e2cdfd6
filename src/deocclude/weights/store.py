"""Weights on disk: safetensors, half precision, with the network's config in the metadata; never pickle.

The package's own files are listed in `manifest.json` and checked against it before they are read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from deocclude.atomic import replacing
from deocclude.errors import DeoccludeError

Stage = Literal["masks", "content"]
MODELS = ("lite", "paper")
FOLDER = Path(__file__).parent
MANIFEST = "manifest.json"


def save(module: nn.Module, config: Any, path: Path) -> None:
    """Write a network as fp16 safetensors, whole or not at all.

    Integer and bool buffers stay as they are, and so do batch norm's variances: behind many residuals they
    outgrow fp16, and they are few.

    config: the `MaskCompletionConfig` or `ContentRecoveryConfig` that builds `module`. Raises DeoccludeError
    if a weight has no half-precision value.
    """
    stage = next((s for s in ("masks", "content") if isinstance(config, classes(s)[0])), None)
    if stage is None:
        raise TypeError(f"{type(config).__name__} is no network config")
    tensors = {name: _stored(name, tensor) for name, tensor in module.state_dict().items()}
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not _finite(tensor)]
    if broken:
        raise DeoccludeError(f"{path}: {broken[0]} does not fit half precision; clip the weights or train on")
    about = {
        "format": "pt",
        "stage": stage,
        "config": json.dumps(asdict(config), sort_keys=True),
        "deocclude": metadata.version("deocclude"),
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=about)


def load(stage: Stage, model: str | Path, device: str | torch.device = "cpu") -> nn.Module:
    """The network of a stage, fp32, in eval mode, without gradients.

    model: "lite", "paper", or a folder with masks.safetensors and content.safetensors. Raises DeoccludeError
    for an unknown model and for a file that is missing, damaged, tampered with or made for something else.
    """
    return load_file(stage, _locate(stage, model, verify=True), device)


def load_file(stage: Stage, path: Path, device: str | torch.device = "cpu") -> nn.Module:
    """As `load`, from one file that `save` wrote."""
    config, tensors = _read(stage, path)
    network = classes(stage)[1](config)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise DeoccludeError(
            f"{path}: the weights do not fit their own config; export them again with this version"
        ) from error
    return network.to(device).eval().requires_grad_(False)


def sha256_of(stage: Stage, model: str | Path) -> str:
    """Checksum of the file that `load` reads."""
    return digest(_locate(stage, model, verify=False))


def read_manifest(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """model -> stage -> {file, sha256, bytes, licence, data, metrics} of the files in the package."""
    path = folder / MANIFEST
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DeoccludeError(f"{path}: not readable; reinstall deocclude") from error


def _locate(stage: Stage, model: str | Path, *, verify: bool) -> Path:
    entry = read_manifest(FOLDER).get(str(model), {}).get(stage)
    if entry is not None:
        path = FOLDER / entry["file"]
        if not path.is_file():
            raise DeoccludeError(f"{path}: missing; reinstall deocclude")
        if verify and digest(path) != entry["sha256"]:
            raise DeoccludeError(
                f"{path}: not the file that was published (sha256 differs); reinstall deocclude"
            )
        return path
    if model in MODELS:
        raise DeoccludeError(
            f"no trained weights for {stage} are published as '{model}'; pass a folder with "
            f"{stage}.safetensors (deocclude train {stage} --preset {model}, then deocclude train export)"
        )
    folder = Path(model)
    if not folder.is_dir():
        raise DeoccludeError(
            f"unknown model '{model}': choose {', '.join(MODELS)} or a folder with masks.safetensors and "
            "content.safetensors"
        )
    path = folder / f"{stage}.safetensors"
    if not path.is_file():
        raise DeoccludeError(f"{path}: missing; deocclude train export writes it")
    return path


def _read(stage: Stage, path: Path) -> tuple[Any, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise DeoccludeError(
            f"{path}: not a whole safetensors file ({error}); export or copy it again"
        ) from error
    if about.get("stage") != stage:
        found = f"for '{about['stage']}'" if "stage" in about else "without deocclude's metadata"
        raise DeoccludeError(
            f"{path}: weights {found}, wanted '{stage}'; pass the file that deocclude exported"
        )
    return _config(stage, about.get("config", ""), path), tensors


def _config(stage: Stage, text: str, path: Path) -> Any:
    kind = classes(stage)[0]
    try:
        values = json.loads(text)
        unknown = sorted(set(values) - {field.name for field in fields(kind)})
        if unknown:
            raise ValueError(f"unknown settings {', '.join(unknown)}")
        return kind(**values)
    except (ValueError, TypeError, DeoccludeError) as error:
        raise DeoccludeError(
            f"{path}: its network config is not one of this version ({error}); export it again, or update"
        ) from error


def classes(stage: Stage | str) -> tuple[Any, Any]:
    """The config and the network class of a stage."""
    if stage == "masks":
        from deocclude.mask_completion.config import MaskCompletionConfig
        from deocclude.mask_completion.network import MaskCompletionNetwork

        return MaskCompletionConfig, MaskCompletionNetwork
    from deocclude.content_recovery.config import ContentRecoveryConfig
    from deocclude.content_recovery.network import ContentRecoveryNetwork

    return ContentRecoveryConfig, ContentRecoveryNetwork


def _stored(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    whole = not tensor.is_floating_point() or name.endswith("running_var")
    return tensor if whole else tensor.half()


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
