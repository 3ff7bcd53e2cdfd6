"""A review that runs in a test."""

from __future__ import annotations

from running_page import HangsUp, RunningPage

from deocclude.ahp.review.api import ReviewApi
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.index import index
from deocclude.ahp.review.server import ReviewServer
from deocclude.ahp.review.workspace import Workspace


class _Server(HangsUp, ReviewServer):
    """Hangs up on everybody when it is stopped, as a killed process does."""


class Review(RunningPage):
    """A workspace, its database, and a server in a thread."""

    def __init__(self, workspace: Workspace, port: int = 0, **options: float) -> None:
        self.workspace = workspace
        self.database = Database(workspace.root / "review.sqlite")
        self.report = index(workspace, self.database, **options)  # type: ignore[arg-type]
        self.start(port)

    def start(self, port: int = 0) -> None:
        api = ReviewApi(self.workspace, self.database)
        self.serve(_Server("127.0.0.1", port, self.workspace, api))

    def decisions(self) -> list[tuple[str, str, str]]:
        """(sample, annotator, decision) of all that stand, in the order they were made."""
        query = "SELECT sample, annotator, decision FROM decision WHERE undone IS NULL ORDER BY made, rowid"
        with self.database.transaction() as connection:
            return [tuple(row) for row in connection.execute(query)]
