"""Composing in a test: without a server, with a clock that the test turns, or served in a thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from running_page import HangsUp, RunningPage

from deocclude.ahp.compose.api import ComposeApi
from deocclude.ahp.compose.database import Database
from deocclude.ahp.compose.export import ExportReport, export
from deocclude.ahp.compose.library import Library
from deocclude.ahp.compose.server import ComposeServer


def over(library: Library, person: str, cutout: str = "coco-chair-0", **change: Any) -> dict[str, Any]:
    """A cut-out over the person's left side, which hides something but not half."""
    left, top, _, bottom = library.people[person].box
    scale = 0.5 * (bottom - top) / library.cutouts[cutout].height
    place = {"x": left, "y": (top + bottom) / 2, "scale": round(scale, 3), "angle": 0}
    return {"sample": person, "cutout": cutout, **place, "flipped": False, "look": 0, **change}


def opened(library: Library, work: Path, **settings: int) -> Database:
    database = Database(work / "compose.sqlite")
    database.list_people(library.people)
    for name, value in settings.items():
        database.set(name, value)
    return database


class Room:
    """Composing without a server."""

    def __init__(self, library: Library, work: Path, **settings: int) -> None:
        self.now = 1000.0
        self.library, self.work = library, work
        self.database = opened(library, work, **settings)
        self.api = ComposeApi(library, self.database, work / "composites", 60, lambda: self.now)

    def take(self, who: str, task: str = "compose", count: int = 1, client: str = "tab") -> list[str]:
        request = {"annotator": who, "client": client, "task": task, "count": count}
        return [sample["id"] for sample in self.api.next(request)["samples"]]

    def save(self, who: str, person: str, token: str = "", **change: Any) -> dict[str, Any]:
        self.now += 0.01
        token = token or f"{who}-{person}-{self.now}"
        body = over(self.library, person, **change)
        return self.api.save({"annotator": who, "client": "tab", "token": token, "seconds": 2.5, **body})

    def vote(self, who: str, composite: str, verdict: str = "pass", token: str = "") -> dict[str, Any]:
        self.now += 0.01
        body = {"token": token or f"{who}-{composite}-{self.now}", "sample": composite, "seconds": 1.5}
        return self.api.decide({"annotator": who, "client": "tab", "decision": verdict, **body})

    def undo(self, who: str, task: str = "compose", token: str | None = None) -> dict[str, Any] | None:
        request = {"annotator": who, "client": "tab", "task": task, "token": token}
        return self.api.undo(request)["sample"]

    def state(self, who: str = "someone") -> dict[str, Any]:
        return self.api.state({"annotator": who, "client": "tab"})

    def export(self, out: Path) -> ExportReport:
        return export(self.database, self.work / "composites", out)


class _Server(HangsUp, ComposeServer):
    """Hangs up on everybody when it is stopped, as a killed process does."""


class Compose(RunningPage):
    """A database, and a server in a thread."""

    def __init__(self, library: Library, work: Path, **settings: int) -> None:
        self.library, self.work = library, work
        self.database = opened(library, work, **settings)
        self.start()

    def start(self, port: int = 0) -> None:
        api = ComposeApi(self.library, self.database, self.work / "composites")
        self.serve(_Server("127.0.0.1", port, api))

    def rows(self, query: str) -> list[tuple]:
        with self.database.transaction() as connection:
            return [tuple(row) for row in connection.execute(query)]
