"""The tables that a terminal shows of a report."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from deocclude.evaluation.methods import OURS
from deocclude.evaluation.part_tables import class_table, summary_table
from deocclude.evaluation.run import GIVEN, MAPS, MASKS
from deocclude.evaluation.verdicts import verdicts_line
from deocclude.evaluation.wording import absent_line, against_line, boundary_line, number, span

Numbers = dict[str, Any]


def show(report: Numbers, console: Console) -> None:
    """Prints the tables: masks, body parts and content over the set, then the cascade's numbers by group."""
    seen = f"{report['samples']} samples of {report['people']} people"
    console.print(f"{seen}; nobody found in {report['samples'] - report['found']}")
    console.print(_mask_table("Masks: IoU micro (mean) [95% of micro]", report["masks"]))
    console.print(_boundary_table(report["masks"]))
    console.print(boundary_line(report["boundary pair"]), highlight=False)
    _show_parts(report["parsing"], console)
    for given, rows in report["content"].items():
        console.print(_content_table(f"Content, {given} (l1, PSNR, SSIM, VGG: hidden part)", rows))
    console.print(_group_table(report["groups"]))
    if "against" in report:
        console.print(against_line(report["against"]), highlight=False)
    if "verdicts" in report:
        console.print(f"Gallery: {verdicts_line(report['verdicts'])}", highlight=False)
    for note in report.get("notes", ()):
        console.print(note, highlight=False)


def _show_parts(parsing: Numbers | None, console: Console) -> None:
    if parsing is None:
        console.print("Body parts: no sample has labels")
        return
    maps = {name: parsing[name] for name in MAPS}
    title = f"Body parts of {parsing['samples']} labelled samples, {parsing['people']} people [95%]"
    console.print(summary_table(title, maps))
    console.print(class_table(maps))
    if absent_line(maps):
        console.print(absent_line(maps), highlight=False)


def _mask_table(title: str, rows: Numbers) -> Table:
    table = Table("method", *MASKS, "amodal l1", title=title, title_justify="left")
    for method, masks in rows.items():
        cells = [
            f"{number(values['micro'])} ({number(values['mean'])})\n{span(values['interval'])}"
            for values in (masks[name] for name in MASKS)
        ]
        table.add_row(method, *cells, number(masks["amodal"]["l1"], 4))
    return table


def _boundary_table(rows: Numbers) -> Table:
    table = Table("method", *MASKS, title="Masks: mean boundary F-score [95%]", title_justify="left")
    for method, masks in rows.items():
        cells = (f"{number(masks[m]['boundary'])}\n{span(masks[m]['boundary interval'])}" for m in MASKS)
        table.add_row(method, *cells)
    return table


def _content_table(title: str, rows: Numbers) -> Table:
    """VGG: perceptual distance; FID and KID: lite0."""
    first = next(iter(rows.values()))
    heads = ["l1 [95%]", "PSNR", "SSIM", "l1 crop"]
    heads += ["VGG"] * ("perceptual" in first) + ["FID", "KID"] * ("fid" in first)
    table = Table("method", *heads, title=title, title_justify="left")
    for method, row in rows.items():
        cells = [
            f"{number(row['l1'], 4)}\n{span(row['interval'])}",
            number(row["psnr"], 2),
            number(row["ssim"]),
            number(row["crop l1"], 4),
        ]
        if "perceptual" in row:
            cells.append(number(row["perceptual"]))
        if "fid" in row:
            cells += [number(row["fid"], 2), number(row["kid"], 4)]
        table.add_row(method, *cells)
    return table


def _group_table(groups: Numbers) -> Table:
    title = "deocclude by group (micro; boundary: mean)"
    heads = ("samples", *MASKS, "boundary amodal", "content l1")
    table = Table("group", *heads, title=title, title_justify="left")
    for kind, values in groups.items():
        table.add_section()
        for value, numbers in values.items():
            ours, content = numbers["masks"][OURS], numbers["content"][GIVEN[0]][OURS]
            table.add_row(
                f"{kind} {value}",
                str(numbers["samples"]),
                *(number(ours[name]["micro"]) for name in MASKS),
                number(ours["amodal"]["boundary"]),
                number(content["l1"], 4),
            )
    return table
