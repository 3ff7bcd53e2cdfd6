"""Bars and columns as inline SVG; the words around them are HTML and never shrink with the chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from deocclude.ahp.statistics.distribution import Distribution

HUES = 8
"""Colours that the page's style has; later groups share the last one."""

_MOST_TICKS = 7


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """A horizontal bar a row: label, value, and the value as words."""
    most = max((value for _, value, _ in rows), default=0) or 1
    cells = (
        f'<div role="row"><span role="cell">{escape(label)}</span>'
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar" width="{100 * value / most:.2f}" height="10"/></svg>'
        f'<span role="cell">{escape(words)}</span></div>'
        for label, value, words in rows
    )
    return f'<div class="bars" role="table">{"".join(cells)}</div>'


def columns(
    distribution: Distribution, edge: Callable[[float], str], what: str, groups: Sequence[str]
) -> str:
    """A histogram, groups stacked, with a legend and its numbers as a table to fold out.

    Empty bins at both ends are cut off. edge: an edge as words. what: the values, for those who cannot see.
    groups: names of all groups of the page, whose order gives them their colours.
    """
    total = distribution.total
    filled = [index for index, n in enumerate(total) if n]
    first, last = filled[0], filled[-1] + 1
    top = _round_up(max(total))
    hues = {name: min(groups.index(name), HUES - 1) for name in distribution.counts}
    stacks = "".join(
        _stack(index - first, [(hues[name], distribution.counts[name][index]) for name in hues], top, title)
        for index, title in ((i, _bin(distribution, i, edge)) for i in range(first, last))
    )
    edges = distribution.edges[first : last + 1]
    return (
        f"{_legend(hues) if len(hues) > 1 else ''}"
        f'<div class="plot"><div class="rise"><span>{top:,}</span><span>{top // 2:,}</span><span>0</span>'
        "</div>"
        f'<svg class="columns" viewBox="0 0 {last - first} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Histogram: {escape(what)}">'
        f'<line x2="{last - first}"/><line x2="{last - first}" y1="50" y2="50"/>{stacks}</svg>'
        f'<div class="ticks">{_ticks(edges, edge)}</div></div>'
        f"{_numbers(distribution, range(first, last), edge)}"
    )


def _stack(place: int, counts: Sequence[tuple[int, int]], top: int, title: str) -> str:
    base, parts = 100.0, []
    for hue, n in counts:
        height = 100 * n / top
        base -= height
        if n:
            parts.append(
                f'<rect class="s{hue}" x="{place + 0.06:.2f}" y="{base:.3f}" width="0.88" '
                f'height="{height:.3f}"/>'
            )
    return f"<g><title>{escape(title)}: {sum(n for _, n in counts):,}</title>{''.join(parts)}</g>"


def _legend(hues: Mapping[str, int]) -> str:
    items = (
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="s{hue}" width="10" height="10"/></svg>{escape(name)}</li>'
        for name, hue in hues.items()
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _ticks(edges: Sequence[float], edge: Callable[[float], str]) -> str:
    stride = -(-len(edges) // _MOST_TICKS)
    return "".join(
        f'<span style="left:{100 * place / (len(edges) - 1):.2f}%">{escape(edge(value))}</span>'
        for place, value in enumerate(edges)
        if place % stride == 0
    )


def _bin(distribution: Distribution, index: int, edge: Callable[[float], str]) -> str:
    low, high = distribution.edges[index : index + 2]
    return f"{edge(low)} to {edge(high)}" if math.isfinite(high) else f"above {edge(low)}"


def _numbers(distribution: Distribution, bins: Sequence[int], edge: Callable[[float], str]) -> str:
    names = list(distribution.counts)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(_bin(distribution, index, edge))}</th>'
        + "".join(f"<td>{distribution.counts[name][index]:,}</td>" for name in names)
        + "</tr>"
        for index in bins
    )
    return (
        f'<details><summary>numbers</summary><table><thead><tr><th scope="col">from, to</th>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></details>"
    )


def _round_up(value: int) -> int:
    """The next even 1, 2, 4, 6 or 8 times a power of ten (at least 2)."""
    if value <= 2:
        return 2
    power = 10 ** (len(str(value)) - 1)
    return next(
        step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value and step * power % 2 == 0
    )
