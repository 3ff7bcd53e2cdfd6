from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.layout import encode_parsing
from deocclude.ahp.sample import WholePerson
from deocclude.atomic import write_atomically
from deocclude.crops import box_of

MakeWorkspace = Callable[..., Path]


@pytest.fixture
def make_workspace(figures: Sequence[WholePerson]) -> MakeWorkspace:
    """Writes a workspace of `count` people, ccp (with bag and body parts), lspet in turn, all preserved."""

    def make(root: Path, count: int = 8, scale: int = 1) -> Path:
        data, work = root / "data", root / "work"
        work.mkdir(parents=True)
        lines, decisions = {}, {}
        for number in range(count):
            person = figures[number % len(figures)]
            name = f"{number:03d}"
            identity = f"{person.source}-{name}"
            photo, amodal, parsing, unknown = (
                np.kron(image, np.ones((scale, scale, *[1] * (image.ndim - 2)), image.dtype))
                for image in (person.photo, person.amodal, person.parsing, person.unknown)
            )
            path = data / person.source / "photos" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), photo[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if person.source == "ccp":
                tags = (amodal + 2 * unknown).astype(np.uint8)
                write_atomically(data / "ccp" / "labels" / f"{name}.png", encode_parsing(tags))
                write_atomically(work / "parsing" / f"{identity}.png", encode_parsing(parsing))
                (data / "ccp" / "tags.json").write_text(json.dumps(["null", "skin", "bag"]))
            box = box_of(amodal)
            assert box is not None
            candidate = Candidate(identity, person.source, path, *amodal.shape, box, amodal.astype(bool))
            lines[identity] = candidate.to_json()
            decisions[identity] = {"id": identity, "decision": "preserve", "auto": False, "refined": False}
        write_lines(work / "candidates.jsonl", [lines[identity] for identity in sorted(lines)])
        write_lines(work / "decisions.jsonl", [json.dumps(decisions[key]) for key in sorted(decisions)])
        return work

    return make


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def tree() -> Callable[[Path], dict[str, str]]:
    """sha256 of every file below a folder."""

    def digests(root: Path) -> dict[str, str]:
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return digests


@pytest.fixture
def decide() -> Callable[..., None]:
    """Changes fields of lines in `decisions.jsonl`: decide(work, 'ccp-000', decision='discard')."""

    def change(work: Path, identity: str, **fields: object) -> None:
        path = work / "decisions.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert any(record["id"] == identity for record in records)
        changed = [record | fields if record["id"] == identity else record for record in records]
        write_lines(path, [json.dumps(record) for record in changed])

    return change


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two photos with two clean cut-outs each, one of a person; a third photo without its file."""
    root = tmp_path / "coco"
    rng = np.random.default_rng(3)
    images, annotations = [], []
    for number in (1, 2, 3):
        name = f"{number:012d}.jpg"
        images.append({"id": number, "file_name": name, "height": 301, "width": 403})
        if number < 3:
            (root / "images").mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (301, 403, 3), np.uint8)).save(root / "images" / name)
        for place, category in enumerate((1, 18)):
            left, top, width, height = 20 + 190 * place, 30, 110 + 7 * number, 211
            ring = [left, top, left + width, top, left + width, top + height, left, top + height]
            annotations.append(
                {
                    "id": 10 * number + place, "image_id": number, "category_id": category, "iscrowd": 0,
                    "bbox": [left, top, width, height], "segmentation": [ring],
                }
            )  # fmt: skip
    categories = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
    (root / "annotations").mkdir()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations" / "instances.json").write_text(json.dumps(content))
    return root
