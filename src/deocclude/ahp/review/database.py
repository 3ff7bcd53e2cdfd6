"""`review.sqlite`: samples, decisions, leases."""

from __future__ import annotations

from pathlib import Path

from deocclude.ahp.web import leases
from deocclude.ahp.web.database import SharedDatabase

VERSION = 1
_SCHEMA = f"""
CREATE TABLE sample (
    id TEXT PRIMARY KEY,
    start INTEGER NOT NULL,              -- byte of its line in candidates.jsonl
    fingerprint TEXT NOT NULL,           -- of the line, the mask file, the faults and the pre-sort's limits
    listed INTEGER NOT NULL,             -- 0: has no line or no mask any more
    place INTEGER NOT NULL DEFAULT 0,    -- order of showing
    score REAL NOT NULL,
    suggestion TEXT,
    automatic TEXT NOT NULL,
    reasons TEXT NOT NULL,               -- JSON list
    wanted INTEGER NOT NULL DEFAULT 1,   -- people who have to judge it
    judged INTEGER NOT NULL DEFAULT 0    -- people who have
);
CREATE INDEX sample_open ON sample(place) WHERE listed AND judged < wanted;
CREATE TABLE decision (
    token TEXT PRIMARY KEY,
    sample TEXT NOT NULL REFERENCES sample(id),
    annotator TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('discard', 'preserve', 'refine')),
    seconds REAL NOT NULL,
    auto INTEGER NOT NULL,
    made REAL NOT NULL,
    undone REAL
);
CREATE UNIQUE INDEX decision_once ON decision(sample, annotator) WHERE undone IS NULL;
CREATE INDEX decision_latest ON decision(annotator, made);
{leases.SCHEMA}CREATE TABLE refined (
    sample TEXT PRIMARY KEY REFERENCES sample(id),
    token TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    seconds REAL NOT NULL,
    source TEXT NOT NULL,
    made REAL NOT NULL
);
"""


class Database(SharedDatabase):
    """Opens or makes the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, VERSION, "review")
