from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running_review import Review

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.review.workspace import Workspace
from deocclude.ahp.sample import WholePerson
from deocclude.crops import box_of

JOINTS_OF_LSP = 14


def whole_joints(mask: np.ndarray) -> np.ndarray:
    """14 visible joints, all on the mask."""
    rows, columns = np.nonzero(mask)
    chosen = np.linspace(0, len(rows) - 1, JOINTS_OF_LSP).astype(int)
    return np.stack([columns[chosen], rows[chosen], np.full(JOINTS_OF_LSP, 2)], axis=1).astype(np.float64)


@pytest.fixture(scope="session")
def make_workspace(figures: list[WholePerson]) -> Callable[[Path, int], Workspace]:
    """Writes a workspace of `count` whole people, eight different ones in turn."""

    def make(root: Path, count: int) -> Workspace:
        root.mkdir(parents=True, exist_ok=True)
        lines = []
        for number in range(count):
            person = figures[number % len(figures)]
            photo = root / f"photo-{number % len(figures)}.png"
            if not photo.exists():
                Image.fromarray(person.photo).save(photo)
            height, width = person.amodal.shape
            box = box_of(person.amodal)
            assert box is not None
            joints = whole_joints(person.amodal)
            identity = f"made-{number:03d}"
            mask = person.amodal
            lines.append(
                Candidate(identity, "made", photo, height, width, box, mask, joints).to_json() + "\n"
            )
        (root / "candidates.jsonl").write_text("".join(lines))
        return Workspace(root)

    return make


@pytest.fixture
def review(make_workspace: Callable[[Path, int], Workspace], tmp_path: Path) -> Iterator[Review]:
    running = Review(make_workspace(tmp_path / "work", 9))
    yield running
    running.stop()
