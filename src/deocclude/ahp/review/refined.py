"""Masks that people have mended: saved, noted, taken back."""

from __future__ import annotations

import sqlite3

import numpy as np

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.review.picture import window_of
from deocclude.ahp.review.workspace import Workspace


def save_refined(workspace: Workspace, candidate: Candidate, inside: np.ndarray) -> None:
    """Puts a bool mask of the candidate's window into its mask; what lies outside the window stays."""
    left, top, right, bottom = window_of(candidate)
    current = workspace.mask_of(candidate)
    mask = np.zeros((candidate.height, candidate.width), dtype=bool) if current is None else current.copy()
    mask[top:bottom, left:right] = inside
    workspace.save_mask(candidate, mask)


def note_refined(
    connection: sqlite3.Connection,
    sample: str,
    token: str,
    annotator: str,
    seconds: float,
    source: str,
    now: float,
) -> None:
    """Notes that the sample's mask is mended; the same token again changes nothing, another replaces it."""
    connection.execute(
        "INSERT INTO refined VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (sample) DO UPDATE SET token = excluded.token, annotator = excluded.annotator, "
        "seconds = excluded.seconds, source = excluded.source, made = excluded.made "
        "WHERE token <> excluded.token",
        (sample, token, annotator, seconds, source, now),
    )
    connection.execute("DELETE FROM lease WHERE sample = ? AND task = 'refine'", (sample,))


def take_back_refined(connection: sqlite3.Connection, annotator: str, token: str | None) -> str | None:
    """Puts the annotator's mended sample of that token, or the last one, back among those to be refined.

    The mask keeps its last edit. Returns the sample, None if there is none.
    """
    row = connection.execute(
        "SELECT sample FROM refined WHERE annotator = :annotator AND (:token IS NULL OR token = :token) "
        "ORDER BY made DESC LIMIT 1",
        {"annotator": annotator, "token": token},
    ).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM refined WHERE sample = ?", (row["sample"],))
    return str(row["sample"])
