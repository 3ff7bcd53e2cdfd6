"""What the page may ask of the server: one method a request, plain dicts in and out, no HTTP here."""

from __future__ import annotations

import base64
import binascii
import io
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.review import assignment, decisions, picture
from deocclude.ahp.review.assignment import Task
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.refined import note_refined, save_refined, take_back_refined
from deocclude.ahp.review.workspace import Workspace
from deocclude.ahp.web import leases
from deocclude.ahp.web.requests import (
    Answer,
    Refused,
    Request,
    Viewer,
    count_of,
    seconds_of,
    text_of,
    viewer_of,
)

CHOICES = ("discard", "preserve", "refine")
_MOST_AT_ONCE = 32


class ReviewApi:
    """The review of one workspace by any number of annotators and tabs."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        lease_seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._saving = threading.Lock()
        self.requests: dict[str, Callable[[Request], Answer]] = {
            "state": self.state,
            "next": self.next,
            "decide": self.decide,
            "undo": self.undo,
            "skip": self.skip,
            "release": self.release,
            "mask": self.mask,
        }

    def candidate(self, identity: str) -> Candidate:
        """The candidate of a sample. Raises Refused 404 if there is none."""
        with self._database.transaction() as connection:
            row = _sample(connection, identity)
        return self._workspace.candidate_at(row["start"])

    def state(self, request: Request) -> Answer:
        """Progress with the agreement: {progress..., "agreement": one line or None}."""
        viewer = _viewer(request)
        with self._database.transaction() as connection:
            found = decisions.agreement(connection)
            return _progress(connection, viewer) | {"agreement": None if found is None else str(found)}

    def next(self, request: Request) -> Answer:
        """Leases samples: {"task", "count"} -> {"samples": [...], "progress": {...}}."""
        viewer, task = _viewer(request), _task(request)
        count = count_of(request, _MOST_AT_ONCE)
        with self._database.transaction() as connection:
            rows = assignment.take(connection, viewer, task, count, self._clock(), self._lease_seconds)
            progress = _progress(connection, viewer)
        return {"samples": [picture.describe(self._workspace, row) for row in rows], "progress": progress}

    def decide(self, request: Request) -> Answer:
        """Stores {"token", "sample", "decision", "seconds"}; sent again, it changes nothing."""
        viewer, token, choice = _viewer(request), text_of(request, "token"), request.get("decision")
        if choice not in CHOICES:
            raise Refused(400, f"decision must be one of {', '.join(CHOICES)}")
        sample = text_of(request, "sample")
        judgement = decisions.Judgement(sample, viewer.annotator, choice, seconds_of(request), False)
        with self._database.transaction() as connection:
            _sample(connection, sample)
            now = self._clock()
            known = connection.execute("SELECT 1 FROM decision WHERE token = ?", (token,)).fetchone()
            if not known and not assignment.is_free(connection, viewer, sample, now):
                raise Refused(409, f"{sample} was judged by somebody else meanwhile")
            outcome = decisions.decide(connection, token, judgement, now)
            if outcome == "conflict":
                raise Refused(409, f"{viewer.annotator} has judged {sample} in another tab")
            leases.give_back(connection, viewer.annotator, "judge", sample)
            return {"outcome": outcome, "progress": _progress(connection, viewer)}

    def undo(self, request: Request) -> Answer:
        """Takes back the decision (or, with "task": "refine", the saved mask) of "token", or the last one.

        The sample is leased to the viewer again: {"sample": {...} or None, "progress"}.
        """
        viewer, task = _viewer(request), _task(request)
        token = None if request.get("token") is None else text_of(request, "token")
        with self._database.transaction() as connection:
            now = self._clock()
            if task == "judge":
                sample = decisions.undo(connection, viewer.annotator, token, now)
            else:
                sample = take_back_refined(connection, viewer.annotator, token)
            row = None
            if sample is not None:
                leases.lease(connection, viewer, task, sample, now + self._lease_seconds)
                row = _sample(connection, sample)
            progress = _progress(connection, viewer)
        return {"sample": row and picture.describe(self._workspace, row), "progress": progress}

    def skip(self, request: Request) -> Answer:
        """Puts {"task", "sample"} behind all others for this annotator."""
        viewer, task, sample = _viewer(request), _task(request), text_of(request, "sample")
        with self._database.transaction() as connection:
            _sample(connection, sample)
            leases.skip(connection, viewer, task, sample)
        return {}

    def release(self, request: Request) -> Answer:
        """Gives back what this tab holds."""
        with self._database.transaction() as connection:
            leases.release(connection, _viewer(request))
        return {}

    def mask(self, request: Request) -> Answer:
        """Saves {"token", "sample", "seconds", "png"}: the window's mask in base64, opaque or white."""
        viewer, token, sample = _viewer(request), text_of(request, "token"), text_of(request, "sample")
        candidate = self.candidate(sample)
        inside = _decoded(request.get("png"), candidate)
        with self._saving:
            with self._database.transaction() as connection:
                row = connection.execute(
                    "SELECT token, annotator FROM refined WHERE sample = ?", (sample,)
                ).fetchone()
            if row is not None and row["token"] != token:
                raise Refused(409, f"{sample} was refined by {row['annotator']} meanwhile")
            if row is None:
                save_refined(self._workspace, candidate, inside)
            with self._database.transaction() as connection:
                note_refined(
                    connection, sample, token, viewer.annotator, seconds_of(request), "editor", self._clock()
                )
                return {"progress": _progress(connection, viewer)}


def _progress(connection: sqlite3.Connection, viewer: Viewer) -> Answer:
    done = connection.execute(
        "SELECT COUNT(*), TOTAL(MIN(judged, wanted)), TOTAL(wanted) FROM sample WHERE listed"
    ).fetchone()
    mine = connection.execute(
        "SELECT COUNT(*) FROM decision WHERE annotator = ? AND undone IS NULL", (viewer.annotator,)
    ).fetchone()[0]
    to_refine = connection.execute(
        "SELECT COUNT(DISTINCT d.sample) FROM decision d JOIN sample s ON s.id = d.sample "
        "WHERE s.listed AND d.decision = 'refine' AND d.undone IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM refined r WHERE r.sample = d.sample)"
    ).fetchone()[0]
    return {
        "samples": done[0],
        "judged": int(done[1]),
        "wanted": int(done[2]),
        "mine": mine,
        "to_refine": to_refine,
        "seconds": decisions.median_seconds(connection, viewer.annotator),
    }


def _sample(connection: sqlite3.Connection, identity: str) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM sample WHERE id = ? AND listed", (identity,)).fetchone()
    if row is None:
        raise Refused(404, "no such sample")
    return row  # type: ignore[no-any-return]


def _viewer(request: Request) -> Viewer:
    return viewer_of(request, reserved=(decisions.AUTO,))


def _task(request: Request) -> Task:
    if request.get("task", "judge") not in ("judge", "refine"):
        raise Refused(400, "task must be judge or refine")
    return "refine" if request.get("task") == "refine" else "judge"


def _decoded(png: Any, candidate: Candidate) -> np.ndarray:
    left, top, right, bottom = picture.window_of(candidate)
    size = right - left, bottom - top
    try:
        with Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=["PNG"]) as image:
            if image.size != size:
                raise Refused(400, f"the mask must be {size[0]}x{size[1]}, not {image.width}x{image.height}")
            channel = image.getchannel("A") if "A" in image.getbands() else image.convert("L")
            inside = np.array(channel) >= 128
    except (OSError, SyntaxError, ValueError, TypeError, binascii.Error):
        raise Refused(400, "png must be a PNG in base64") from None
    if not inside.any():
        raise Refused(400, "the mask is empty; discard the sample instead")
    return inside
