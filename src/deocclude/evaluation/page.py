"""A report as one HTML page that needs nothing else: tables, the gallery, and the worst samples."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from deocclude.evaluation.methods import AS_IT_IS, OURS
from deocclude.evaluation.page_style import SORTING, STYLE
from deocclude.evaluation.parallel import Outcome
from deocclude.evaluation.pictures import NAMES, TILE
from deocclude.evaluation.run import GIVEN, MASKS
from deocclude.evaluation.shown import badness_order
from deocclude.evaluation.tables import number, span

Numbers = dict[str, Any]

_LEGEND = (
    'Masks: <b class="hit">green</b> is hit, <b class="missed">red</b> missed, <b class="wrong">blue</b> '
    "wrong; in amodal the white line is the true visible body. Truth: the photo without the occluder, with a "
    "line around what it hides."
)


def render(report: Numbers, gallery: Sequence[Outcome], worst: Sequence[Outcome]) -> str:
    """HTML of a report (`report.summarise` and what the command line adds), with the given samples' pictures.

    The gallery comes first, then the tables, then the worst samples in the given order.
    """
    each = {row["id"]: row for row in report["each"]}
    title = f"{report['set']} {report['split']}" + (f", {report['stress']}" if report["stress"] else "")
    orders = "".join(
        f'<option value="{key}">{text}</option>'
        for key, text in (
            ("both", "amodal and invisible IoU"),
            ("invisible", "invisible IoU"),
            ("amodal", "amodal IoU"),
            ("boundary", "boundary of the amodal mask"),
        )
    )
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>deocclude on {escape(title)}</title><style>{STYLE}</style></head><body>",
            _head(report, title),
            '<h2 id="gallery">Gallery</h2>',
            f'<p class="soft">{len(gallery)} samples, evenly spaced: the same ones whatever the model. '
            f"{_LEGEND}</p>",
            f'<div class="cases">{"".join(_case(case, each) for case in gallery)}</div>',
            '<h2 id="masks">Masks</h2>',
            _mask_table(report["masks"]),
            '<h2 id="content">Content</h2>',
            *(f"<h3>{escape(given)}</h3>{_content_table(report['content'][given])}" for given in GIVEN),
            '<h2 id="groups">By group</h2>',
            _group_table(report),
            '<h2 id="worst">The worst</h2>',
            f'<p class="soft">{len(worst)} samples by <select id="order" aria-label="order">{orders}'
            f"</select>, the lowest first. {_LEGEND}</p>",
            f'<div class="cases" id="worst-cases">{"".join(_case(case, each) for case in worst)}</div>',
            f"<script>{SORTING}</script></body></html>\n",
        )
    )


def _head(report: Numbers, title: str) -> str:
    ours, initial = report["masks"][OURS], report["masks"][AS_IT_IS]
    keys = [
        (f"{name} IoU", number(ours[name]["micro"]), span(ours[name]["interval"]), initial[name]["micro"])
        for name in MASKS
    ]
    keys.append(
        (
            "boundary, amodal",
            number(ours["amodal"]["boundary"]),
            span(ours["amodal"]["boundary interval"]),
            initial["modal"]["boundary"],
        )
    )
    cards = "".join(
        f'<div><span class="soft">{name}</span><b>{value}</b><span class="soft">{interval}<br>'
        f"initial mask {number(before)}</span></div>"
        for name, value, interval, before in keys
    )
    weights = ", ".join(f"{stage} {digest[:12]}" for stage, digest in report["weights"].items())
    about = (
        f"{report['samples']} samples of {report['people']} people; nobody found in "
        f"{report['samples'] - report['found']}. Initial masks: {report['initial masks']}. Model "
        f"{report['model']} ({weights}), deocclude {report['version']}, on {report['device']}."
    )
    notes = "".join(f'<p class="soft">{escape(note)}</p>' for note in report["notes"])
    links = "".join(
        f'<a href="#{place}">{place}</a>' for place in ("gallery", "masks", "content", "groups", "worst")
    )
    return (
        f"<h1>deocclude on {escape(title)}</h1><p>{escape(about)}</p>{notes}<nav>{links}</nav>"
        f'<div class="keys">{cards}</div><p class="soft">IoU: micro, with its 95% bootstrap interval over '
        "people. Boundary: mean F-score; beside it that of the initial mask against the visible body. Every "
        "number is defined in docs/evaluation.md.</p>"
    )


def _case(case: Outcome, each: dict[str, Numbers]) -> str:
    measured, pictures = case.measured, case.pictures or {}
    row = each[measured.id]
    ious, boundary = row["iou"][OURS], row["boundary"][OURS]["amodal"]
    values = " ".join(f"{name} {number(ious[name], 2)}" for name in MASKS)
    about = ", ".join(
        (
            f"hidden {row['ratio']}",
            row["framing"],
            f"occluder: {row['occluder']}",
            f"hidden part: {row['hidden part']}",
        )
    )
    tiles = "".join(
        f'<div><img loading="lazy" width="{TILE}" height="{TILE}" alt="{name}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(pictures[name]).decode()}"><span>{name}</span></div>'
        for name in NAMES
        if name in pictures
    )
    nobody = "" if measured.found else ' <b class="missed">nobody found</b>'
    return (
        f'<figure data-both="{badness_order(measured):.5f}" data-invisible="{ious["invisible"]}" '
        f'data-amodal="{ious["amodal"]}" data-boundary="{boundary}">'
        f"<figcaption><b>#{case.index} {escape(measured.id)}</b>{nobody} {values} boundary "
        f'{number(boundary, 2)}<br>{escape(about)}</figcaption><div class="tiles">{tiles}</div></figure>'
    )


def _mask_table(rows: Numbers) -> str:
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


def _content_table(rows: Numbers) -> str:
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


def _group_table(report: Numbers) -> str:
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


def _row(name: str, cells: Iterable[str]) -> str:
    ours = ' class="ours"' if name == OURS else ""
    return f"<tr{ours}><th>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(heads: Iterable[str], body: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
    )
