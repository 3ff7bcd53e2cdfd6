"""What the page may ask of the server: one method a request, plain dicts in and out, no HTTP here."""

from __future__ import annotations

import base64
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from deocclude.ahp.compose import assignment, composites, votes
from deocclude.ahp.compose.arrangement import LEAST_SCALE, MOST_LOOKS, MOST_SCALE, Arrangement
from deocclude.ahp.compose.assignment import Task
from deocclude.ahp.compose.database import Database
from deocclude.ahp.compose.library import Library
from deocclude.ahp.compose.paste import paste, refusal_of
from deocclude.ahp.layout import encode_jpeg
from deocclude.ahp.review.outline import svg_path
from deocclude.ahp.sample import OcclusionSample
from deocclude.ahp.web import leases
from deocclude.ahp.web.requests import (
    Answer,
    Refused,
    Request,
    Viewer,
    count_of,
    number_of,
    seconds_of,
    text_of,
    viewer_of,
)
from deocclude.crops import Box
from deocclude.errors import DeoccludeError

_MOST_AT_ONCE = 8
_QUALITY = 95
_MOST_AWAY = 1e5


class ComposeApi:
    """Composites over one library, saved below `folder`, by any number of editors, voters and tabs.

    Names that differ in case alone are one person's.
    """

    def __init__(
        self,
        library: Library,
        database: Database,
        folder: Path,
        lease_seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.library = library
        self.folder = folder
        self._database = database
        self._lease_seconds = lease_seconds
        self._clock = clock
        self.requests: dict[str, Callable[[Request], Answer]] = {
            "state": self.state,
            "next": self.next,
            "preview": self.preview,
            "save": self.save,
            "decide": self.decide,
            "undo": self.undo,
            "skip": self.skip,
            "release": self.release,
        }

    def state(self, request: Request) -> Answer:
        """Progress, and how many votes a composite needs."""
        viewer = _viewer(request)
        with self._database.transaction() as connection:
            wanted = connection.execute("SELECT value FROM setting WHERE name = 'votes'").fetchone()[0]
            return votes.progress(connection, viewer.annotator) | {"votes": wanted}

    def next(self, request: Request) -> Answer:
        """Leases samples: {"task", "count"} -> {"samples": [...], "progress": {...}}."""
        viewer, task, count = _viewer(request), _task(request), count_of(request, _MOST_AT_ONCE)
        with self._database.transaction() as connection:
            found = assignment.take(connection, viewer, task, count, self._clock(), self._lease_seconds)
            used = composites.uses(connection)
            progress = votes.progress(connection, viewer.annotator)
        if task == "compose":
            samples = [self._described(identity, used) for identity in found]
        else:
            samples = [self._to_vote_on(identity) for identity in found]
        return {"samples": samples, "progress": progress}

    def preview(self, request: Request) -> Answer:
        """An arrangement's {"ratio", "problem": one line or None, "patch": the part of the photo it changes}.

        "patch" is {"left", "top", "width", "height", "image": a JPEG as data URL}, or None.
        """
        sample, box = self._pasted(self._arrangement(request))
        left, top, right, bottom = box
        patch = None
        if right > left and bottom > top:
            jpeg = base64.b64encode(encode_jpeg(sample.occluded[top:bottom, left:right], _QUALITY))
            image = f"data:image/jpeg;base64,{jpeg.decode()}"
            patch = {"left": left, "top": top, "width": right - left, "height": bottom - top, "image": image}
        return {"ratio": sample.ratio, "problem": refusal_of(sample.ratio), "patch": patch}

    def save(self, request: Request) -> Answer:
        """Stores {"token", "seconds", arrangement...} as a composite; sent again, it changes nothing.

        Refused 422 if the ratio is not in (0, 0.5].
        """
        viewer, token, seconds = _viewer(request), text_of(request, "token"), seconds_of(request)
        arrangement = self._arrangement(request)
        sample, _ = self._pasted(arrangement)
        problem = refusal_of(sample.ratio)
        if problem is not None:
            raise Refused(422, problem)
        with self._database.transaction() as connection:
            self._remember_name(connection, request)
            stored = composites.store(
                connection,
                self.folder,
                token,
                viewer.annotator,
                self.library.split,
                arrangement,
                sample,
                seconds,
                self._clock(),
            )
            leases.give_back(connection, viewer.annotator, "compose", arrangement.person)
            outcome = "stored" if stored else "repeated"
            return {"outcome": outcome, "progress": votes.progress(connection, viewer.annotator)}

    def decide(self, request: Request) -> Answer:
        """Stores the vote {"token", "sample", "decision": "pass" or "fail", "seconds"}, once.

        Refused 403 to the editor of the composite, 404 if there is none (any more), 409 if others have
        settled it meanwhile or this person has voted on it.
        """
        viewer, token, seconds = _viewer(request), text_of(request, "token"), seconds_of(request)
        sample, verdict = text_of(request, "sample"), request.get("decision")
        if verdict not in votes.VERDICTS:
            raise Refused(400, "decision must be pass or fail")
        with self._database.transaction() as connection:
            row = _composite(connection, sample)
            if row["editor"] == viewer.annotator:
                raise Refused(403, f"{sample} is your own; others vote on it")
            self._remember_name(connection, request)
            now = self._clock()
            known = connection.execute("SELECT 1 FROM vote WHERE token = ?", (token,)).fetchone()
            mine = connection.execute(
                "SELECT 1 FROM vote WHERE composite = ? AND voter = ? AND undone IS NULL",
                (sample, viewer.annotator),
            ).fetchone()
            if not known and not mine and not assignment.may_vote(connection, viewer, sample, now):
                raise Refused(409, f"others have voted on {sample} meanwhile")
            outcome = votes.vote(connection, token, sample, viewer.annotator, verdict, seconds, now)
            if outcome == "conflict":
                raise Refused(409, f"you have voted on {sample} in another tab")
            leases.give_back(connection, viewer.annotator, "vote", sample)
            return {"outcome": outcome, "progress": votes.progress(connection, viewer.annotator)}

    def undo(self, request: Request) -> Answer:
        """Withdraws the composite (or, with "task": "vote", takes back the vote) of "token", or the last one.

        The person or composite is leased to the viewer again: {"sample": {...} or None, "progress"}.
        """
        viewer, task = _viewer(request), _task(request)
        token = None if request.get("token") is None else text_of(request, "token")
        with self._database.transaction() as connection:
            now = self._clock()
            arrangement = None
            if task == "vote":
                identity = votes.undo(connection, viewer.annotator, token, now)
            else:
                arrangement = composites.withdraw(connection, viewer.annotator, token, now)
                identity = None if arrangement is None else arrangement.person
            if identity is not None:
                leases.lease(connection, viewer, task, identity, now + self._lease_seconds)
            used = composites.uses(connection)
            progress = votes.progress(connection, viewer.annotator)
        if arrangement is None:
            return {"sample": identity and self._to_vote_on(identity), "progress": progress}
        if arrangement.person not in self.library.people or arrangement.cutout not in self.library.cutouts:
            return {"sample": None, "progress": progress}
        sample = self._described(arrangement.person, used) | {"arrangement": _as_dict(arrangement)}
        return {"sample": sample, "progress": progress}

    def skip(self, request: Request) -> Answer:
        """Puts {"task", "sample"} behind all others for this annotator."""
        viewer, task, sample = _viewer(request), _task(request), text_of(request, "sample")
        table = "person" if task == "compose" else "composite"
        with self._database.transaction() as connection:
            if not connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (sample,)).fetchone():
                raise Refused(404, "no such sample")
            leases.skip(connection, viewer, task, sample)
        return {}

    def release(self, request: Request) -> Answer:
        """Gives back what this tab holds."""
        with self._database.transaction() as connection:
            leases.release(connection, _viewer(request))
        return {}

    def composite_photo(self, identity: str) -> bytes:
        """JPEG of a composite that stands. Raises Refused 404 if there is none."""
        with self._database.transaction() as connection:
            _composite(connection, identity)
        path = self._photo(identity)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise DeoccludeError(f"{path}: no such file; put it back, or fail {identity}") from None

    def _photo(self, identity: str) -> Path:
        return self.folder / "RGBErased" / f"{identity}.jpg"

    def _to_vote_on(self, composite: str) -> Answer:
        path = self._photo(composite)
        try:
            with Image.open(path) as photo:
                return {"id": composite, "width": photo.width, "height": photo.height}
        except OSError as error:
            return {"id": composite, "error": f"{path}: {error.strerror or error}"}

    def _described(self, person: str, used: dict[str, int]) -> Answer:
        figure = self.library.people[person]
        x, bottom = self.library.foot(person)
        return {
            "id": person,
            "width": figure.width,
            "height": figure.height,
            "outline": svg_path(self.library.person(person).amodal, 0, 0),
            "foot": [round(x, 1), round(bottom, 1)],
            "cutouts": self.library.palette(person, used),
        }

    def _arrangement(self, request: Request) -> Arrangement:
        person, cutout = text_of(request, "sample"), text_of(request, "cutout")
        if person not in self.library.people:
            raise Refused(404, "no such person")
        found = self.library.cutouts.get(cutout)
        if found is None or found.of_person == person:
            raise Refused(404, "no such cut-out")
        flipped = request.get("flipped")
        if not isinstance(flipped, bool):
            raise Refused(400, "flipped must be true or false")
        return Arrangement(
            person,
            cutout,
            number_of(request, "x", -_MOST_AWAY, _MOST_AWAY),
            number_of(request, "y", -_MOST_AWAY, _MOST_AWAY),
            number_of(request, "scale", LEAST_SCALE, MOST_SCALE),
            number_of(request, "angle", -180, 180),
            flipped,
            int(number_of(request, "look", 0, MOST_LOOKS)),
        )

    def _pasted(self, arrangement: Arrangement) -> tuple[OcclusionSample, Box]:
        person = self.library.person(arrangement.person)
        return paste(person, self.library.occluder(arrangement.cutout), arrangement)

    @staticmethod
    def _remember_name(connection: sqlite3.Connection, request: Request) -> None:
        name = viewer_of(request).annotator
        connection.execute("INSERT OR IGNORE INTO annotator VALUES (?, ?)", (name.casefold(), name))


def _viewer(request: Request) -> Viewer:
    viewer = viewer_of(request)
    return Viewer(viewer.annotator.casefold(), viewer.client)


def _task(request: Request) -> Task:
    if request.get("task") not in ("compose", "vote"):
        raise Refused(400, "task must be compose or vote")
    return "vote" if request.get("task") == "vote" else "compose"


def _composite(connection: sqlite3.Connection, identity: str) -> Any:
    row = connection.execute("SELECT * FROM tally WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise Refused(404, f"{identity} was withdrawn, or never was")
    return row


def _as_dict(arrangement: Arrangement) -> Answer:
    return {
        "cutout": arrangement.cutout,
        "x": arrangement.x,
        "y": arrangement.y,
        "scale": arrangement.scale,
        "angle": arrangement.angle,
        "flipped": arrangement.flipped,
        "look": arrangement.look,
    }
