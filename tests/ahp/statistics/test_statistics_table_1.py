import json

import pytest

from deocclude.ahp import layout
from deocclude.ahp.statistics.provenance import provenance_of
from deocclude.errors import DeoccludeError


def _lines(path, records, tail=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)


def _prepared(source, job, identity, outcome, kind="person"):
    return {"source": source, "job": job, "id": identity, "kind": kind, "outcome": outcome, "split": "train"}


@pytest.fixture
def root(tmp_path, figures):
    """ccp-000 and lspet-001 are preserved."""
    top = tmp_path / "work" / "AHP"
    for person in figures[:2]:
        layout.write_person(top, person)
    return top


LISTED = ("ccp-000", "lspet-001")


def _rows(table):
    return {row.source: (row.humans, row.preserved, row.others) for row in table.sources}


def test_the_journal_of_prepare(root):
    records = [
        _prepared("ccp", "a.jpg", "ccp-000", "kept"),
        _prepared("ccp", "b.jpg", "ccp-002", "the map has a hole"),
        _prepared("ccp", "b.jpg", "ccp-002", "the map has a hole"),
        _prepared("lspet", "c.jpg", "lspet-001", "kept"),
        _prepared("lspet", "d.jpg", "lspet-007", "kept"),
        _prepared("coco", "e.jpg", "coco-cup-1", "kept", kind="occluder"),
        {"source": "coco", "job": "f.jpg", "kind": "photo", "outcome": "nothing large enough"},
    ]
    _lines(root / "prepared.jsonl", records, tail='{"source": "ccp", "jo')
    table = provenance_of(root, LISTED)
    assert _rows(table) == {
        "ccp": (2, 1, {"the map has a hole": 1}),
        "lspet": (2, 1, {"kept, not in the lists": 1}),
    }
    assert (table.total.humans, table.total.preserved, table.total.ratio) == (4, 2, 0.5)
    assert table.notes == ()


def test_people_of_the_lists_that_no_record_knows_are_said(root):
    _lines(root / "prepared.jsonl", [_prepared("ccp", "a.jpg", "ccp-000", "kept")])
    table = provenance_of(root, LISTED)
    assert table.total.preserved == 1
    assert "1 people of the lists are not in prepared.jsonl" in table.notes[0]


def test_without_a_record_human_counts_are_unknown(root):
    table = provenance_of(root, LISTED)
    assert _rows(table) == {"ccp": (None, 1, {}), "lspet": (None, 1, {})}
    assert table.total.humans is None
    assert table.total.ratio is None
    assert "not known" in table.notes[0]


@pytest.fixture
def work(root):
    folder = root.parent
    people = ("ccp-000", "ccp-002", "ccp-003", "lspet-001", "lspet-2")
    candidates = [{"id": identity, "source": identity.split("-")[0]} for identity in people]
    _lines(folder / "candidates.jsonl", candidates)
    dropped = [{"source": "voc", "id": "", "reason": "too small", "where": "a.xml"}] * 3
    _lines(folder / "dropped.jsonl", dropped)
    return folder


def _decision(identity, decision, seconds, auto=False):
    return {"id": identity, "decision": decision, "by": ["a"], "seconds": seconds, "auto": auto}


def test_the_workspace_around_the_data_set(root, work):
    decisions = [
        _decision("ccp-000", "Preserve", 2.0),
        _decision("ccp-002", "preserve", 4.0),
        _decision("ccp-003", "discard", 100.0, auto=True),
        _decision("lspet-001", "refine", None),
    ]
    _lines(work / "decisions.jsonl", decisions)
    table = provenance_of(root, LISTED)
    assert _rows(table) == {
        "ccp": (3, 1, {"preserve, not in the lists": 1, "discard": 1}),
        "lspet": (2, 1, {"not judged": 1}),
        "voc": (0, 0, {}),
    }
    assert {row.source: row.dropped for row in table.sources}["voc"] == {"too small": 3}
    assert (table.judged, table.seconds) == (2, 3.0)
    assert next(row for row in table.sources if row.source == "voc").ratio is None


def test_people_without_a_mask_and_without_a_decision(root, work):
    outcomes = {"ccp-000": "ok", "ccp-002": "nobody found", "ccp-003": "nobody found", "lspet-001": "ok"}
    _lines(work / "segmented.jsonl", [{"id": k, "outcome": v, "faults": {}} for k, v in outcomes.items()])
    _lines(work / "decisions.jsonl", [_decision("ccp-003", "discard", 1.0)])
    table = provenance_of(root, LISTED)
    assert _rows(table)["ccp"] == (3, 1, {"no mask: nobody found": 1, "discard": 1})
    assert _rows(table)["lspet"] == (2, 1, {"not judged": 1})


def test_a_database_that_was_not_exported_is_said(root, work):
    (work / "review.sqlite").write_bytes(b"")
    table = provenance_of(root, LISTED)
    assert _rows(table)["ccp"] == (3, 1, {"not judged": 2})
    assert "--export" in table.notes[0]


def test_the_journal_comes_before_a_workspace_that_was_not_named(root, work):
    _lines(root / "prepared.jsonl", [_prepared("ccp", "a.jpg", "ccp-000", "kept")])
    assert provenance_of(root, LISTED).record == "prepared.jsonl"
    assert provenance_of(root, LISTED, work).record == "candidates.jsonl"


def test_no_workspace(root, tmp_path):
    with pytest.raises(DeoccludeError, match=r"candidates\.jsonl: no such file"):
        provenance_of(root, LISTED, tmp_path)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("candidates.jsonl", '{"id": "x-1"}', r"candidates\.jsonl, line 2: no 'source'"),
        ("candidates.jsonl", "[1]", r"candidates\.jsonl, line 2: not an object"),
        ("decisions.jsonl", '{"id": "ccp-000"', r"decisions\.jsonl, line 1: not JSON"),
        ("decisions.jsonl", '{"id": "ccp-000", "decision": 3}', r"decisions\.jsonl, line 1: no 'decision'"),
        (
            "decisions.jsonl",
            '{"id": "ccp-000", "decision": "discard", "seconds": "long"}',
            r"decisions\.jsonl, line 1: seconds is 'long'",
        ),
        ("dropped.jsonl", '{"source": "voc"}', r"dropped\.jsonl, line 1: no 'reason'"),
    ],
)
def test_malformed_lines_are_named(root, work, name, line, message):
    first = '{"id": "ccp-000", "source": "ccp"}\n' if name == "candidates.jsonl" else ""
    (work / name).write_text(f"{first}{line}\n")
    with pytest.raises(DeoccludeError, match=message):
        provenance_of(root, LISTED)
