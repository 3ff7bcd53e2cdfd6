"""What somebody says of each picture of a gallery: "ok" if one would show it to a user, or what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deocclude.errors import DeoccludeError

OK = "ok"


def read_verdicts(path: Path, gallery: Sequence[str]) -> dict[str, str]:
    """A JSON object {id: "ok" or what is wrong}; gallery: the ids that may have a verdict.

    Raises DeoccludeError if the file is no such object, says something of an id twice, or of one that is not
    in the gallery.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeoccludeError(f"{path}: more than one verdict on {', '.join(twice)}; keep one of each")
        return dict(pairs)

    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except OSError as error:
        raise DeoccludeError(f"{path}: cannot be read ({error.strerror}); name a JSON file") from None
    except ValueError as error:
        raise DeoccludeError(f"{path}: not JSON ({error}); write {{id: verdict}}") from None
    if not isinstance(verdicts, dict):
        raise DeoccludeError(f"{path}: not an object; write {{id: verdict}}")
    empty = [name for name, said in verdicts.items() if not isinstance(said, str) or not said.strip()]
    if empty:
        raise DeoccludeError(f'{path}: no text for {", ".join(empty)}; write "{OK}" or what is wrong')
    strangers = [name for name in verdicts if name not in set(gallery)]
    if strangers:
        raise DeoccludeError(
            f"{path}: not in the gallery of these {len(gallery)}: {', '.join(strangers)}; take them out"
        )
    return {name: said.strip() for name, said in verdicts.items()}


def count_verdicts(verdicts: dict[str, str], gallery: Sequence[str]) -> dict[str, Any]:
    """For a report: how many of the gallery's pictures are ok, what is wrong with others, who has none."""
    return {
        "ok": sum(said == OK for said in verdicts.values()),
        "of": len(gallery),
        "wrong": {name: verdicts[name] for name in gallery if verdicts.get(name, OK) != OK},
        "none": [name for name in gallery if name not in verdicts],
    }


def verdicts_line(counts: dict[str, Any]) -> str:
    """One sentence of `count_verdicts`."""
    text = f"{counts['ok']} of {counts['of']} pictures are ones to show a user"
    return text + (f"; {len(counts['none'])} have no verdict" if counts["none"] else "")
