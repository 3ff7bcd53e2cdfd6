"""From measurements to the numbers of a report, and to the tables that a terminal shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from deocclude.evaluation.metrics import Fraction, Tally, psnr
from deocclude.evaluation.run import GIVEN, MASKS, Measured

Numbers = dict[str, Any]


def summarise(measured: Sequence[Measured]) -> Numbers:
    """The numbers of docs/evaluation.md as JSON can hold them: over the set, by group, sample by sample."""
    breakdowns = {kind: sorted({m.groups[kind] for m in measured}) for kind in measured[0].groups}
    return {
        **_numbers(measured),
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
                )
                for name in MASKS
            }
            for method in first.masks
        },
        "content": {
            given: {
                method: _content_numbers(
                    *(
                        _tally(measured, (m.content[given][method][metric] for m in measured))
                        for metric in ("l1", "squared", "crop l1")
                    )
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


def _mask_numbers(overlap: Tally, l1: Tally) -> Numbers:
    return {
        "micro": _plain(overlap.micro),
        "interval": [_plain(end) for end in overlap.interval()],
        "mean": _plain(overlap.mean),
        "l1": _plain(l1.mean),
    }


def _content_numbers(l1: Tally, squared: Tally, crop: Tally) -> Numbers:
    return {
        "l1": _plain(l1.micro),
        "interval": [_plain(end) for end in l1.interval()],
        "psnr": _plain(psnr(squared.micro)),
        "crop l1": _plain(crop.mean),
    }


def _each(m: Measured) -> Numbers:
    def share(fraction: Fraction, empty: float | None) -> float | None:
        return round(fraction.numerator / fraction.denominator, 5) if fraction.denominator else empty

    return {
        "id": m.id,
        "found": m.found,
        **m.groups,
        "iou": {
            method: {name: share(values[name]["iou"], 1.0) for name in MASKS}
            for method, values in m.masks.items()
        },
        "content l1": {
            given: {method: share(values["l1"], None) for method, values in m.content[given].items()}
            for given in GIVEN
        },
    }


def _plain(value: float) -> float | None:
    """JSON knows neither nan nor infinity."""
    return round(value, 5) if math.isfinite(value) else None


def show(report: Numbers, console: Console) -> None:
    """Prints the tables: masks and content over the set, then the cascade's numbers by group."""
    seen = f"{report['samples']} samples of {report['people']} people"
    console.print(f"{seen}; nobody found in {report['samples'] - report['found']}")
    console.print(_mask_table("Masks: IoU micro (mean) [95% of micro]", report["masks"]))
    for given, rows in report["content"].items():
        console.print(_content_table(f"Content, {given}", rows))
    console.print(_group_table(report["groups"]))


def _mask_table(title: str, rows: Numbers) -> Table:
    table = Table("method", *MASKS, "amodal l1", title=title, title_justify="left")
    for method, masks in rows.items():
        cells = [
            f"{_show(values['micro'])} ({_show(values['mean'])})\n{_span(values['interval'])}"
            for values in (masks[name] for name in MASKS)
        ]
        table.add_row(method, *cells, _show(masks["amodal"]["l1"], 4))
    return table


def _content_table(title: str, rows: Numbers) -> Table:
    table = Table("method", "l1 hidden [95%]", "PSNR hidden", "l1 crop", title=title, title_justify="left")
    for method, row in rows.items():
        table.add_row(
            method,
            f"{_show(row['l1'], 4)} {_span(row['interval'], 4)}",
            _show(row["psnr"], 2),
            _show(row["crop l1"], 4),
        )
    return table


def _group_table(groups: Numbers) -> Table:
    table = Table(
        "group", "samples", *MASKS, "content l1", title="deocclude by group (micro)", title_justify="left"
    )
    for kind, values in groups.items():
        table.add_section()
        for value, numbers in values.items():
            ours, content = numbers["masks"]["deocclude"], numbers["content"][GIVEN[0]]["deocclude"]
            table.add_row(
                f"{kind} {value}",
                str(numbers["samples"]),
                *(_show(ours[name]["micro"]) for name in MASKS),
                _show(content["l1"], 4),
            )
    return table


def _show(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _span(interval: Sequence[float | None], digits: int = 3) -> str:
    return f"[{_show(interval[0], digits)}, {_show(interval[1], digits)}]"
