"""The demo with the cup in twelve places: IoU of the masks with what is really behind it. See README.md."""

from __future__ import annotations

import argparse

import numpy as np

from deocclude.demo import compare, make_scene
from deocclude.people import load_source
from deocclude.pipeline import Deoccluder

PLACES = [(x, y) for y in (300, 340, 380) for x in (-60, 20, 100, 180)]
MASKS = ("modal", "amodal", "invisible")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite", help="lite, paper, or a folder with your own weights")
    people = load_source("blazepose")
    deoccluder = Deoccluder.load(parser.parse_args().model, device="cpu", people=people)
    truth = max(people(make_scene().original), key=lambda person: person.score)
    scores = np.array([_scores(deoccluder, truth, place) for place in PLACES])
    print("x, y:", ", ".join(MASKS))
    for place, row in zip(PLACES, scores, strict=True):
        print(f"{place[0]}, {place[1]}: " + ", ".join(f"{value:.3f}" for value in row))
    for name, values in (("mean", scores.mean(axis=0)), ("least", scores.min(axis=0))):
        print(f"{name}: " + ", ".join(f"{value:.3f}" for value in values))


def _scores(deoccluder, truth, place):
    """IoU of each mask; 0 where nobody is found."""
    scene = make_scene(place)
    result = deoccluder(scene.occluded)
    if not result.people:
        return [0.0] * len(MASKS)
    _, scores = compare(scene, truth, result)
    return [scores[name] for name in MASKS]


if __name__ == "__main__":
    main()
