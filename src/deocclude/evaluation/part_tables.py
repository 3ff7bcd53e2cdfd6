"""Terminal tables of body-part quality, for `deocclude evaluate` and `deocclude ahp parser-score`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from deocclude.evaluation.body_parts import SCORES, shown_classes
from deocclude.evaluation.wording import number, span

Numbers = dict[str, Any]


def summary_table(title: str, maps: Numbers) -> Table:
    """`SCORES` with intervals, a row a map. maps: name -> what `body_parts.part_numbers` gives."""
    table = Table("body parts", *SCORES, title=title, title_justify="left")
    for name, numbers in maps.items():
        table.add_row(name, *(f"{number(numbers[s])}\n{span(numbers[f'{s} interval'])}" for s in SCORES))
    return table


def class_table(maps: Numbers) -> Table:
    """IoU of every class that the truth holds, and how many people show it."""
    heads = ("people", *(f"{name} IoU" for name in maps))
    table = Table("class", *heads, title="Body parts: IoU by class", title_justify="left")
    for name, people in shown_classes(maps).items():
        ious = (numbers["classes"][name]["iou"] for numbers in maps.values())
        table.add_row(name, str(people), *(number(iou) for iou in ious))
    return table
