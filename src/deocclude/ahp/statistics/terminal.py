"""The statistics as tables in a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deocclude.ahp.statistics.count import CompositeStatistics, PeopleStatistics, Statistics
from deocclude.ahp.statistics.distribution import Distribution, Summary
from deocclude.ahp.statistics.provenance import Provenance

_MOST_ROWS = 15


def show(statistics: Statistics, console: Console) -> None:
    """Prints Table 1, the people, their body parts, composites, cut-outs, scenes and notes."""
    _show_sources(statistics.provenance, console)
    _show_people(statistics.people, console)
    _show_parts(statistics.people, console)
    for split, composites in statistics.composites.items():
        _show_composites(split, composites, console)
    for split, categories in statistics.cutouts.items():
        _show_counts(f"Cut-outs of {split}", "category", categories, console)
    if statistics.scenes is not None:
        _show_counts("Scenes", "scene", statistics.scenes, console)
    for note in statistics.notes:
        console.print(Text(f"note: {note}"))


def percent(share: float | None) -> str:
    """A share with three figures that mean something, a dash if it is not known."""
    if share is None:
        return "–"
    return f"{share:.1%}" if share >= 0.1 or share == 0 else f"{share:.2%}"


def number(value: float) -> str:
    """Whole from 100 on, else with two decimals."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _show_sources(provenance: Provenance, console: Console) -> None:
    table = _table("People by source (Table 1)", "source", "human count", "preserved", "ratio")
    for row in (*provenance.sources, provenance.total):
        humans = "–" if row.humans is None else f"{row.humans:,}"
        table.add_row(Text(row.source), humans, f"{row.preserved:,}", percent(row.ratio))
    console.print(table)
    for row in provenance.sources:
        for what, reasons in (("not preserved", row.others), ("put aside when acquired", row.dropped)):
            for reason, people in sorted(reasons.items(), key=lambda item: -item[1]):
                console.print(Text(f"  {row.source}, {what}: {people:,} {reason}"))
    if provenance.seconds is not None:
        console.print(f"  {provenance.judged:,} judged by people, {provenance.seconds:.2f} s each on average")


def _show_people(people: PeopleStatistics, console: Console) -> None:
    total = people.aspect_ratio.overall.count
    table = _table(f"{total:,} whole people", "", "least", "5%", "median", "mean", "95%", "most")
    rows: tuple[tuple[str, Distribution], ...] = (
        ("aspect ratio (height / width)", people.aspect_ratio),
        ("mask area, pixels", people.area),
        ("mask area / photo", people.share_of_photo),
        ("body height / photo height", people.share_of_height),
    )
    for name, distribution in rows:
        table.add_row(name, *_figures(distribution.overall))
    console.print(table)
    for split, sources in people.splits.items():
        listed = ", ".join(f"{source} {n:,}" for source, n in sources.items())
        console.print(Text(f"  {split}: {sum(sources.values()):,} ({listed})"))
    console.print(f"  aspect ratio in 1.5..3.5: {percent(people.upright)} (the paper: nearly half)")
    console.print(f"  touching the photo's border: {people.touching_border:,}")
    console.print(f"  with regions nobody can judge: {people.with_unknown:,}")


def _figures(summary: Summary) -> list[str]:
    values = (summary.least, summary.low, summary.median, summary.mean, summary.high, summary.most)
    return [number(value) for value in values]


def _show_parts(people: PeopleStatistics, console: Console) -> None:
    pixels = sum(part.pixels for part in people.parts)
    title = f"Body parts of {people.labelled:,} labelled people"
    table = _table(title, "LIP class", "pixels", "of pixels", "people", "of people")
    for part in people.parts:
        table.add_row(
            part.name,
            f"{part.pixels:,}",
            percent(part.pixels / max(1, pixels)),
            f"{part.people:,}",
            percent(part.people / max(1, people.labelled)),
        )
    console.print(table)
    console.print(f"  pixels without a label: {people.unlabelled:,}")


def _show_composites(split: str, composites: CompositeStatistics, console: Console) -> None:
    title = f"{composites.samples:,} composites of {composites.people:,} people in {split}"
    table = _table(title, "occlusion ratio", "composites", "share")
    edges = composites.ratio.edges
    for low, high, total in zip(edges, edges[1:], composites.ratio.total, strict=False):
        if total:
            table.add_row(f"({low:g}, {high:g}]", f"{total:,}", percent(total / composites.samples))
    console.print(table)
    console.print(f"  mean ratio {composites.ratio.overall.mean:.3f}")
    framing = ", ".join(f"{name} {n:,}" for name, n in composites.framing.items())
    console.print(Text(f"  framing: {framing}"))
    _show_counts(f"Occluders in {split}", "category", composites.occluders, console)


def _show_counts(title: str, first: str, counts: Mapping[str, int], console: Console) -> None:
    table, total = _table(title, first, "count", "share"), sum(counts.values())
    for name, n in list(counts.items())[:_MOST_ROWS]:
        table.add_row(Text(name), f"{n:,}", percent(n / total))
    rest = list(counts.values())[_MOST_ROWS:]
    if rest:
        table.add_row(f"{len(rest)} others", f"{sum(rest):,}", percent(sum(rest) / total))
    console.print(table)
