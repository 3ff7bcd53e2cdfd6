"""Numbers of a report as text, the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deocclude.evaluation.methods import AS_IT_IS, OURS

Numbers = dict[str, Any]


def number(value: float | None, digits: int = 3) -> str:
    """The value with so many decimals; a dash for None."""
    return "-" if value is None else f"{value:.{digits}f}"


def span(interval: Sequence[float | None], digits: int = 3) -> str:
    """[low, high] with so many decimals."""
    return f"[{number(interval[0], digits)}, {number(interval[1], digits)}]"


def boundary_line(pair: Numbers) -> str:
    """A report's "boundary pair" in one sentence."""
    difference = pair["difference"]
    worse = "no worse" if difference >= 0 else "worse"
    return (
        f"Mean boundary F-score: amodal mask {number(pair[f'{OURS}, amodal'])}, initial mask as it is "
        f"against the visible body {number(pair[f'{AS_IT_IS}, modal'])}; difference {difference:+.3f} "
        f"{span(pair['interval'])}, {worse}"
    )


def against_line(against: Numbers) -> str:
    """A report's "against" in one sentence."""
    losses = "; ".join(
        f"{name} {number(loss['earlier'])} to {number(loss['now'])}, {_lost(loss)}"
        for name, loss in sorted(against["masks"].items(), key=lambda item: item[0] != "invisible")
    )
    differs = ", ".join(against["differs"]) or "nothing"
    earlier = against["stress"] or "plain"
    return f"Micro IoU against {against['file']} ({earlier}; differs in {differs}): {losses}"


def _lost(loss: Numbers) -> str:
    if loss["loss"] is None:
        return "no loss to speak of"
    low, high = (f"{100 * end:.1f}%" for end in loss["interval"])
    return f"relative loss {100 * loss['loss']:.1f}% [{low}, {high}]"


def absent_line(maps: Numbers) -> str:
    """Which classes no mean counts; empty if all are there. maps: name -> `body_parts.part_numbers`."""
    absent = {name: ", ".join(numbers["absent"]) for name, numbers in maps.items() if numbers["absent"]}
    if len(absent) == len(maps) and len(set(absent.values())) == 1:
        return f"no pixel in truth, so in no mean: {next(iter(absent.values()))}"
    return "; ".join(f"{name}: no pixel in truth, so in no mean: {names}" for name, names in absent.items())
