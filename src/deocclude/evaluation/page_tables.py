"""The tables of the page of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from deocclude.evaluation.body_parts import SCORES, shown_classes
from deocclude.evaluation.methods import OURS
from deocclude.evaluation.run import GIVEN, MAPS, MASKS
from deocclude.evaluation.wording import absent_line, number, span

Numbers = dict[str, Any]


def mask_table(rows: Numbers) -> str:
    """HTML of a report's "masks"."""
    ious, boundaries = ([f"{name} {what}" for name in MASKS] for what in ("IoU", "boundary"))
    heads = ("method", *ious, *boundaries, "amodal l1")
    body = []
    for method, masks in rows.items():
        cells = [
            f"{number(masks[name]['micro'])}<small>{span(masks[name]['interval'])}</small>"
            f"<small>mean {number(masks[name]['mean'])}</small>"
            for name in MASKS
        ]
        cells += [_with_span(masks[name], "boundary") for name in MASKS]
        body.append(_row(method, [*cells, number(masks["amodal"]["l1"], 4)]))
    return _table(heads, body)


def part_tables(parsing: Numbers | None) -> str:
    """HTML of a report's "parsing": both maps over the set, then class by class."""
    if parsing is None:
        return '<p class="soft">No sample has labels.</p>'
    maps = {name: parsing[name] for name in MAPS}
    whole = [
        _row(name, [_with_span(numbers, score) for score in SCORES], ours=True)
        for name, numbers in maps.items()
    ]
    classes = [
        _row(name, [str(people), *(number(of["classes"][name]["iou"]) for of in maps.values())])
        for name, people in shown_classes(maps).items()
    ]
    about = f"{parsing['samples']} labelled samples of {parsing['people']} people. {absent_line(maps)}"
    heads = ("class", "people", *(f"{name} IoU" for name in maps))
    return (
        f'<p class="soft">{escape(about)}</p>{_table(("body parts", *SCORES), whole)}'
        f"<h3>IoU by class</h3>{_table(heads, classes)}"
    )


def content_table(rows: Numbers) -> str:
    """HTML of one of a report's "content"."""
    first = next(iter(rows.values()))
    columns = [("l1", "l1 hidden", 4), ("psnr", "PSNR hidden", 2), ("ssim", "SSIM hidden", 3)]
    columns += [
        (key, head, digits)
        for key, head, digits in (
            ("perceptual", "perceptual", 4),
            ("fid", "FID-lite0", 2),
            ("kid", "KID-lite0", 4),
            ("crop l1", "l1 crop", 4),
        )
        if key in first
    ]
    body = [
        _row(method, [_with_span(row, key, digits) for key, _, digits in columns])
        for method, row in rows.items()
    ]
    return _table(("method", *(head for _, head, _ in columns)), body)


def group_table(report: Numbers) -> str:
    """HTML of a report's "groups", everybody first."""
    heads = (
        *("group", "samples", "people", *(f"{name} IoU" for name in MASKS), "boundary, amodal"),
        *(f"l1 hidden, {given}" for given in GIVEN),
    )
    body = [_group_row("everybody", report)]
    for kind, values in report["groups"].items():
        body.append(f'<tr class="kind"><th colspan="{len(heads)}">{escape(kind)}</th></tr>')
        body += [_group_row(value, numbers) for value, numbers in values.items()]
    return _table(heads, body)


def _group_row(name: str, numbers: Numbers) -> str:
    ours = numbers["masks"][OURS]
    cells = [str(numbers["samples"]), str(numbers["people"])]
    cells += [_with_span(ours[mask], "micro") for mask in MASKS]
    cells.append(_with_span(ours["amodal"], "boundary"))
    cells += [_with_span(numbers["content"][given][OURS], "l1", 4) for given in GIVEN]
    return _row(name, cells)


def _with_span(numbers: Numbers, key: str, digits: int = 3) -> str:
    """The value, and its interval below where there is one."""
    interval = numbers.get("interval" if key in ("micro", "l1") else f"{key} interval")
    below = "" if interval is None else f"<small>{span(interval, digits)}</small>"
    return f"{number(numbers[key], digits)}{below}"


def _row(name: str, cells: Iterable[str], *, ours: bool = False) -> str:
    marked = ' class="ours"' if ours or name == OURS else ""
    return f"<tr{marked}><th>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(heads: Iterable[str], body: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
    )
