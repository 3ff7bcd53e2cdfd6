"""From measurements to the numbers of a report, as docs/evaluation.md defines them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deocclude.evaluation.body_parts import part_numbers
from deocclude.evaluation.distribution import frechet_distance, kernel_distance
from deocclude.evaluation.methods import AS_IT_IS, OURS
from deocclude.evaluation.metrics import Fraction, Tally, psnr
from deocclude.evaluation.run import GIVEN, MAPS, MASKS, Measured

Numbers = dict[str, Any]


def summarise(measured: Sequence[Measured]) -> Numbers:
    """What JSON can hold: numbers over the set, by group, and sample by sample."""
    breakdowns = {kind: sorted({m.groups[kind] for m in measured}) for kind in measured[0].groups}
    report = _numbers(measured)
    _add_distributions(report["content"], measured)
    return {
        **report,
        "groups": {
            kind: {value: _numbers([m for m in measured if m.groups[kind] == value]) for value in values}
            for kind, values in breakdowns.items()
        },
        "each": [_each(m) for m in measured],
    }


def _numbers(measured: Sequence[Measured]) -> Numbers:
    first = measured[0]
    return {
        "samples": len(measured),
        "people": len({m.person for m in measured}),
        "found": sum(m.found for m in measured),
        "masks": {
            method: {
                name: _mask_numbers(
                    _tally(measured, (m.masks[method][name]["iou"] for m in measured), empty=1.0),
                    _tally(measured, (m.masks[method][name]["l1"] for m in measured)),
                    _tally(measured, (m.masks[method][name]["boundary"] for m in measured)),
                )
                for name in MASKS
            }
            for method in first.masks
        },
        "boundary pair": _boundary_pair(measured),
        "parsing": _parsing_numbers(measured),
        "content": {
            given: {
                method: _content_numbers(
                    {
                        metric: _tally(measured, (m.content[given][method][metric] for m in measured))
                        for metric in first.content[given][method]
                    }
                )
                for method in first.content[given]
            }
            for given in GIVEN
        },
    }


def _tally(measured: Sequence[Measured], fractions: Iterable[Fraction], empty: float | None = None) -> Tally:
    tally = Tally(empty)
    for one, fraction in zip(measured, fractions, strict=True):
        tally.add(fraction, one.person)
    return tally


def _mask_numbers(overlap: Tally, l1: Tally, boundary: Tally) -> Numbers:
    return {
        "micro": _plain(overlap.micro),
        "interval": _span(overlap),
        "mean": _plain(overlap.mean),
        "l1": _plain(l1.mean),
        "boundary": _plain(boundary.mean),
        "boundary interval": _span(boundary),
    }


def _boundary_pair(measured: Sequence[Measured]) -> Numbers:
    """The cascade's amodal boundary and the initial mask's against the visible part, sample by sample."""

    def scores(method: str, name: str) -> list[float]:
        return [m.masks[method][name]["boundary"].numerator for m in measured]

    ours, initial = scores(OURS, "amodal"), scores(AS_IT_IS, "modal")
    pairs = zip(ours, initial, strict=True)
    difference = _tally(measured, (Fraction(after - before, 1) for after, before in pairs))
    return {
        f"{OURS}, amodal": _plain(float(np.mean(ours))),
        f"{AS_IT_IS}, modal": _plain(float(np.mean(initial))),
        "difference": _plain(difference.mean),
        "interval": _span(difference),
    }


def _parsing_numbers(measured: Sequence[Measured]) -> Numbers | None:
    """None if no sample has labels."""
    labelled = [(m.person, m.parsing) for m in measured if m.parsing is not None]
    if not labelled:
        return None
    people = [person for person, _ in labelled]
    return {
        "samples": len(labelled),
        "people": len(set(people)),
        **{name: part_numbers([matrices[name] for _, matrices in labelled], people) for name in MAPS},
    }


def _content_numbers(tallies: dict[str, Tally]) -> Numbers:
    squared = tallies["squared"]
    numbers = {
        "l1": _plain(tallies["l1"].micro),
        "interval": _span(tallies["l1"]),
        "psnr": _plain(psnr(squared.micro)),
        "psnr interval": [_plain(psnr(end)) for end in reversed(squared.interval())],
        "ssim": _plain(tallies["ssim"].micro),
        "ssim interval": _span(tallies["ssim"]),
        "crop l1": _plain(tallies["crop l1"].mean),
    }
    if "perceptual" in tallies:
        numbers["perceptual"] = _plain(tallies["perceptual"].mean)
        numbers["perceptual interval"] = _span(tallies["perceptual"])
    return numbers


def _add_distributions(content: Numbers, measured: Sequence[Measured]) -> None:
    """FID-lite0 and KID-lite0 of every method, where features were measured."""
    with_features = [(m.person, m.features) for m in measured if m.features is not None]
    if not with_features:
        return
    people = [person for person, _ in with_features]
    original = np.stack([features.original for _, features in with_features])
    for given, methods in content.items():
        for method, numbers in methods.items():
            results = np.stack([features.results[given][method] for _, features in with_features])
            kid, interval = kernel_distance(results, original, people)
            numbers["fid"] = _plain(frechet_distance(results, original))
            numbers["kid"] = _plain(kid, 6)
            numbers["kid interval"] = [_plain(end, 6) for end in interval]


def _each(m: Measured) -> Numbers:
    def share(fraction: Fraction, empty: float | None) -> float | None:
        return round(fraction.numerator / fraction.denominator, 5) if fraction.denominator else empty

    return {
        "id": m.id,
        "person": m.person,
        "found": m.found,
        **m.groups,
        "iou": {
            method: {name: share(values[name]["iou"], 1.0) for name in MASKS}
            for method, values in m.masks.items()
        },
        "pixels": {name: [int(count) for count in m.masks[OURS][name]["iou"]] for name in MASKS},
        "boundary": {
            method: {name: share(values[name]["boundary"], None) for name in MASKS}
            for method, values in m.masks.items()
        },
        "content l1": {
            given: {method: share(values["l1"], None) for method, values in m.content[given].items()}
            for given in GIVEN
        },
    }


def _span(tally: Tally) -> list[float | None]:
    return [_plain(end) for end in tally.interval()]


def _plain(value: float, digits: int = 5) -> float | None:
    """JSON knows neither nan nor infinity."""
    return round(value, digits) if math.isfinite(value) else None
