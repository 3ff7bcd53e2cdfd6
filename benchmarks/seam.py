"""Does a network read the paste seam? `python benchmarks/seam.py AHP_DIR [--people N] [--model M]`.

Every validation person is occluded twice by the same cut-out at the same place: pasted hard, and feathered
with matched colours. Masks and truth are equal, only the pixels at and in the occluder differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from deocclude import Deoccluder
from deocclude.ahp.density import VALIDATION
from deocclude.ahp.frozen import same_share
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.synthesis import NotInBin, SynthesisSettings, draw_occluder, occlude
from deocclude.evaluation.matching import PredictedMasks, TrueMasks
from deocclude.evaluation.report import summarise
from deocclude.evaluation.run import MASKS, measure_set
from deocclude.people import load_source

SETTINGS = {"hard": SynthesisSettings(hard=True), "feathered": SynthesisSettings()}
_TRIES = 50


def pairs(ahp: Path, count: int, seed: int) -> Iterator[tuple[str, dict[str, OcclusionSample]]]:
    """Person, and the composite in both ways of pasting."""
    people, occluders = People(ahp, "val"), Occluders(ahp, "val")
    for turn, index in enumerate(same_share(people.ids, count, seed)):
        ratio_bin = VALIDATION.bins[turn % len(VALIDATION.bins)]
        for attempt in range(_TRIES):
            key = [seed, index, attempt]
            occluder = draw_occluder(
                people, index, occluders, np.random.default_rng(key), SETTINGS["feathered"]
            )
            try:
                both = {
                    name: occlude(people[index], occluder, ratio_bin, np.random.default_rng(key), settings)
                    for name, settings in SETTINGS.items()
                }
            except NotInBin:
                continue
            if (both["hard"].modal != both["feathered"].modal).any():
                raise AssertionError(f"{people.ids[index]}: the two pastes differ in geometry")
            yield people.ids[index], both
            break


def main() -> None:
    """Prints, and returns as JSON if asked, the cascade's numbers on both sets of composites."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ahp", type=Path, help="a data set in AHP's layout, with people and occluders")
    parser.add_argument("--people", type=int, default=100, help="validation people, same share a source")
    parser.add_argument("--model", default="lite", help="lite, paper, or a folder with weights")
    parser.add_argument("--initial-masks", choices=("predicted", "truth"), default="truth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write both reports to this file")
    options = parser.parse_args()
    deoccluder = Deoccluder.load(options.model, device="cpu", people=None)
    truth = options.initial_masks == "truth"
    source = TrueMasks() if truth else PredictedMasks(load_source("blazepose"))
    measured: dict[str, list[Any]] = {name: [] for name in SETTINGS}
    for person, both in track(pairs(options.ahp, options.people, options.seed), total=options.people):
        for name, sample in both.items():
            measured[name] += measure_set([(person, sample)], deoccluder, source)
    reports = {name: summarise(results) for name, results in measured.items()}
    print(f"{'':12}" + "".join(f"{name:>14}" for name in (*MASKS, "content l1")))
    for name, report in reports.items():
        ious = [report["masks"]["deocclude"][mask]["micro"] for mask in MASKS]
        content = report["content"]["true masks"]["deocclude"]["l1"]
        print(f"{name:12}" + "".join(f"{value:14.4f}" for value in (*ious, content)))
    hard, soft = (
        [1 - reports[name]["masks"]["deocclude"][mask]["micro"] for mask in MASKS] for name in SETTINGS
    )
    shares = [f"{h / s:14.3f}" if s else f"{'-':>14}" for h, s in zip(hard, soft, strict=True)]
    print(f"{'hard/soft':12}" + "".join(shares) + "   ratio of errors, 1 - IoU")
    if options.json is not None:
        options.json.write_text(json.dumps(reports, indent=1) + "\n")


if __name__ == "__main__":
    main()
