"""An unoccluded person and a cut-out -> an occluded person with full ground truth (section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from deocclude.ahp.density import Bin, RatioDensity, in_bin
from deocclude.ahp.sample import Occluder, OcclusionSample, WholePerson
from deocclude.crops import Box, box_of, rows_and_columns

PERSON = "person"
"""The category of occluders that are people."""

_COARSE = 96
_BISECTIONS = 9
_EXACT_BISECTIONS = 8


class NotInBin(ValueError):
    """No placement of this occluder over this person was found whose ratio lies in the bin."""


@dataclass(frozen=True)
class SynthesisSettings:
    """How occluders are placed and pasted."""

    hard: bool = False
    """Binary alpha and untouched colours, as the paper pastes; else feathered and matched to the scene."""
    tries: int = 6
    """Placements tried before `NotInBin`."""
    sizes: tuple[float, float] = (0.25, 1.3)
    """Long side of the occluder over the long side of the person: least and most."""
    most_enlarged: float = 3.0
    """Cut-outs are enlarged at most so much."""
    person_share: float = 0.3
    """Share of samples of `draw_sample` whose occluder is another whole person of the same split."""


DEFAULT = SynthesisSettings()


@dataclass(frozen=True)
class Placement:
    """The occluder resized by `scale`, its top left corner at (x, y) of the photo."""

    scale: float
    x: float
    y: float

    def between(self, other: Placement, share: float) -> Placement:
        """Part of the way from this placement to another."""
        return Placement(
            self.scale + share * (other.scale - self.scale),
            self.x + share * (other.x - self.x),
            self.y + share * (other.y - self.y),
        )


def person_as_occluder(person: WholePerson) -> Occluder:
    """The cut-out of a whole person."""
    box = box_of(person.amodal)
    assert box is not None
    part = rows_and_columns(box)
    return Occluder(f"person-{person.id}", PERSON, person.photo[part], person.amodal[part])


def _stamp(
    values: np.ndarray, placement: Placement, shape: tuple[int, ...], *, labels: bool = False
) -> tuple[slice, slice, np.ndarray] | None:
    """Rows and columns of a photo of that shape that the resized values fall on, and that part of them.

    values: uint8 hxw or hxwx3: alpha, colours, or labels, which are not mixed. None beside the photo.
    """
    height = max(1, round(values.shape[0] * placement.scale))
    width = max(1, round(values.shape[1] * placement.scale))
    x, y = round(placement.x), round(placement.y)
    top, bottom = max(0, y), min(shape[0], y + height)
    left, right = max(0, x), min(shape[1], x + width)
    if bottom <= top or right <= left:
        return None
    mixed = cv2.INTER_AREA if placement.scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST if labels else mixed)
    return slice(top, bottom), slice(left, right), resized[top - y : bottom - y, left - x : right - x]


def placed(
    values: np.ndarray, placement: Placement, shape: tuple[int, ...], *, labels: bool = False
) -> np.ndarray:
    """uint8 HxW: the values of a cut-out (uint8 hxw) where they come to lie in a photo, 0 elsewhere."""
    photo = np.zeros(shape, np.uint8)
    fallen = _stamp(values, placement, shape, labels=labels)
    if fallen is not None:
        rows, columns, part = fallen
        photo[rows, columns] = part
    return photo


def _ratio(amodal: np.ndarray, area: int, alpha: np.ndarray, placement: Placement) -> float:
    fallen = _stamp(alpha, placement, amodal.shape)
    if fallen is None:
        return 0.0
    rows, columns, part = fallen
    return int(np.count_nonzero(amodal[rows, columns] & (part >= 128))) / area


def _bisect(
    ratio_of: Callable[[Placement], float], least: Placement, most: Placement, target: float, steps: int
) -> tuple[Placement, Placement]:
    """Two close placements, the first below the target and the second not."""
    for _ in range(steps):
        middle = least.between(most, 0.5)
        if ratio_of(middle) < target:
            least = middle
        else:
            most = middle
    return least, most


def _range_of_placements(
    amodal: np.ndarray,
    mask: np.ndarray,
    scales: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[Placement, Placement]:
    """Two placements, from hardly covering to covering much: growing on the spot, or sliding in.

    A random pixel of the occluder lies on a random pixel of the body.
    """
    body = np.flatnonzero(amodal)
    y, x = divmod(int(body[rng.integers(body.size)]), amodal.shape[1])
    inside = np.flatnonzero(mask)
    v, u = divmod(int(inside[rng.integers(inside.size)]), mask.shape[1])
    low, high = scales
    if rng.random() < 0.4:
        return Placement(low, x - u * low, y - v * low), Placement(high, x - u * high, y - v * high)
    scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    most = Placement(scale, x - u * scale, y - v * scale)
    angle = rng.uniform(0, 2 * np.pi)
    far = float(np.hypot(*amodal.shape)) + scale * float(np.hypot(*mask.shape))
    return Placement(scale, most.x + far * np.cos(angle), most.y + far * np.sin(angle)), most


def find_placement(
    amodal: np.ndarray,
    alpha: np.ndarray,
    ratio_bin: Bin,
    rng: np.random.Generator,
    settings: SynthesisSettings,
) -> Placement:
    """Where the alpha (uint8 hxw) hides a share of the body (bool HxW) in the bin. Raises `NotInBin`."""
    area = int(amodal.sum())
    rows, columns = np.nonzero(amodal)
    long_side = int(max(rows.max() - rows.min(), columns.max() - columns.min())) + 1
    left, top, right, bottom = box_of(alpha > 0) or (0, 0, 1, 1)
    occluder_side = max(right - left, bottom - top)
    high = min(settings.sizes[1] * long_side / occluder_side, settings.most_enlarged)
    low = min(settings.sizes[0] * long_side / occluder_side, high)
    zoom = min(1.0, _COARSE / long_side)
    size = max(1, round(amodal.shape[1] * zoom)), max(1, round(amodal.shape[0] * zoom))
    coarse = cv2.resize(amodal.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
    shrink = min(1.0, high * zoom)
    small = cv2.resize(alpha, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    coarse_area = int(coarse.sum())
    if coarse_area == 0 or not (small >= 128).any():
        raise NotInBin("the person or the occluder is too small")
    margin = 0.1 * (ratio_bin[1] - ratio_bin[0])
    for _ in range(settings.tries):
        target = float(rng.uniform(ratio_bin[0] + margin, ratio_bin[1] - margin))
        scales = low * zoom / shrink, high * zoom / shrink
        least, most = _range_of_placements(coarse, small >= 128, scales, rng)

        def coarse_ratio(placement: Placement) -> float:
            return _ratio(coarse, coarse_area, small, placement)

        if coarse_ratio(most) < target or coarse_ratio(least) >= target:
            continue
        least, most = _bisect(coarse_ratio, least, most, target, _BISECTIONS)
        found = _refine(
            amodal,
            area,
            alpha,
            _to_full(least, zoom, shrink),
            _to_full(most, zoom, shrink),
            target,
            ratio_bin,
        )
        if found is not None:
            return found
    raise NotInBin(f"no placement in ({ratio_bin[0]}, {ratio_bin[1]}] after {settings.tries} tries")


def _to_full(placement: Placement, zoom: float, shrink: float) -> Placement:
    return Placement(placement.scale * shrink / zoom, placement.x / zoom, placement.y / zoom)


def _refine(
    amodal: np.ndarray,
    area: int,
    alpha: np.ndarray,
    least: Placement,
    most: Placement,
    target: float,
    ratio_bin: Bin,
) -> Placement | None:
    """A placement near the coarse answer whose exact ratio lies in the bin."""
    least, most = most.between(least, 3.0), least.between(most, 3.0)
    for _ in range(_EXACT_BISECTIONS):
        middle = least.between(most, 0.5)
        exact = _ratio(amodal, area, alpha, middle)
        if in_bin(exact, ratio_bin):
            return middle
        if exact < target:
            least = middle
        else:
            most = middle
    return None


def with_rim(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cut-out with empty space around it for the feather, which a tight cut-out lacks."""
    rim = 4 + max(mask.shape) // 16
    sides = rim, rim, rim, rim
    wide = cv2.copyMakeBorder(image, *sides, cv2.BORDER_REPLICATE)
    return wide, cv2.copyMakeBorder(mask.astype(np.uint8), *sides, cv2.BORDER_CONSTANT, value=0) > 0


def _matched(
    patch: np.ndarray, weight: np.ndarray, scene: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """float32 colours of the cut-out, part of the way towards the scene's brightness, tint and contrast."""
    pixels = patch.astype(np.float32)
    total = max(1.0, float(weight.sum()))
    mean = (pixels * weight[..., None]).sum(axis=(0, 1)) / total
    spread = float(np.sqrt((((pixels - mean) ** 2).mean(axis=2) * weight).sum() / total))
    wanted_mean = scene.reshape(-1, 3).mean(axis=0)
    wanted_spread = float(scene.std())
    share = float(rng.uniform(0.0, 0.5))
    gain = (np.clip(wanted_spread / max(1.0, spread), 0.6, 1.6)) ** share
    return np.asarray((pixels - mean) * gain + mean + share * (wanted_mean - mean), dtype=np.float32)


def _bled(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The cut-out with the colours of its rim replaced by those just inside, so no old background shows."""
    core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    if not core.any():
        return image
    weight = cv2.blur(core.astype(np.float32), (7, 7))
    colours = cv2.blur(image.astype(np.float32) * core[..., None], (7, 7))
    filled = colours / np.maximum(weight, 1e-3)[..., None]
    rim = (core == 0) & (weight > 0.01)
    return np.where(rim[..., None], np.clip(filled, 0, 255).astype(np.uint8), image)


def occlude(
    person: WholePerson,
    occluder: Occluder,
    ratio_bin: Bin,
    rng: np.random.Generator,
    settings: SynthesisSettings = DEFAULT,
) -> OcclusionSample:
    """Pastes the occluder, scaled, flipped and placed so that the exact ratio lies in the bin (low, high].

    A pixel is hidden where alpha is at least one half. Pixels with alpha 0 keep their exact colours.
    Raises `NotInBin` if no such placement is found; never returns a ratio outside the bin.
    """
    image, mask = occluder.image, occluder.mask
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    image, mask = with_rim(image, mask)
    alpha = mask.astype(np.uint8) * 255
    placement = find_placement(person.amodal, alpha, ratio_bin, rng, settings)
    return pasted(person, occluder, image, mask, placement, rng, hard=settings.hard)[0]


def pasted(
    person: WholePerson,
    occluder: Occluder,
    image: np.ndarray,
    mask: np.ndarray,
    placement: Placement,
    rng: np.random.Generator,
    *,
    hard: bool = False,
) -> tuple[OcclusionSample, Box]:
    """The person behind a cut-out, and the box of the photo outside which it is the photo itself.

    image, mask: the occluder as it is pasted, flipped or turned, of `with_rim`. A pixel is hidden where the
    resized alpha is at least one half. The ratio may be anything in [0, 1], also 0 with an empty box where
    the cut-out lies beside the photo. rng: draws feather and colours. hard: as in `SynthesisSettings`.
    """
    occluded, hidden, box = with_cut_out(person.photo, image, mask, placement, rng, hard=hard)
    modal, invisible = person.amodal & ~hidden, person.amodal & hidden
    sample = OcclusionSample(
        id=person.id,
        source=person.source,
        occluder_id=occluder.id,
        occluder_category=occluder.category,
        occluded=occluded,
        original=person.photo,
        modal=modal,
        amodal=person.amodal,
        invisible=invisible,
        parsing_modal=np.where(modal, person.parsing, 0).astype(np.uint8),
        parsing_amodal=person.parsing,
        unknown=person.unknown,
        ratio=int(invisible.sum()) / int(person.amodal.sum()),
        complete=person.complete,
        in_front=person.in_front,
    )
    return sample, box


def with_cut_out(
    photo: np.ndarray,
    image: np.ndarray,
    mask: np.ndarray,
    placement: Placement,
    rng: np.random.Generator,
    *,
    hard: bool = False,
) -> tuple[np.ndarray, np.ndarray, Box]:
    """A copy of the photo with the cut-out in it, what the cut-out covers (bool HxW), and the box changed.

    photo: uint8 HxWx3. The others as in `pasted`.
    """
    photo, covered = photo.copy(), np.zeros(photo.shape[:2], bool)
    alpha = _stamp(mask.astype(np.uint8) * 255, placement, covered.shape)
    colours = _stamp(image, placement, covered.shape)
    if alpha is None or colours is None:
        return photo, covered, (0, 0, 0, 0)
    rows, columns, part = alpha
    covers = part >= 128
    target = photo[rows, columns]
    if hard:
        target[covers] = colours[2][covers]
    else:
        soft = _feathered(part, rng)
        front = _matched(_bled(colours[2], covers), soft, photo, rng)
        mixed = target + soft[..., None] * (front - target)
        target[:] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    covered[rows, columns] = covers
    return photo, covered, (columns.start, rows.start, columns.stop, rows.stop)


def _feathered(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32 alpha in [0, 1] with a ramp 1-2 px wide, at least one half exactly where `part` is."""
    sigma = float(rng.uniform(0.5, 1.1))
    soft = cv2.GaussianBlur(part, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(np.float32) / 255
    return np.where(part >= 128, np.maximum(soft, 0.5), np.minimum(soft, 0.49)).astype(np.float32)


def draw_sample(
    people: Sequence[WholePerson],
    occluders: Sequence[Occluder],
    density: RatioDensity,
    seed: int,
    index: int,
    settings: SynthesisSettings = DEFAULT,
    change: Callable[[WholePerson, np.random.Generator], WholePerson] | None = None,
) -> tuple[OcclusionSample, np.random.Generator]:
    """Sample `index` of an endless series; it depends on (seed, index) alone.

    A person, a bin and an occluder are drawn; where they do not fit, other occluders and then other people
    are tried for the same bin. `change` alters the person before the paste (framing, augmentation). Also
    returns the generator, for whatever else the sample needs.
    """
    rng = np.random.default_rng([seed, index])
    ratio_bin = density.draw(rng)
    for _ in range(20):
        chosen = int(rng.integers(len(people)))
        person = people[chosen]
        if change is not None:
            person = change(person, rng)
        for _ in range(5):
            occluder = draw_occluder(people, chosen, occluders, rng, settings)
            try:
                return occlude(person, occluder, ratio_bin, rng, settings), rng
            except NotInBin:
                continue
    raise NotInBin(f"sample {index} of seed {seed}: no person and occluder fit ratio bin {ratio_bin}")


def draw_occluder(
    people: Sequence[WholePerson],
    chosen: int,
    occluders: Sequence[Occluder],
    rng: np.random.Generator,
    settings: SynthesisSettings,
) -> Occluder:
    """A cut-out, or another person of the same split than person `chosen`."""
    if len(people) > 1 and rng.random() < settings.person_share:
        other = int(rng.integers(len(people) - 1))
        return person_as_occluder(people[other + (other >= chosen)])
    return occluders[int(rng.integers(len(occluders)))]
