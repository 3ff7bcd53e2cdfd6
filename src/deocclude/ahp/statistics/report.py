"""The statistics as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from deocclude import __version__
from deocclude.ahp.layout import encode_jpeg
from deocclude.ahp.statistics.charts import bars, columns
from deocclude.ahp.statistics.count import CompositeStatistics, PeopleStatistics, Statistics
from deocclude.ahp.statistics.pictures import Picture
from deocclude.ahp.statistics.provenance import Provenance
from deocclude.ahp.statistics.style import STYLE
from deocclude.ahp.statistics.terminal import number, percent

_QUALITY = 82
_MOST_BARS = 15


def page(
    statistics: Statistics, people: Sequence[Picture], composites: Mapping[str, Sequence[Picture]]
) -> str:
    """The whole page. people: random whole people. composites: random ones by folder."""
    sources = _source_names(statistics)
    parts = [
        _head(statistics),
        _sources(statistics.provenance),
        _figure_5(statistics, sources),
        _sizes(statistics.people, sources),
        _body_parts(statistics.people),
        *(_composites(split, some, sources) for split, some in statistics.composites.items()),
        _cutouts(statistics.cutouts),
        _sheet(f"{len(people)} random whole people", "Green: the mask. Amber: nobody can judge.", people),
        *(
            _sheet(f"{len(some)} random composites of {split}", "Green: visible. Red: hidden.", some)
            for split, some in composites.items()
        ),
        _notes(statistics.notes),
    ]
    title = escape(f"{statistics.name}: statistics")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>{''.join(parts)}</body></html>\n"
    )


def _source_names(statistics: Statistics) -> list[str]:
    distributions = (
        statistics.people.aspect_ratio,
        *(composites.ratio for composites in statistics.composites.values()),
    )
    return sorted({name for distribution in distributions for name in distribution.counts})


def _head(statistics: Statistics) -> str:
    people = statistics.people.aspect_ratio.overall.count
    keys = [(f"{people:,}", "whole people")]
    keys += [(f"{some.samples:,}", f"composites in {split}") for split, some in statistics.composites.items()]
    cutouts = sum(sum(categories.values()) for categories in statistics.cutouts.values())
    keys += [(f"{cutouts:,}", "occluders cut out")] if cutouts else []
    keys.append((percent(statistics.provenance.total.ratio), "of the people seen preserved"))
    cells = "".join(f"<div><b>{value}</b>{escape(what)}</div>" for value, what in keys)
    return (
        f'<header><p class="soft">deocclude {escape(__version__)}</p>'
        f"<h1>{escape(statistics.name)}</h1><p>What the data set holds, after section 4.2 of "
        f"“Human De-occlusion” (CVPR 2021).</p></header>"
        f'<div class="keys">{cells}</div>'
    )


def _sources(provenance: Provenance) -> str:
    rows = [
        (
            row.source,
            "–" if row.humans is None else f"{row.humans:,}",
            f"{row.preserved:,}",
            percent(row.ratio),
        )
        for row in (*provenance.sources, provenance.total)
    ]
    table = _table(("source", "human count", "preserved", "ratio"), rows, sum_up=True)
    reasons = [
        (row.source, reason, f"{n:,}")
        for row in provenance.sources
        for some in (row.others, {f"{why} (when acquired)": n for why, n in row.dropped.items()})
        for reason, n in sorted(some.items(), key=lambda item: -item[1])
    ]
    why = _table(("source", "what became of the others", "people"), reasons) if reasons else ""
    folded = f"<details><summary>why the others were not preserved</summary>{why}</details>" if why else ""
    pace = (
        ""
        if provenance.seconds is None
        else f"<p>{provenance.judged:,} judged by people, {provenance.seconds:.2f} s each (paper: 3.26).</p>"
    )
    paper = "The paper preserves 22.1% of COCO†, 5.62% of OpenImages, 4.93% of Objects365."
    return (
        f"<h2>People by source (Table 1)</h2>"
        f'<div class="card">{table}<p class="soft">{paper}</p>{pace}{folded}</div>'
    )


def _figure_5(statistics: Statistics, sources: Sequence[str]) -> str:
    people = statistics.people
    aspect = (
        f"{columns(people.aspect_ratio, _short, 'aspect ratios', sources)}"
        f'<p class="soft">Height over width of the box. {percent(people.upright)} lie in 1.5 to 3.5; in the '
        "paper nearly half do.</p>"
    )
    if statistics.scenes is None:
        scenes = '<p class="soft">Left out: no scene classifier was given (<code>--scenes</code>).</p>'
    else:
        scenes = _counts(statistics.scenes)
    return _cards("Shapes and scenes (figure 5)", [("Aspect ratio", aspect), ("Scenes", scenes)])


def _sizes(people: PeopleStatistics, sources: Sequence[str]) -> str:
    area = people.area.overall
    return _cards(
        "Sizes and framing",
        [
            (
                "Mask area in pixels",
                columns(people.area, _powers, "mask areas", sources)
                + f'<p class="soft">Median {number(area.median)}, least {number(area.least)}.</p>',
            ),
            (
                "Mask area over photo area",
                columns(people.share_of_photo, _short, "mask over photo area", sources),
            ),
            (
                "Body height over photo height",
                columns(people.share_of_height, _short, "body over photo height", sources)
                + f'<p class="soft">{people.touching_border:,} masks touch the photo’s border.</p>',
            ),
        ],
    )


def _body_parts(people: PeopleStatistics) -> str:
    if not people.labelled:
        return "<h2>Body parts</h2><p>Nobody has labelled body parts.</p>"
    pixels = sum(part.pixels for part in people.parts)
    shown = [part for part in people.parts if part.pixels]
    by_pixels = [(part.name, part.pixels, percent(part.pixels / pixels)) for part in shown]
    by_people = [(p.name, p.people, f"{p.people:,} · {percent(p.people / people.labelled)}") for p in shown]
    absent = ", ".join(part.name for part in people.parts[1:] if not part.pixels)
    note = (
        f'<p class="soft">{people.labelled:,} people have labels; {people.unlabelled:,} pixels of all people '
        f"have none.{f' Never seen: {escape(absent)}.' if absent else ''}</p>"
    )
    cards = [
        ("Share of the labelled pixels", bars(by_pixels)),
        ("People who show it", bars(by_people)),
    ]
    return _cards("Body parts (LIP classes)", cards) + note


def _composites(split: str, composites: CompositeStatistics, sources: Sequence[str]) -> str:
    edges = composites.ratio.edges
    tenths = [
        (f"({low:g}, {high:g}]", n, f"{n:,} · {percent(n / composites.samples)}")
        for low, high, n in zip(edges, edges[1:], composites.ratio.total, strict=False)
        if n
    ]
    mean = f'<p class="soft">Hidden over whole body; mean {composites.ratio.overall.mean:.3f}.</p>'
    framing = f"<h3>Framing</h3>{_counts(composites.framing)}"
    return _cards(
        f"Composites in {split}: {composites.samples:,} of {composites.people:,} people",
        [
            ("Occlusion ratio, by bin", bars(tenths) + mean + framing),
            ("Occlusion ratio, fine", columns(composites.fine, _short, "occlusion ratios", sources)),
            ("Occluders", _counts(composites.occluders)),
        ],
    )


def _cutouts(cutouts: Mapping[str, Mapping[str, int]]) -> str:
    if not cutouts:
        return ""
    cards = [
        (f"{split}: {sum(some.values()):,} in {len(some)} categories", _counts(some))
        for split, some in cutouts.items()
    ]
    return _cards("Occluders cut out", cards)


def _sheet(title: str, legend: str, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    figures = "".join(
        f'<figure><img loading="lazy" width="{picture.tile.shape[1]}" height="{picture.tile.shape[0]}" '
        f'alt="{escape(picture.caption)}" src="{_data_uri(picture.tile)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        for picture in pictures
    )
    return f'<h2>{escape(title)}</h2><p class="soft">{legend}</p><div class="sheet">{figures}</div>'


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h2>Notes</h2><ul>{items}</ul>" if items else ""


def _cards(title: str, cards: Sequence[tuple[str, str]]) -> str:
    inner = "".join(f'<section class="card"><h3>{escape(head)}</h3>{body}</section>' for head, body in cards)
    return f'<h2>{escape(title)}</h2><div class="cards">{inner}</div>'


def _counts(counts: Mapping[str, int]) -> str:
    total, items = sum(counts.values()), list(counts.items())
    rows = [(name, n, f"{n:,} · {percent(n / total)}") for name, n in items[:_MOST_BARS]]
    rest = items[_MOST_BARS:]
    others = sum(n for _, n in rest)
    note = f'<p class="soft">{len(rest)} others: {others:,} · {percent(others / total)}</p>' if rest else ""
    return bars(rows) + note


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, sum_up: bool = False) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr{" class=sum" if sum_up and row is rows[-1] else ""}><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _data_uri(tile: np.ndarray) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(tile, _QUALITY)).decode()


def _short(value: float) -> str:
    return f"{value:g}"


def _powers(value: float) -> str:
    for unit, letter in ((1 << 20, "M"), (1 << 10, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
