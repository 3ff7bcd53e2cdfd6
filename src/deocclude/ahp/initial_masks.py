"""Initial masks as wrong as those of N_i: measured on composites, then reproduced (section 3.2).

An initial mask errs in four ways, each a share that can be measured and set: it covers part of the hidden
body (painting over the occluder), covers part of the occluder beside the body, misses part of the visible
body, and spills onto the background.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np

from deocclude.ahp.sample import OcclusionSample
from deocclude.crops import box_of
from deocclude.errors import DeoccludeError
from deocclude.overlap import iou
from deocclude.parsing import UNLABELLED
from deocclude.people.person import LEAST_MATCH, DetectedPerson, PersonSource

_FILE = "initial_mask_errors.json"
_WORKING_SIDE = 128
_NEIGHBOURS = 40
_PIXELS_CHANGED = 8
_MASK_GRID = 28
_MASK_GRID_SHARE = 0.25
_LARGE_GAP = 0.06


@dataclass(frozen=True)
class MaskError:
    """What is wrong with one initial mask.

    ratio: occlusion ratio of the composite. hidden: share of the hidden body that the mask covers. occluder:
    share of the visible occluder outside the body that it covers. missing: share of the visible body that it
    lacks. spill: area on the background over the area of the visible body. All but spill are in [0, 1].
    """

    ratio: float
    hidden: float
    occluder: float
    missing: float
    spill: float


@dataclass(frozen=True)
class InitialMaskErrors:
    """Errors of N_i on many composites. not_found: share of people without any matching detection."""

    source: str
    errors: tuple[MaskError, ...]
    not_found: float
    iou_quantiles: tuple[float, ...]
    """IoU of the initial with the true modal mask at quantiles 0, 0.1, ..., 1."""

    def draw(self, ratio: float, rng: np.random.Generator) -> MaskError:
        """One measured error, from the composites of about the same ratio."""
        ratios = np.array([error.ratio for error in self.errors])
        nearest = np.argsort(np.abs(ratios - ratio), kind="stable")[:_NEIGHBOURS]
        return self.errors[int(nearest[rng.integers(nearest.size)])]

    def to_json(self) -> str:
        """Compact JSON, one error a line."""
        rows = [
            [round(v, 4) for v in (e.ratio, e.hidden, e.occluder, e.missing, e.spill)] for e in self.errors
        ]
        head = {"source": self.source, "not_found": round(self.not_found, 4)}
        head["iou_quantiles"] = [round(value, 4) for value in self.iou_quantiles]
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        return json.dumps(head)[:-1] + ', "errors": [\n  ' + lines + "\n]}\n"

    @classmethod
    def from_json(cls, text: str) -> InitialMaskErrors:
        """Inverse of `to_json`. Raises ValueError, KeyError or TypeError if malformed."""
        content = json.loads(text)
        return cls(
            content["source"],
            tuple(MaskError(*row) for row in content["errors"]),
            content["not_found"],
            tuple(content["iou_quantiles"]),
        )


@cache
def measured_errors() -> InitialMaskErrors:
    """The errors of BlazePose, as measured and shipped with the package."""
    text = resources.files("deocclude.ahp").joinpath(_FILE).read_text()
    try:
        return InitialMaskErrors.from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise DeoccludeError(f"{_FILE}: malformed ({error}); install deocclude again") from None


def visible_occluder(sample: OcclusionSample) -> np.ndarray:
    """bool HxW: where the composite differs from the original outside the body."""
    red, green, blue = cv2.split(cv2.absdiff(sample.occluded, sample.original))
    changed = cv2.max(cv2.max(red, green), blue) > _PIXELS_CHANGED
    return changed & ~sample.amodal


def occluder_in(sample: OcclusionSample) -> np.ndarray:
    """bool HxW: all of the occluder that the photo shows, in front of the body and beside it."""
    return visible_occluder(sample) | sample.invisible


def match(people: Iterable[DetectedPerson], modal: np.ndarray) -> DetectedPerson | None:
    """The detection with the highest IoU with the true modal mask; None if below `LEAST_MATCH`."""
    best = max(people, key=lambda person: iou(person.mask, modal), default=None)
    return best if best is not None and iou(best.mask, modal) >= LEAST_MATCH else None


def error_of(mask: np.ndarray, sample: OcclusionSample) -> MaskError:
    """The error of an initial mask (bool HxW) of the sample."""
    beside = visible_occluder(sample)
    visible = max(1, int(sample.modal.sum()))
    return MaskError(
        sample.ratio,
        float((mask & sample.invisible).sum() / max(1, sample.invisible.sum())),
        float((mask & beside).sum() / max(1, beside.sum())),
        float((sample.modal & ~mask).sum() / visible),
        float((mask & ~sample.amodal & ~beside).sum() / visible),
    )


def measure_initial_masks(samples: Iterable[OcclusionSample], source: PersonSource) -> InitialMaskErrors:
    """Runs N_i on composites and compares its masks with the truth."""
    errors, ious, count = [], [], 0
    for sample in samples:
        count += 1
        found = match(source(sample.occluded), sample.modal)
        if found is not None:
            errors.append(error_of(found.mask, sample))
            ious.append(iou(found.mask, sample.modal))
    if not errors:
        raise ValueError(f"{source.name} found nobody in {count} composites")
    quantiles = tuple(float(value) for value in np.quantile(ious, np.linspace(0, 1, 11)))
    return InitialMaskErrors(source.name, tuple(errors), 1 - len(errors) / count, quantiles)


def corrupt(
    sample: OcclusionSample, rng: np.random.Generator, errors: InitialMaskErrors | None = None
) -> np.ndarray:
    """A simulated initial mask (bool HxW, never empty unless modal is), its errors drawn from `errors`."""
    error = (errors or measured_errors()).draw(sample.ratio, rng)
    beside = visible_occluder(sample)
    box = box_of(sample.amodal | beside)
    assert box is not None
    height, width = sample.amodal.shape
    reach = max(4, round(0.08 * max(box[2] - box[0], box[3] - box[1])))
    rows = slice(max(0, box[1] - reach), min(height, box[3] + reach))
    columns = slice(max(0, box[0] - reach), min(width, box[2] + reach))
    shape = rows.stop - rows.start, columns.stop - columns.start
    zoom = min(1.0, _WORKING_SIDE / max(shape))
    size = max(1, round(shape[1] * zoom)), max(1, round(shape[0] * zoom))

    def shrunk(mask: np.ndarray) -> np.ndarray:
        cut = mask[rows, columns].astype(np.uint8) * 255
        return cv2.resize(cut, size, interpolation=cv2.INTER_AREA) >= 128

    parsing = cv2.resize(
        np.ascontiguousarray(sample.parsing_modal[rows, columns]), size, interpolation=cv2.INTER_NEAREST
    )
    small = _erroneous(shrunk(sample.modal), shrunk(sample.invisible), shrunk(beside), parsing, error, rng)
    if not small.any():
        return sample.modal
    mask = np.zeros_like(sample.modal)
    mask[rows, columns] = _enlarged(small, shape, rng)
    return mask if mask.any() else sample.modal


def _enlarged(small: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The smoothed mask at full size; now and then through the 28x28 grid that mask heads predict on."""
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), float(rng.uniform(0.8, 1.6)))
    box = box_of(small)
    if box is not None and rng.random() < _MASK_GRID_SHARE:
        left, top, right, bottom = box
        grid = cv2.resize(
            soft[top:bottom, left:right], (_MASK_GRID, _MASK_GRID), interpolation=cv2.INTER_AREA
        )
        soft = np.zeros_like(soft)
        soft[top:bottom, left:right] = cv2.resize(grid, (right - left, bottom - top))
    return cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) >= 0.5


def _erroneous(
    modal: np.ndarray,
    invisible: np.ndarray,
    beside: np.ndarray,
    parsing: np.ndarray,
    error: MaskError,
    rng: np.random.Generator,
) -> np.ndarray:
    body = modal | invisible
    noise = _smooth_noise(modal.shape, rng)
    scale = max(1.0, float(np.sqrt(modal.sum())))
    outside = _distance(~body) / scale
    order = _gap_order(modal, body, parsing, error.missing, noise, rng)
    mask = modal & ~_first(modal, error.missing, order)
    mask |= _first(invisible, error.hidden, _distance(~modal) / scale + 0.5 * noise)
    mask |= _first(beside, error.occluder, outside + 0.2 * noise)
    background = ~body & ~beside
    share = error.spill * modal.sum() / max(1, background.sum())
    mask |= _first(background, min(1.0, share), outside + 0.04 * noise)
    return np.asarray(mask)


def _first(region: np.ndarray, share: float, order: np.ndarray) -> np.ndarray:
    """The given share of the region's pixels, those lowest in `order`."""
    chosen = np.zeros_like(region)
    where = np.flatnonzero(region)
    count = round(share * where.size)
    if count > 0:
        picked = np.argpartition(order.ravel()[where], count - 1)[:count]
        chosen.ravel()[where[picked]] = True
    return chosen


def _gap_order(
    modal: np.ndarray,
    body: np.ndarray,
    parsing: np.ndarray,
    share: float,
    noise: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Which visible pixels go first: the rim for a small gap; a body part or an extremity for a large one."""
    scale = max(1.0, float(np.sqrt(modal.sum())))
    rim = _distance(body) / scale + 0.04 * noise
    kind = rng.random()
    if share < _LARGE_GAP or kind < 0.3:
        return rim
    parts = np.unique(parsing[modal & (parsing > 0) & (parsing != UNLABELLED)])
    if parts.size and kind < 0.65:
        part = modal & (parsing == parts[rng.integers(parts.size)])
        return np.asarray(_distance(~part) / scale + 0.3 * rim)
    rows, columns = np.indices(modal.shape)
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray((np.cos(angle) * columns + np.sin(angle) * rows) / scale + 0.3 * noise)


def _distance(mask: np.ndarray) -> np.ndarray:
    """float32 distance of each pixel of the mask to the nearest pixel outside it; 0 outside."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)


def _smooth_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """float32 noise of low frequency, about unit variance."""
    cells = int(rng.integers(4, 12))
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
