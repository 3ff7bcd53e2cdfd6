"""Samples to be refined, out to CVAT or Label Studio as COCO JSON and back."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pycocotools import mask as run_lengths

from deocclude.ahp.candidate import Candidate
from deocclude.ahp.layout import write_atomically
from deocclude.ahp.review.database import Database
from deocclude.ahp.review.decisions import consensus_of, judgements_of
from deocclude.ahp.review.outline import polygons_of
from deocclude.ahp.review.refined import note_refined
from deocclude.ahp.review.workspace import Workspace
from deocclude.errors import DeoccludeError

_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-")
IMPORTER = "import"


@dataclass(frozen=True)
class ImportReport:
    """Masks that changed; masks that came back as they were; images passed over, each with its reason."""

    changed: int
    unchanged: int
    passed_over: tuple[str, ...]


def export_refine(workspace: Workspace, database: Database, path: Path) -> int:
    """Writes COCO JSON and, beside it, FILE-images/ID.*: one image a sample to be refined. Returns how many.

    Images carry the sample's ID as name, because tools keep names and renumber ids. Every polygon is an
    annotation of its own (some tools read only an annotation's first polygon).
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    folder = path.with_name(f"{path.stem}-images")
    for candidate in _to_refine(workspace, database):
        mask = workspace.mask_of(candidate)
        if mask is None:
            continue
        name = f"{candidate.id}{candidate.photo.suffix.lower()}"
        workspace.photo_of(candidate)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(candidate.photo, folder / name)
        number = len(images) + 1
        images.append({"id": number, "file_name": name, "width": candidate.width, "height": candidate.height})
        annotations += [
            _annotation(polygon, number, len(annotations) + offset, mask.shape)
            for offset, polygon in enumerate(polygons_of(mask), 1)
        ]
    content = {
        "info": {"description": "deocclude: masks to refine"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
    }
    write_atomically(path, json.dumps(content).encode())
    return len(images)


def import_refined(workspace: Workspace, database: Database, path: Path) -> ImportReport:
    """Takes the masks back: an image's annotations together are its sample's new mask; may be run again.

    An image that is no sample to be refined, has no annotation, another size or a damaged annotation is
    passed over, with a reason. Raises DeoccludeError if the file is not COCO JSON.
    """
    images, annotations = _read(path)
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        by_image[annotation.get("image_id")].append(annotation)
    waiting = {one.id: one for one in _to_refine(workspace, database, imported=True)}
    changed = unchanged = 0
    passed_over = []
    for image in images:
        name = str(image.get("file_name", ""))
        candidate = _find(name, waiting)
        if candidate is None:
            passed_over.append(f"{path}: {name}: is no sample to be refined; keep the exported image names")
            continue
        try:
            mask = _merged(image, by_image[image.get("id")], candidate)
        except ValueError as error:
            passed_over.append(f"{path}: {name}: {error}")
            continue
        before = workspace.mask_of(candidate)
        same = before is not None and bool((_rasterised(polygons_of(before), mask.shape) == mask).all())
        if not same:
            workspace.save_mask(candidate, mask)
        with database.transaction() as connection:
            note_refined(
                connection, candidate.id, f"{IMPORTER}-{candidate.id}", IMPORTER, 0.0, IMPORTER, time.time()
            )
        del waiting[candidate.id]
        changed, unchanged = changed + (not same), unchanged + same
    return ImportReport(changed, unchanged, tuple(passed_over))


def _to_refine(workspace: Workspace, database: Database, imported: bool = False) -> list[Candidate]:
    """Samples whose masks wait to be mended; with `imported` also those that an import has mended."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id, start FROM sample s WHERE listed "
            "AND EXISTS (SELECT 1 FROM decision d "
            "  WHERE d.sample = s.id AND decision = 'refine' AND undone IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM refined r "
            "  WHERE r.sample = s.id AND NOT (:imported AND r.source = :importer)) ORDER BY id",
            {"imported": imported, "importer": IMPORTER},
        ).fetchall()
        starts = [
            row["start"] for row in rows if consensus_of(judgements_of(connection, row["id"])) == "refine"
        ]
    return [workspace.candidate_at(start) for start in starts]


def _annotation(polygon: list[float], image: int, number: int, shape: tuple[int, ...]) -> dict[str, Any]:
    encoded = run_lengths.merge(run_lengths.frPyObjects([polygon], *shape))
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "segmentation": [polygon],
        "area": float(run_lengths.area(encoded)),
        "bbox": [float(value) for value in run_lengths.toBbox(encoded)],
        "iscrowd": 0,
    }


def _read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [dict(one) for one in content["images"]], [dict(one) for one in content["annotations"]]
    except OSError as error:
        raise DeoccludeError(f"{path}: {error.strerror}; check the file") from None
    except (ValueError, KeyError, TypeError):
        raise DeoccludeError(
            f"{path}: not COCO JSON with images and annotations; export it again as COCO"
        ) from None


def _find(name: str, waiting: dict[str, Candidate]) -> Candidate | None:
    stem = PurePosixPath(name.replace("\\", "/")).name.rpartition(".")[0]
    return waiting.get(stem) or waiting.get(_UPLOAD_PREFIX.sub("", stem, count=1))


def _merged(image: dict[str, Any], annotations: list[dict[str, Any]], candidate: Candidate) -> np.ndarray:
    height, width = candidate.height, candidate.width
    if (image.get("height"), image.get("width")) != (height, width):
        raise ValueError(f"{image.get('width')}x{image.get('height')}, but its photo is {width}x{height}")
    mask = np.zeros((height, width), dtype=bool)
    for annotation in annotations:
        shape = annotation.get("segmentation")
        try:
            if isinstance(shape, dict) and list(shape["size"]) != [height, width]:
                raise ValueError("run lengths of another size")
            packed = isinstance(shape, dict) and isinstance(shape["counts"], str)
            mask |= run_lengths.decode(shape).astype(bool) if packed else _rasterised(shape, (height, width))
        except Exception as error:  # pycocotools raises bare Exception for input of a wrong kind
            raise ValueError(f"annotation {annotation.get('id', '?')} is damaged ({error})") from None
    if not mask.any():
        raise ValueError("has no mask; draw one, or discard the sample on the page")
    return mask


def _rasterised(shape: Any, size: tuple[int, ...]) -> np.ndarray:
    """bool HxW of COCO polygons or uncompressed run lengths."""
    if not shape:
        return np.zeros(size, dtype=bool)
    encoded = run_lengths.frPyObjects(shape, *size)
    merged = run_lengths.merge(encoded) if isinstance(encoded, list) else encoded
    return np.asarray(run_lengths.decode(merged)).astype(bool)
