"""How well a parser names the body parts of whole, unoccluded people (HRNet's role in section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from deocclude.ahp.acquire.checks import Unfit
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.layout import People, find_photo
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.segment.parsers import NONE, Parser, pseudo_parser
from deocclude.ahp.segment.person import segment_person
from deocclude.ahp.segment.segmenters import Segmenter
from deocclude.crops import SquareWindow, box_of
from deocclude.errors import DeoccludeError
from deocclude.evaluation.body_parts import confusion, has_labels, part_numbers
from deocclude.evaluation.metrics import pixels_inside

TRUE_MASK, SEGMENTED = "true mask", "segmenter's mask"


def open_parser(name: str) -> Parser:
    """As `parsers.load_parser`, without the sources' own labels: those are the truth here.

    Raises DeoccludeError for 'none', an unknown model, or an import that fails.
    """
    if name == NONE:
        raise DeoccludeError(f"parser '{NONE}' names no part; give lite, paper, a folder or MODULE:CALLABLE")
    return pseudo_parser(name)


def score(
    people: People,
    parser: Parser,
    segmenter: Segmenter,
    track: Callable[[range], Iterable[int]] = lambda positions: positions,
) -> dict[str, Any]:
    """For JSON: `part_numbers` of the people who have labels, for maps made inside two masks.

    `TRUE_MASK` is the person's own, as people of sources with masks have it; `SEGMENTED` the one that the
    segmenter draws in the true mask's box, as for people of sources without. The known, labelled pixels of
    the person's window count. A person whom segmenter or parser does not know is background everywhere.
    track: wraps the positions that are gone through.
    Raises DeoccludeError if nobody has labels, or for a person whom the parser refuses.
    """
    matrices: dict[str, list[np.ndarray]] = {TRUE_MASK: [], SEGMENTED: []}
    scored = []
    for index in track(range(len(people))):
        person = people[index]
        candidate = _candidate(people, person)
        window = SquareWindow.around(candidate.box)
        counted = ~person.unknown & pixels_inside(window, *person.amodal.shape)
        if not has_labels(person.parsing, counted):
            continue
        scored.append(person.id)
        for name, one in ((TRUE_MASK, candidate), (SEGMENTED, replace(candidate, mask=None))):
            said = _parsed(one, person.photo, parser, segmenter)
            matrices[name].append(confusion(said, person.parsing, counted))
    if not scored:
        raise DeoccludeError(f"{people.root}: nobody of this split has labels; give a set with body parts")
    return {
        "people": len(scored),
        "passed over": len(people) - len(scored),
        "parsing": {name: part_numbers(tables, scored) for name, tables in matrices.items()},
    }


def _candidate(people: People, person: WholePerson) -> Candidate:
    height, width = person.amodal.shape
    box = box_of(person.amodal)
    assert box is not None
    named = person.id if person.id.startswith(f"{person.source}-") else f"{person.source}-{person.id}"
    photo = find_photo(people.root / "train" / "JPEGImages", person.id)
    return Candidate(named, person.source, photo, height, width, box, person.amodal)


def _parsed(candidate: Candidate, photo: np.ndarray, parser: Parser, segmenter: Segmenter) -> np.ndarray:
    """uint8 HxW of LIP indices, as `deocclude ahp segment` makes it without the source's labels."""
    nothing = np.zeros(photo.shape[:2], np.uint8)
    person = segment_person(candidate, photo, segmenter)
    if isinstance(person, str):
        return nothing
    try:
        parsing = parser(person, photo)
    except Unfit as fault:
        raise DeoccludeError(f"{candidate.photo}: the parser refuses this person ({fault})") from None
    return nothing if parsing is None else parsing
