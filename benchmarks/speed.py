"""How fast the cascade, its stages and the synthesis are: `python benchmarks/speed.py [--json FILE]`.

Needs no data: the photo is scikit-image's astronaut, everything else is generated. README.md here says what
each number means.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Results = dict[str, dict[str, Any]]


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Median wall time of `repeats` calls, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def astronaut(width: int, height: int) -> np.ndarray:
    """uint8 HxWx3: the astronaut behind a grey board, cropped to the shape and resized."""
    from skimage.data import astronaut as photo

    pixels = photo().copy()
    pixels[250:400, 120:300] = 128
    image = Image.fromarray(pixels)
    side = 512
    kept = min(side, round(side * height / width))
    return np.asarray(image.crop((0, 0, side, kept)).resize((width, height), Image.Resampling.BICUBIC))


def cold(model: str) -> dict[str, Any]:
    """`deocclude run` as a whole process: wall time and peak memory."""
    numbers = {}
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((640, 480), (6000, 4000)):
            photo = Path(folder) / f"{width}x{height}.jpg"
            Image.fromarray(astronaut(width, height)).save(photo, quality=92)
            command = [sys.executable, "-m", "deocclude", "run", str(photo), "--out", folder]
            command += ["--model", model, "--device", "cpu"]
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            if os.waitstatus_to_exitcode(status) != 0:
                sys.exit(f"{' '.join(command)}: failed; see the message above")
            in_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            numbers[f"{width}x{height}, seconds"] = round(seconds, 2)
            numbers[f"{width}x{height}, peak MB"] = round(in_bytes / 1e6)
    return numbers


def warm(model: str, repeats: int) -> dict[str, Any]:
    """The Python API after loading: a 640x480 photo, a further person, and the networks alone."""
    import torch

    from deocclude import Deoccluder
    from deocclude.weights import store

    photo = astronaut(640, 480)
    deoccluder = Deoccluder.load(model, device="cpu")
    person = deoccluder(photo).people[0]
    found = deoccluder.people(photo)[:1]
    whole = median_seconds(lambda: deoccluder(photo), repeats)
    one = median_seconds(lambda: deoccluder(photo, found), repeats)
    three = median_seconds(lambda: deoccluder(photo, found * 3), repeats)
    numbers: dict[str, Any] = {
        "N_i": median_seconds(lambda: deoccluder.people(photo), repeats),
        "cascade, a photo": whole,
        "cascade, a further person": (three - one) / 2,
    }
    with torch.inference_mode():
        masks, content = store.load("masks", model), store.load("content", model)
        image = torch.rand(1, 3, masks.config.size, masks.config.size)
        numbers["mask network"] = median_seconds(lambda: masks(image, image[:, :1].round()), repeats)
        side = content.config.size
        image, (visible, amodal, parsing) = torch.rand(1, 3, side, side), body(side)
        numbers["content network"] = median_seconds(
            lambda: content(image, visible, amodal, parsing * visible[:, 0].long(), parsing), repeats
        )
    stages = numbers["N_i"] + numbers["mask network"] + numbers["content network"]
    numbers["ratio: cascade over the sum of its networks"] = whole / stages
    numbers["hidden share of the person (0: nothing to paint)"] = person.occlusion_ratio
    return numbers


def body(side: int) -> tuple[Any, Any, Any]:
    """A person's shape: visible and amodal N1SS float, parsing NSS int64. 20% of the crop, a third hidden."""
    import torch

    rows, columns = np.mgrid[:side, :side] / side - 0.5
    amodal = (columns / 0.16) ** 2 + (rows / 0.4) ** 2 < 1
    visible = amodal & (rows < 0.13)
    parsing = np.where(amodal, 1 + ((rows + 0.5) * 18.9).astype(np.int64), 0)
    masks = [torch.from_numpy(mask)[None, None].float() for mask in (visible, amodal)]
    return masks[0], masks[1], torch.from_numpy(parsing)[None]


def synthesis(repeats: int) -> dict[str, Any]:
    """Composites a second on one core, feathered and hard."""
    import cv2

    from deocclude.ahp.density import TRAINING
    from deocclude.ahp.sample import WholePerson
    from deocclude.ahp.synthesis import SynthesisSettings, draw_sample

    cv2.setNumThreads(1)
    photo = astronaut(550, 830)
    rows, columns = np.mgrid[:830, :550]
    amodal = ((columns - 275) / 90) ** 2 + ((rows - 415) / 350) ** 2 < 1
    parsing = np.where(amodal, np.uint8(5), np.uint8(0))
    people = [
        WholePerson(f"generated-{k}", "generated", photo, amodal, parsing, np.zeros_like(amodal))
        for k in range(4)
    ]
    rng = np.random.default_rng(0)
    occluders = [_blob(f"blob-{k}", rng) for k in range(8)]
    numbers: dict[str, Any] = {}
    for name, hard in (("feathered", False), ("hard", True)):
        settings = SynthesisSettings(hard=hard)
        start = time.perf_counter()
        for index in range(20 * repeats):
            draw_sample(people, occluders, TRAINING, 0, index, settings)
        numbers[f"550x830 {name}, samples a second"] = 20 * repeats / (time.perf_counter() - start)
    return numbers


def _blob(name: str, rng: np.random.Generator) -> Any:
    import cv2

    from deocclude.ahp.sample import Occluder

    noise = cv2.GaussianBlur(rng.random((240, 240), dtype=np.float32), (0, 0), 20)
    rows, columns = np.mgrid[:240, :240] / 120 - 1
    mask = rows**2 + columns**2 + 8 * (noise - noise.mean()) < 0.6
    return Occluder(name, "blob", rng.integers(0, 256, (240, 240, 3), dtype=np.uint8), mask)


def attention(repeats: int) -> dict[str, Any]:
    """The relation stream of Eq. 6 gathered, against the whole HW x HW relation with masked logits."""
    import torch

    from deocclude.content_recovery.attention import ParsingGuidedAttention, guidance_at

    visible, amodal, parsing = body(256)
    numbers: dict[str, Any] = {}
    for scale, channels in ((8, 256), (4, 128)):
        guide = guidance_at([scale], visible, amodal - visible, parsing * visible[:, 0].long(), parsing)[
            scale
        ]
        module = ParsingGuidedAttention(channels, 64).eval()
        features = torch.rand(1, channels, 256 // scale, 256 // scale)

        def full(module: Any = module, features: Any = features, guide: Any = guide) -> Any:
            cells = features.flatten(2).transpose(1, 2)
            seen = torch.cat([features, guide.parsing_modal], 1).flatten(2).transpose(1, 2)
            asked = torch.cat([features, guide.parsing_amodal], 1).flatten(2).transpose(1, 2)
            logits = module.psi(asked) @ module.phi(seen).transpose(1, 2)
            logits = logits.masked_fill(~guide.visible.flatten(2), -torch.inf)
            found = (logits.softmax(2) @ cells).transpose(1, 2).view_as(features)
            return found * guide.invisible

        with torch.inference_mode():
            torch.testing.assert_close(module.relation(features, guide), full(), atol=1e-5, rtol=1e-4)
            gathered = median_seconds(lambda m=module, f=features, g=guide: m.relation(f, g), repeats)
            whole = median_seconds(full, repeats)
        numbers[f"1/{scale}, gathered"] = gathered
        numbers[f"1/{scale}, full"] = whole
        numbers[f"ratio: 1/{scale}, full over gathered"] = whole / gathered
    return numbers


def partial_convolution(repeats: int) -> dict[str, Any]:
    """Masks of one channel, against all-ones kernels over as many mask channels as features have."""
    import torch
    from torch.nn import functional

    from deocclude.content_recovery.partial_conv import PartialConv2d, hide

    mask = (1 - (body(256)[1] - body(256)[0]))[:, :, ::2, ::2].contiguous()
    numbers: dict[str, Any] = {}
    for channels, out, kernel in ((64, 128, 5), (24, 48, 5)):
        layer = PartialConv2d(channels, out, kernel, stride=2).eval()
        features = torch.rand(1, channels, 128, 128)
        wide, ones = mask.expand(-1, channels, -1, -1).contiguous(), torch.ones(out, channels, kernel, kernel)

        def full(layer: Any = layer, features: Any = features, wide: Any = wide, ones: Any = ones) -> Any:
            kernel = ones.shape[2]
            counted = functional.conv2d(wide, ones, stride=2, padding=kernel // 2)
            valid = counted > 0
            scale = torch.where(valid, ones[0].numel() / counted.clamp(min=1e-8), 0)
            out = functional.conv2d(features * wide, layer.conv.weight, stride=2, padding=kernel // 2) * scale
            return out + layer.bias[:, None, None] * valid

        def single(layer: Any = layer, features: Any = features) -> Any:
            return layer(hide(features, mask)).features

        with torch.inference_mode():
            torch.testing.assert_close(single(), full(), atol=1e-4, rtol=1e-4)
            numbers[f"{channels} to {out}, one channel"] = median_seconds(single, repeats)
            numbers[f"{channels} to {out}, all channels"] = median_seconds(full, repeats)
        numbers[f"ratio: {channels} to {out}, all channels over one"] = (
            numbers[f"{channels} to {out}, all channels"] / numbers[f"{channels} to {out}, one channel"]
        )
    return numbers


def main() -> None:
    """Runs everything and prints it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--model", default="lite", help="lite, paper, or a folder with weights")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls a number (the median counts)")
    options = parser.parse_args()
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "deocclude run, whole process": lambda: cold(options.model),
        "warm API, seconds": lambda: warm(options.model, options.repeats),
        "synthesis": lambda: synthesis(options.repeats),
        "parsing guided attention, seconds": lambda: attention(options.repeats),
        "partial convolution, seconds": lambda: partial_convolution(options.repeats),
    }
    results: Results = {}
    for title, measure in sections.items():
        print(title, flush=True)
        results[title] = measure()
        for name, value in results[title].items():
            print(f"  {name:50} {value:10.4g}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
