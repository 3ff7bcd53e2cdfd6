from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deocclude.ahp.build.run import build
from deocclude.ahp.candidate import Candidate
from deocclude.ahp.engine import Engine
from deocclude.ahp.layout import People, encode_png
from deocclude.ahp.split import split_of
from deocclude.ahp.statistics.provenance import provenance_of
from deocclude.atomic import write_atomically
from deocclude.errors import DeoccludeError

SERIAL = Engine("serial")


def surroundings(mask: np.ndarray) -> tuple[slice, slice]:
    """The person's box with its longer side all round, cut at the photo's border."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )


def outcomes(out: Path) -> dict[str, dict]:
    return {line["id"]: line for line in map(json.loads, (out / "prepared.jsonl").read_text().splitlines())}


def test_people_arrive_as_they_were_judged(tmp_path, make_workspace, figures):
    work, out = make_workspace(tmp_path), tmp_path / "AHP"
    summary = build(work, out, SERIAL)
    assert summary.faults == []
    people = {person.id: person for split in ("train", "val") for person in People(out, split)}
    assert len(people) == 8
    for number, figure in enumerate(figures):
        person = people[f"{figure.source}-{number:03d}"]
        cut = surroundings(figure.amodal)
        assert (person.amodal == figure.amodal[cut]).all()
        smooth = [cv2.blur(photo.astype(np.float32), (9, 9)) for photo in (person.photo, figure.photo[cut])]
        assert np.abs(smooth[0] - smooth[1]).mean() < 2
        if figure.source == "ccp":
            assert (person.parsing == figure.parsing[cut]).all()
        else:
            assert set(np.unique(person.parsing[person.amodal])) == {255}


def test_a_bag_that_touches_the_person_is_unknown(tmp_path, make_workspace, figures):
    work, out = make_workspace(tmp_path, 3), tmp_path / "AHP"
    label = tmp_path / "data" / "ccp" / "labels" / "000.png"
    figure = figures[0]
    bag, apart = np.zeros_like(figure.amodal), np.zeros_like(figure.amodal)
    row, column = np.argwhere(figure.amodal)[-1]
    bag[row : row + 6, column : column + 9] = True
    apart[2:9, 2:9] = True
    assert not (apart & figure.amodal).any()
    tags = figure.amodal.astype(np.uint8)
    tags[(bag | apart) & ~figure.amodal] = 2
    write_atomically(label, _palette(tags))
    build(work, out, SERIAL)
    split = split_of("ccp", "000")
    person = next(person for person in People(out, split) if person.id == "ccp-000")
    assert (person.unknown == (bag & ~figure.amodal)[surroundings(figure.amodal)]).all()
    assert outcomes(out)["ccp-000"]["unknown"] is True
    assert not (out / "train" / "UnknownRegions" / "lspet-001.png").exists()


def _palette(tags: np.ndarray) -> bytes:
    from deocclude.ahp.layout import encode_parsing

    return encode_parsing(tags)


def test_people_go_to_the_split_of_their_photo(tmp_path, make_workspace):
    work, out = make_workspace(tmp_path, 24), tmp_path / "AHP"
    summary = build(work, out, SERIAL)
    for split in ("train", "val"):
        ids = (out / "train" / "ImageSets" / f"{split}.txt").read_text().split()
        assert ids == sorted(summary.people[split])
        assert all(split_of(*identity.split("-")) == split for identity in ids)
    assert len(summary.people["val"]) > 0


def test_a_mended_mask_counts_and_its_new_pixels_have_no_body_part(tmp_path, make_workspace, decide, figures):
    work, out = make_workspace(tmp_path, 2), tmp_path / "AHP"
    mended = figures[0].amodal.copy()
    mended[60:70, 8:20] = True
    write_atomically(work / "masks" / "ccp-000.png", encode_png(mended))
    decide(work, "ccp-000", refined=True)
    build(work, out, SERIAL)
    amodal = np.array(Image.open(out / "train" / "Annotations" / "ccp-000.png")) > 0
    parsing = np.array(Image.open(out / "train" / "PseudoParsingAnnotations" / "ccp-000.png"))
    cut = surroundings(mended)
    assert (amodal == mended[cut]).all()
    assert (parsing[(mended & ~figures[0].amodal)[cut]] == 255).all()
    assert outcomes(out)["ccp-000"]["refined"] is True


def test_table_1_counts_everybody_who_was_acquired(tmp_path, make_workspace, decide):
    work, out = make_workspace(tmp_path), tmp_path / "AHP"
    decide(work, "ccp-000", decision="discard")
    decide(work, "lspet-001", decision="refine")
    lines = (work / "decisions.jsonl").read_text().splitlines()
    kept = [line for line in lines if json.loads(line)["id"] not in ("lspet-003", "lspet-005")]
    (work / "decisions.jsonl").write_text("\n".join(kept))
    (work / "segmented.jsonl").write_text(
        '{"id": "lspet-005", "outcome": "photo unreadable", "faults": {}}\n'
    )
    summary = build(work, out, SERIAL)
    assert summary.counts["lspet"]["person"]["dropped: no mask: photo unreadable"] == 1
    table = provenance_of(out, [*summary.people["train"], *summary.people["val"]], None)
    rows = {row.source: (row.humans, row.preserved, row.others) for row in table.sources}
    assert rows == {
        "ccp": (4, 3, {"discard": 1}),
        "lspet": (4, 1, {"refine": 1, "not judged": 1, "no mask: photo unreadable": 1}),
    }
    assert table.notes == ()


def test_automatic_decisions_stay_marked(tmp_path, make_workspace, decide):
    work, out = make_workspace(tmp_path, 4), tmp_path / "AHP"
    decide(work, "lspet-001", auto=True)
    assert build(work, out, SERIAL).automatic == 1
    assert outcomes(out)["lspet-001"]["auto"] is True
    assert "auto" not in outcomes(out)["ccp-000"]


def test_the_review_database_counts_before_a_file(tmp_path, make_workspace, decide):
    from deocclude.ahp.review.database import Database
    from deocclude.ahp.review.decisions import Judgement
    from deocclude.ahp.review.decisions import decide as judge
    from deocclude.ahp.review.index import index
    from deocclude.ahp.review.workspace import Workspace

    work = make_workspace(tmp_path, 4)
    database = Database(work / "review.sqlite")
    index(Workspace(work), database)
    with database.transaction() as connection:
        judge(connection, "a", Judgement("ccp-002", "Ada", "preserve", 2.0, False), 0.0)
        judge(connection, "b", Judgement("lspet-001", "Ada", "discard", 2.0, False), 0.0)
    before = (work / "decisions.jsonl").read_bytes()
    found = build(work, tmp_path / "one", SERIAL).people
    assert found["train"] + found["val"] == ["ccp-002"]
    assert (work / "decisions.jsonl").read_bytes() == before
    found = build(work, tmp_path / "two", SERIAL, decisions=work / "decisions.jsonl").people
    assert len(found["train"] + found["val"]) == 4


def test_damaged_people_are_left_out_with_their_reason(tmp_path, make_workspace):
    work, out = make_workspace(tmp_path), tmp_path / "AHP"
    photos = tmp_path / "data" / "lspet" / "photos"
    (photos / "001.png").unlink()
    (photos / "003.png").write_bytes((photos / "003.png").read_bytes()[:300])
    Image.new("RGB", (50, 40)).save(photos / "005.png")
    write_atomically(work / "masks" / "lspet-007.png", encode_png(np.ones((9, 9), bool)))
    write_atomically(work / "parsing" / "ccp-000.png", encode_png(np.full((151, 97), 40, np.uint8)))
    write_atomically(work / "masks" / "ccp-002.png", encode_png(np.zeros((155, 103), bool)))
    (tmp_path / "data" / "ccp" / "labels" / "004.png").unlink()
    summary = build(work, out, SERIAL)
    reasons = {key: line["outcome"] for key, line in outcomes(out).items()}
    assert reasons == {
        "ccp-000": "malformed body parts", "ccp-002": "no mask", "ccp-004": "unknown regions unreadable",
        "ccp-006": "kept", "lspet-001": "photo missing", "lspet-003": "photo unreadable",
        "lspet-005": "photo of another size", "lspet-007": "mask unreadable",
    }  # fmt: skip
    assert len(summary.faults) == 7
    assert all("\n" not in fault for fault in summary.faults)
    assert any(str(photos / "005.png") in fault and "50x40" in fault for fault in summary.faults)
    assert build(work, out, SERIAL).faults == summary.faults


def test_malformed_lines_are_named_and_passed_over(tmp_path, make_workspace):
    work, out = make_workspace(tmp_path), tmp_path / "AHP"
    lines = (work / "candidates.jsonl").read_text().splitlines()
    record = json.loads(lines[0])
    outside = json.dumps(record | {"id": "ccp-../../out"})
    hollow = json.dumps(record | {"id": "ccp-box", "box": [5, 5, 5, 9]})
    (work / "candidates.jsonl").write_text(
        "\n".join([*lines[:3], lines[2][:40], lines[1], outside, hollow, *lines[3:]])
    )
    with (work / "decisions.jsonl").open("a") as stream:
        for line in (
            '{"id": "ccp-box", "decision": "preserve"}', '{"id": "ccp-000", "decision": "preserve", "refi',
            '{"id": "ccp-004", "decision": "discard"}', '{"id": "ccp-006", "decision": "keep"}', "[1]",
            '{"id": "x-1", "decision": "discard"}', '{"decision": "discard"}',
            '{"id": "ccp-002", "decision": "preserve"}',
        ):  # fmt: skip
            stream.write(f"{line}\n")
    summary = build(work, out, SERIAL)
    kept = sorted(summary.people["train"] + summary.people["val"])
    assert kept == ["ccp-000", "ccp-002", "ccp-006", "lspet-001", "lspet-003", "lspet-005", "lspet-007"]
    told = "\n".join(summary.faults)
    for number in (10, 11, 12, 13, 15):
        assert f"decisions.jsonl:{number}: " in told
    assert "decisions.jsonl:9: " not in told
    assert "decisions.jsonl:16: " not in told
    for number in (4, 5, 6):
        assert f"candidates.jsonl:{number}: " in told
    assert "x-1 was judged but is not listed" in told
    assert "malformed candidate" in told
    assert "ccp-box" in told
    assert len(summary.faults) == 10
    assert not list(tmp_path.rglob("out*"))


@pytest.mark.parametrize("missing", ["candidates.jsonl", "decisions.jsonl"])
def test_a_workspace_that_is_not_reviewed_is_refused(tmp_path, make_workspace, missing):
    work = make_workspace(tmp_path, 2)
    (work / missing).unlink()
    with pytest.raises(DeoccludeError, match=r"run `deocclude ahp|judge the people"):
        build(work, tmp_path / "AHP", SERIAL)
    assert not (tmp_path / "AHP").exists()


def test_nobody_to_preserve_is_an_error(tmp_path, make_workspace, decide):
    work = make_workspace(tmp_path, 1)
    decide(work, "ccp-000", decision="discard")
    with pytest.raises(DeoccludeError, match="nobody to preserve"):
        build(work, tmp_path / "AHP", SERIAL)


def test_a_photo_may_hold_a_person_as_large_as_it_is(tmp_path, make_workspace):
    work, out = make_workspace(tmp_path, 1), tmp_path / "AHP"
    candidate = Candidate.from_json((work / "candidates.jsonl").read_text())
    full = np.ones((candidate.height, candidate.width), bool)
    write_atomically(work / "masks" / "ccp-000.png", encode_png(full))
    build(work, out, SERIAL, max_side=64)
    amodal = np.array(Image.open(out / "train" / "Annotations" / "ccp-000.png"))
    assert amodal.shape == (64, round(64 * 97 / 151))
    assert (amodal == 255).all()
