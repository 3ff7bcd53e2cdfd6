"""A report as one HTML page that needs nothing else: tables, the gallery, and the worst samples."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from deocclude.evaluation.methods import AS_IT_IS, OURS
from deocclude.evaluation.page_style import SORTING, STYLE
from deocclude.evaluation.page_tables import content_table, group_table, mask_table, part_tables
from deocclude.evaluation.parallel import Outcome
from deocclude.evaluation.pictures import NAMES, TILE
from deocclude.evaluation.run import GIVEN, MASKS
from deocclude.evaluation.shown import badness_order
from deocclude.evaluation.verdicts import OK, verdicts_line
from deocclude.evaluation.wording import against_line, boundary_line, number, span

Numbers = dict[str, Any]

_LEGEND = (
    'Masks: <b class="hit">green</b> is hit, <b class="missed">red</b> missed, <b class="wrong">blue</b> '
    "wrong; in amodal the white line is the true visible body. Truth: the photo without the occluder, with a "
    "line around what it hides."
)


def render(
    report: Numbers,
    gallery: Sequence[Outcome],
    worst: Sequence[Outcome],
    verdicts: dict[str, str] | None = None,
) -> str:
    """HTML of a report (`report.summarise` and what the command line adds), with the given samples' pictures.

    The gallery comes first, each picture with its verdict (`verdicts.read_verdicts`), then the tables, then
    the worst samples in the given order.
    """
    said = verdicts or {}
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
            _verdict_line(report),
            f'<div class="cases">{"".join(_case(c, each, said.get(c.measured.id)) for c in gallery)}</div>',
            '<h2 id="masks">Masks</h2>',
            mask_table(report["masks"]),
            f"<p>{escape(boundary_line(report['boundary pair']))}.</p>",
            '<h2 id="parts">Body parts</h2>',
            part_tables(report["parsing"]),
            '<h2 id="content">Content</h2>',
            *(f"<h3>{escape(given)}</h3>{content_table(report['content'][given])}" for given in GIVEN),
            '<h2 id="groups">By group</h2>',
            group_table(report),
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
    against = f"<p>{escape(against_line(report['against']))}.</p>" if "against" in report else ""
    places = ("gallery", "masks", "parts", "content", "groups", "worst")
    links = "".join(f'<a href="#{place}">{place}</a>' for place in places)
    return (
        f"<h1>deocclude on {escape(title)}</h1><p>{escape(about)}</p>{notes}<nav>{links}</nav>"
        f'<div class="keys">{cards}</div>{against}<p class="soft">IoU: micro, with its 95% bootstrap '
        "interval over people. Boundary: mean F-score; beside it that of the initial mask against the "
        "visible body. Every number is defined in docs/evaluation.md.</p>"
    )


def _verdict_line(report: Numbers) -> str:
    return f"<p><b>{escape(verdicts_line(report['verdicts']))}.</b></p>" if "verdicts" in report else ""


def _case(case: Outcome, each: dict[str, Numbers], verdict: str | None = None) -> str:
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
            f"clothes: {row['clothes']}",
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
        f"{number(boundary, 2)}<br>{escape(about)}{_said(verdict)}</figcaption>"
        f'<div class="tiles">{tiles}</div></figure>'
    )


def _said(verdict: str | None) -> str:
    if verdict is None:
        return ""
    colour = "hit" if verdict == OK else "missed"
    return f'<br>verdict: <b class="{colour}">{escape(verdict)}</b>'
