from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from torch import nn

from deocclude.crops import SquareWindow
from deocclude.errors import DeoccludeError
from deocclude.mask_completion.network import MaskPrediction
from deocclude.parsing import UNLABELLED, mirror
from deocclude.people.person import SURE, DetectedPerson
from deocclude.pipeline import Deoccluder, choose_device
from deocclude.stage_maps import Look, Maps
from deocclude.stage_patches import _slivers, _specks, on_edges

SIZE, STRIDE = 64, 8
LEFT_ARM = 14


class GrowingMasks(nn.Module):
    """Modal: the initial mask. Amodal: all within `reach` cells of it. Upper half face, lower half pants."""

    def __init__(self, reach=5, modal_bias=0.0, unguided=0.0):
        super().__init__()
        self.config = SimpleNamespace(size=SIZE, stride=STRIDE, unguided=unguided)
        self.reach, self.modal_bias = reach, modal_bias
        self.batches = []

    def forward(self, image, initial):
        side = image.shape[-1]
        assert side in (SIZE - STRIDE, SIZE)
        assert image.shape[1:] == (3, side, side)
        assert initial.shape[1:] == (1, side, side)
        assert set(initial.unique().tolist()) <= {0.0, 1.0}
        assert 0 <= image.min() <= image.max() <= 1
        self.batches.append(len(image))
        grown = nn.functional.max_pool2d(initial, 2 * self.reach + 1, 1, self.reach)
        parts = torch.zeros(len(image), 20, side, side)
        parts[:, 13, : side // 2] = 5
        parts[:, 9, side // 2 :] = 5
        return MaskPrediction((initial - 0.5) * 20 + self.modal_bias, (grown - 0.5) * 20, parts, parts)


class OneColour(nn.Module):
    """Paints (1.0, 0.0, 0.6) everywhere and remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(size=128)
        self.seen = []

    def forward(self, image, visible, amodal, parsing_modal, parsing_amodal):
        assert image.shape[1:] == (3, 128, 128)
        assert parsing_modal.dtype == parsing_amodal.dtype == torch.int64
        assert (visible <= amodal).all()
        assert ((amodal - visible).sum(dim=(1, 2, 3)) > 0).all()
        self.seen.append(len(image))
        return torch.tensor([1.0, 0.0, 0.6])[None, :, None, None].expand(len(image), 3, 128, 128)


def ellipse(height, width, centre, axes):
    canvas = np.zeros((height, width), np.uint8)
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, 1, -1)
    return canvas > 0


def photo_of(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def person(height, width, centre, axes, **more):
    return DetectedPerson(ellipse(height, width, centre, axes), 0.9, **more)


class Source:
    name = "source"

    def __init__(self, people):
        self.people = people

    def __call__(self, photo):
        return self.people


def deoccluder(masks=None, people=None):
    return Deoccluder(people, masks or GrowingMasks(), OneColour(), exemplars=False)


@pytest.mark.parametrize(
    ("height", "width", "centre", "axes"),
    [
        (97, 131, (60, 50), (20, 33)),
        (240, 320, (10, 120), (40, 90)),
        (333, 200, (199, 332), (120, 200)),
        (400, 17, (8, 200), (6, 150)),
        (600, 800, (400, 300), (150, 280)),
    ],
)
def test_masks_are_nested_and_nothing_else_changes(height, width, centre, axes):
    photo = photo_of(height, width)
    given = person(height, width, centre, axes)
    (one,) = deoccluder()(photo, [given]).people
    for mask in (one.initial, one.modal, one.amodal, one.invisible):
        assert mask.dtype == np.bool_
        assert mask.shape == (height, width)
    np.testing.assert_array_equal(one.initial, given.mask)
    assert not (one.modal & ~one.amodal).any()
    np.testing.assert_array_equal(one.invisible, one.amodal & ~one.modal)
    assert one.invisible.any()
    assert one.occlusion_ratio == pytest.approx(one.invisible.sum() / one.amodal.sum())
    overlap = (one.modal & given.mask).sum() / (one.modal | given.mask).sum()
    assert overlap > 0.8 if min(axes) > 6 else overlap > 0.5

    assert one.recovered.dtype == np.uint8
    np.testing.assert_array_equal(one.recovered[~one.invisible], photo[~one.invisible])
    assert (one.recovered[one.invisible] == (255, 0, 153)).all()

    assert one.cutout.shape == (height, width, 4)
    np.testing.assert_array_equal(one.cutout[..., 3], one.amodal * 255)
    np.testing.assert_array_equal(one.cutout[one.amodal][:, :3], one.recovered[one.amodal])
    assert not one.cutout[~one.amodal].any()


def test_body_parts_fill_their_masks_and_no_more():
    (one,) = deoccluder()(photo_of(300, 211), [person(300, 211, (100, 150), (40, 110))]).people
    for parsing, mask in ((one.parsing_modal, one.modal), (one.parsing_amodal, one.amodal)):
        assert parsing.dtype == np.uint8
        assert set(np.unique(parsing[mask])) == {9, 13}
        assert not parsing[~mask].any()
    assert (one.parsing_amodal[:140][one.amodal[:140]] == 13).all()
    assert (one.parsing_amodal[160:][one.amodal[160:]] == 9).all()


def test_the_given_photo_is_left_alone():
    photo = photo_of(120, 100)
    before = photo.copy()
    (one,) = deoccluder()(photo, [person(120, 100, (50, 60), (20, 40))]).people
    one.recovered[:] = 0
    one.modal[:] = True
    np.testing.assert_array_equal(photo, before)
    assert not one.modal.all()


def roughness(mask):
    """How far the contour turns altogether, in full turns, seen in steps of 8 pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)[:, 0].astype(float)
    angle = np.unwrap(np.arctan2(*np.diff(contour[::8], axis=0).T))
    return np.abs(np.diff(angle)).sum() / (2 * np.pi)


def test_edges_are_smooth_in_large_photos():
    given = person(1800, 1500, (750, 900), (350, 819))
    (one,) = deoccluder()(photo_of(1800, 1500), [given]).people
    blocks = cv2.resize(
        cv2.resize(given.mask.astype(np.uint8), (46, 56), interpolation=cv2.INTER_AREA),
        (1500, 1800),
        interpolation=cv2.INTER_NEAREST,
    )
    for mask in (one.modal, one.amodal):
        assert roughness(mask) < 0.4 * roughness(blocks > 0)
        assert roughness(mask) < 1.4 * roughness(given.mask)


def test_people_are_numbered_from_the_largest_and_batched():
    people = [person(300, 500, (40 + 45 * i, 150), (8 + i, 30 + 5 * i)) for i in range(10)]
    masks = GrowingMasks()
    cascade = deoccluder(masks)
    result = cascade(photo_of(300, 500), people)
    areas = [one.initial.sum() for one in result.people]
    assert areas == sorted(areas, reverse=True)
    assert len(result.people) == 10
    assert masks.batches == [4] * 4 + [4] * 4 + [2] * 4
    (alone,) = cascade(photo_of(300, 500), [people[3]]).people
    same = next(one for one in result.people if one.box == alone.box)
    np.testing.assert_array_equal(same.amodal, alone.amodal)


def test_nothing_hidden_nothing_painted():
    cascade = deoccluder(GrowingMasks(reach=0))
    photo = photo_of(200, 150)
    (one,) = cascade(photo, [person(200, 150, (75, 100), (30, 60))]).people
    assert not one.invisible.any()
    assert one.occlusion_ratio == 0
    np.testing.assert_array_equal(one.recovered, photo)


def test_an_empty_modal_prediction_keeps_the_initial_mask():
    cascade = deoccluder(GrowingMasks(modal_bias=-100.0))
    given = person(200, 150, (75, 100), (30, 60))
    (one,) = cascade(photo_of(200, 150), [given]).people
    np.testing.assert_array_equal(one.modal, given.mask)
    assert not (one.modal & ~one.amodal).any()
    assert (one.parsing_modal[one.modal] != 0).all()


@pytest.mark.parametrize(("logit", "clear"), [(1.5, False), (2.0, True)])
def test_whoever_is_not_seen_clearly_keeps_the_initial_mask(logit, clear):
    masks = Looking([lambda seen: seen._replace(modal=torch.full_like(seen.modal, logit))] * 4)
    given = person(200, 150, (75, 100), (30, 60))
    (one,) = deoccluder(masks)(photo_of(200, 150), [given]).people
    assert (one.modal.sum() > 1.3 * given.mask.sum()) == clear
    assert clear or np.array_equal(one.modal, given.mask)
    assert not (one.modal & ~one.amodal).any()


def test_a_network_that_sees_nothing_at_all():
    class Blind(GrowingMasks):
        def forward(self, image, initial):
            minus = torch.full_like(initial, -9)
            parts = torch.zeros(len(image), 20, SIZE, SIZE)
            return MaskPrediction(minus, minus, parts, parts)

    given = person(200, 150, (75, 100), (30, 60))
    (one,) = deoccluder(Blind())(photo_of(200, 150), [given]).people
    np.testing.assert_array_equal(one.amodal, given.mask)
    assert (one.parsing_amodal[given.mask] == UNLABELLED).all()


@pytest.mark.parametrize("mask_at", [(0, 0), (119, 99)])
def test_a_person_of_one_pixel(mask_at):
    mask = np.zeros((120, 100), bool)
    mask[mask_at] = True
    (one,) = deoccluder()(photo_of(120, 100), [DetectedPerson(mask, 1.0)]).people
    assert one.amodal.any()
    assert not (one.modal & ~one.amodal).any()


def window_of(given, height, width):
    seen = {}

    class Spy(GrowingMasks):
        def forward(self, image, initial):
            seen.setdefault("mask", initial.mean().item())
            return super().forward(image, initial)

    deoccluder(Spy())(photo_of(height, width), [given])
    return np.sqrt(given.mask.sum() / seen["mask"])


def test_landmarks_widen_the_window_within_reason():
    mask = ellipse(800, 800, (400, 200), (60, 60))
    landmarks = np.tile(np.float32([400, 200, 0.1]), (33, 1))
    alone = window_of(DetectedPerson(mask, 1.0), 800, 800)
    assert window_of(DetectedPerson(mask, 1.0, landmarks), 800, 800) == pytest.approx(alone, rel=0.02)
    landmarks[5, :2] = 400, 320
    wider = window_of(DetectedPerson(mask, 1.0, landmarks), 800, 800)
    assert wider > 1.15 * alone
    landmarks[6:9, :2] = (400, 799), (0, 100), (-50, 3000)
    assert window_of(DetectedPerson(mask, 1.0, landmarks), 800, 800) == pytest.approx(wider, rel=0.02)
    landmarks[6:9, :2] = (400, 140 + 190), (215, 200), (580, 200)
    assert window_of(DetectedPerson(mask, 1.0, landmarks), 800, 800) < 1.65 * alone


class Looking(GrowingMasks):
    """Remembers the share of the window that each initial mask covers."""

    def __init__(self, answers=()):
        super().__init__()
        self.answers, self.covered, self.sides = list(answers), [], []

    def forward(self, image, initial):
        self.covered.append([mask.mean().item() for mask in initial])
        self.sides.append(image.shape[-1])
        prediction = super().forward(image, initial)
        return self.answers.pop(0)(prediction) if self.answers else prediction


def test_further_looks_are_closer_to_the_whole_body():
    masks = Looking()
    given = person(400, 400, (200, 200), (60, 60))
    deoccluder(masks)(photo_of(400, 400), [given])
    (first,), (second,), (last,), (again,) = masks.covered
    assert masks.sides == [SIZE - STRIDE, SIZE, SIZE, SIZE - STRIDE]
    side = 121 * 3**0.5
    for share, cells in ((second, SIZE - STRIDE), (last, SIZE)):
        side = 1.2 * (121 + 2 * 5 / cells * side)
        assert share / first == pytest.approx((121 * 3**0.5 / side) ** 2, rel=0.1)
    assert again == pytest.approx(last, rel=0.05)


class Finding(GrowingMasks):
    """Without an initial mask the bright pixels are the body, seen with `logit`."""

    def __init__(self, logit=10.0, unguided=0.25):
        super().__init__(unguided=unguided)
        self.logit, self.alone = logit, 0

    def forward(self, image, initial):
        if initial.any():
            return super().forward(image, initial)
        self.alone += 1
        bright = (image.mean(dim=1, keepdim=True) > 0.8).float()
        modal = (2 * bright - 1) * self.logit
        return super().forward(image, bright)._replace(modal=modal)


def bright_body(*ellipses, height=300, width=200):
    photo = np.full((height, width, 3), 40, np.uint8)
    for centre, axes in ellipses:
        photo[ellipse(height, width, centre, axes)] = 240
    return photo


def test_stage_1_finds_whom_the_source_overlooks():
    body = ((80, 120), (30, 80))
    masks = Finding()
    (one,) = deoccluder(masks, Source([]))(bright_body(body)).people
    true = ellipse(300, 200, *body)
    assert (one.initial & true).sum() / (one.initial | true).sum() > 0.9
    assert one.score < SURE
    assert one.landmarks is None
    assert masks.alone == 2

    known = person(300, 200, *body)
    (same,) = deoccluder(Finding(), Source([known]))(bright_body(body)).people
    np.testing.assert_array_equal(same.initial, known.mask)
    elsewhere, piece = person(300, 200, (100, 260), (60, 30)), person(300, 200, (80, 60), (6, 6))
    for other in (elsewhere, piece):
        people = deoccluder(Finding(), Source([other]))(bright_body(body)).people
        assert [one.score for one in people] == [pytest.approx(0.495, abs=0.01), 0.9]


def test_whom_stage_1_finds_comes_in_the_order_of_size():
    small = person(300, 200, (150, 260), (10, 30))
    found = deoccluder(Finding(), Source([small])).find(bright_body(((80, 120), (30, 80))))
    assert [one.score for one in found] == [pytest.approx(0.495, abs=0.01), 0.9]


@pytest.mark.parametrize("masks", [Finding(unguided=0.0), Finding(logit=1.0)])
def test_without_training_or_a_clear_view_nobody_is_made_up(masks):
    assert deoccluder(masks, Source([]))(bright_body(((80, 120), (30, 80)))).people == []
    assert masks.alone == (1 if masks.config.unguided else 0)


def test_an_empty_photo_stays_empty():
    for height, width in ((41, 97), (300, 200), (17, 400)):
        cascade = deoccluder(Finding(), Source([]))
        assert cascade(bright_body(height=height, width=width)).people == []


def test_people_given_with_the_photo_are_all_there_are():
    masks = Finding()
    given = [person(300, 200, (150, 250), (10, 30))]
    photo = bright_body(((80, 120), (30, 80)))
    assert len(deoccluder(masks, Source([]))(photo, given).people) == 1
    assert len(deoccluder(masks, Source([]))(photo, Source(given)).people) == 1
    assert masks.alone == 0


def test_the_second_look_and_half_of_the_last_one_are_mirrored():
    class Halves(Looking):
        """Upper-clothes everywhere but for the left arm in the left half, the right one in the right half."""

        def __init__(self):
            super().__init__()
            self.red_on_the_left = []

        def forward(self, image, initial):
            middle = image.shape[-1] // 2
            red = image[0, 0].mean(dim=0)
            self.red_on_the_left.append(bool(red[:middle].mean() > red[middle:].mean()))
            prediction = super().forward(image, initial)
            parts = torch.zeros_like(prediction.parsing_modal)
            parts[:, 14, :, :middle] = 5
            parts[:, 15, :, middle:] = 5
            return prediction._replace(parsing_modal=parts, parsing_amodal=parts)

    photo = np.zeros((200, 200, 3), np.uint8)
    photo[:, :100, 0] = 255
    masks = Halves()
    (one,) = deoccluder(masks)(photo, [person(200, 200, (100, 100), (30, 50))]).people
    assert masks.red_on_the_left == [True, False, True, False]
    for parsing, mask in ((one.parsing_modal, one.modal), (one.parsing_amodal, one.amodal)):
        assert set(np.unique(parsing[:, :97][mask[:, :97]])) == {14}
        assert set(np.unique(parsing[:, 103:][mask[:, 103:]])) == {15}


def test_the_last_look_is_the_mean_of_two_predictions():
    def everywhere(logit):
        return lambda prediction: prediction._replace(modal=torch.full_like(prediction.modal, logit))

    given = person(200, 150, (75, 100), (30, 60))
    for finer, usual, filled in ((-8.0, 4.0, False), (-4.0, 8.0, True), (8.0, -4.0, True)):
        masks = Looking([lambda same: same, lambda same: same, everywhere(finer), everywhere(usual)])
        (one,) = deoccluder(masks)(photo_of(200, 150), [given]).people
        assert (one.modal.sum() > 1.3 * given.mask.sum()) == filled


@pytest.mark.parametrize("off", [-2, -1, 1, 2])
def test_outlines_beside_an_edge_of_the_photo_move_onto_it(off):
    body = np.zeros((225, 225), dtype=bool)
    body[10:215, 80:160] = True
    soft = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 1.5)
    away = np.roll(soft, off, axis=1)
    photo = np.full((225, 225, 3), 60, np.uint8)
    photo[body] = (180, 90, 130)
    parts = torch.zeros(1, 20, 56, 56)
    maps = Maps(away, np.maximum(away, soft), parts, parts)
    look = Look(DetectedPerson(body, 1.0), SquareWindow(0, 0, 225), maps)
    sharp, on_plain = (on_edges(look, picture) for picture in (photo, np.full_like(photo, 60)))
    assert np.array_equal(sharp.modal[20:205] > 0.5, body[20:205])
    assert np.array_equal(on_plain.modal[20:205] > 0.5, away[20:205] > 0.5)
    assert (sharp.modal <= sharp.amodal).all()


def test_the_outline_of_a_hidden_part_stays_where_it_is():
    rows = np.arange(225)[:, None]
    body = np.zeros((225, 225), dtype=bool)
    body[10:215, 80:160] = True
    visible = body & (rows < 120)
    photo = np.full((225, 225, 3), 60, np.uint8)
    photo[visible] = (180, 90, 130)
    photo[150:225, :82] = (20, 160, 40)
    parts = torch.zeros(1, 20, 56, 56)
    maps = Maps(*(mask.astype(np.float32) for mask in (visible, body)), parts, parts)
    moved = on_edges(Look(DetectedPerson(body, 1.0), SquareWindow(0, 0, 225), maps), photo)
    assert np.array_equal(moved.amodal[150:205] > 0.5, body[150:205])


@pytest.mark.parametrize(("lost", "believed"), [(1.0, False), (0.6, False), (0.4, False), (0.2, True)])
@pytest.mark.parametrize("look", ["second", "last"])
def test_a_look_that_loses_much_of_the_visible_body_is_not_believed(lost, believed, look):
    def without_the_top(prediction):
        modal = prediction.modal.clone()
        for seen in modal[:, 0]:
            rows = torch.nonzero((seen > 0).any(dim=1))[:, 0]
            first, last = rows.min().item(), rows.max().item() + 1
            seen[: round(first + lost * (last - first))] = -9
        return prediction._replace(modal=modal)

    mask = np.zeros((200, 150), dtype=bool)
    mask[40:160, 40:110] = True
    given = DetectedPerson(mask, 1.0)

    def whole(prediction):
        return prediction

    masks = Looking(
        [whole, without_the_top, whole, whole]
        if look == "second"
        else [whole, whole, without_the_top, without_the_top]
    )
    (one,) = deoccluder(masks)(photo_of(200, 150), [given]).people
    assert one.invisible.any()
    share = (one.modal & given.mask).sum() / given.mask.sum()
    assert share == pytest.approx(1 - lost if believed else 1.0, abs=0.1)


def test_the_initial_mask_is_kept_beyond_the_window():
    mask = ellipse(300, 300, (60, 60), (20, 20)) | ellipse(300, 300, (260, 260), (20, 20))

    def one_of_them(prediction):
        half = torch.zeros_like(prediction.modal)
        middle = half.shape[-1] // 2
        half[..., :middle, :middle] = 1
        gone = torch.full_like(half, -9)
        return prediction._replace(
            modal=torch.where(half > 0, prediction.modal, gone),
            amodal=torch.where(half > 0, prediction.amodal, gone),
        )

    (one,) = deoccluder(Looking([one_of_them]))(photo_of(300, 300), [DetectedPerson(mask, 1.0)]).people
    np.testing.assert_array_equal(one.initial, mask)
    assert not one.amodal[200:, 200:].any()


class Everybody:
    name = "everybody"

    def __call__(self, photo):
        return [DetectedPerson(np.ones(photo.shape[:2], bool), 0.5)]


def test_who_finds_the_people():
    photo = photo_of(64, 64)
    result = deoccluder(people=Everybody())(photo)
    assert result.person_source == "everybody"
    assert set(result.seconds) == {"people", "masks", "content"}
    assert all(seconds >= 0 for seconds in result.seconds.values())
    assert deoccluder()(photo, Everybody()).people[0].initial.all()
    given = deoccluder(people=Everybody())(photo, [person(64, 64, (30, 30), (9, 9))])
    assert given.person_source == "given"
    assert given.people[0].score == 0.9
    assert deoccluder()(photo, []).people == []
    with pytest.raises(DeoccludeError, match="blazepose"):
        deoccluder()(photo)


def test_blurred_photos_are_sharpened_for_the_masks_alone():
    canvas = np.zeros((300, 260, 3), np.uint8)
    cv2.rectangle(canvas, (60, 40), (180, 280), (200, 120, 60), -1)
    blurred = cv2.GaussianBlur(canvas, (0, 0), 4)
    shown = []

    class Watching(Everybody):
        def __call__(self, photo):
            shown.append(photo)
            return [person(300, 260, (120, 160), (50, 100))]

    result = deoccluder()(blurred, Watching())
    assert (
        np.abs(np.diff(shown[0][150].astype(int), axis=0)).max()
        > 1.5 * np.diff(blurred[150].astype(int), axis=0).max()
    )
    np.testing.assert_array_equal(result.photo, blurred)
    (one,) = result.people
    np.testing.assert_array_equal(one.recovered[~one.invisible], blurred[~one.invisible])


def test_masks_of_another_size_are_refused():
    with pytest.raises(DeoccludeError, match="mask of 30x20 for a photo of 64x48"):
        deoccluder()(photo_of(48, 64), [DetectedPerson(np.ones((20, 30), bool), 1.0)])


def test_same_input_same_output():
    given = [person(200, 150, (75, 100), (30, 60))]
    first, second = (deoccluder()(photo_of(200, 150), given).people[0] for _ in range(2))
    np.testing.assert_array_equal(first.recovered, second.recovered)
    np.testing.assert_array_equal(first.parsing_amodal, second.parsing_amodal)


def test_devices(monkeypatch):
    assert choose_device("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(DeoccludeError, match="cuda"):
        choose_device("cuda")
    with pytest.raises(DeoccludeError, match="not known"):
        choose_device("abacus")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"


def test_recover_paints_given_masks():
    photo = photo_of(150, 180)
    amodal = ellipse(150, 180, (90, 70), (40, 60))
    modal = amodal.copy()
    modal[:, 90:] = False
    parsing = np.where(amodal, 5, 0).astype(np.uint8)
    recovered = deoccluder().recover(
        photo, modal, amodal, np.where(modal, parsing, 0).astype(np.uint8), parsing
    )
    hidden = amodal & ~modal
    np.testing.assert_array_equal(recovered[~hidden], photo[~hidden])
    assert (recovered[hidden] == (255, 0, 153)).all()


class OneSided(OneColour):
    """Paints a ramp from left to right, and left arms green."""

    def forward(self, image, visible, amodal, parsing_modal, parsing_amodal):
        super().forward(image, visible, amodal, parsing_modal, parsing_amodal)
        ramp = torch.linspace(0, 1, 128).expand(len(image), 128, 128)
        return torch.stack([ramp, (parsing_amodal == LEFT_ARM).float(), image[:, 2]], dim=1)


@pytest.mark.parametrize("width", [180, 132])
def test_the_mirrored_photo_is_painted_as_the_mirror_of_the_photo(width):
    photo = photo_of(150, width)
    amodal = np.zeros((150, width), bool)
    amodal[10:130, width // 3 : width - width // 3] = True
    modal = amodal.copy()
    modal[40:90] = False
    parsing = np.where(amodal, LEFT_ARM, 0).astype(np.uint8)
    parsing[amodal & (np.indices(amodal.shape)[1] < width // 2)] = LEFT_ARM + 1
    given = photo, modal, amodal, parsing * modal, parsing
    stage_2 = Deoccluder(None, GrowingMasks(), OneSided(), exemplars=False)
    mirrored = stage_2.recover(
        photo[:, ::-1], modal[:, ::-1], amodal[:, ::-1], mirror(parsing * modal), mirror(parsing)
    )
    hidden = amodal & ~modal
    painted = stage_2.recover(*given)
    assert np.abs(mirrored[:, ::-1].astype(int) - painted)[hidden].max() <= 1


def textured(height, width):
    """Grey with a grain of single photo pixels, which a crop of a large window cannot hold."""
    grain = np.random.default_rng(0).integers(-60, 61, (height, width, 1))
    return np.repeat(128 + grain, 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "grain"), [(120, 97, 0.0), (700, 451, 0.25)])
def test_the_hidden_part_has_the_texture_of_the_visible_body(height, width, grain):
    photo = textured(height, width)
    amodal = ellipse(height, width, (width // 2, height // 2), (width // 3, height // 3))
    modal = amodal.copy()
    modal[:, width // 2 :] = False
    hidden = amodal & ~modal
    photo[~modal] = photo[modal & (np.indices(modal.shape)[1] == width // 2 - 1)] = (0, 255, 0)
    parsing = np.where(amodal, 5, 0).astype(np.uint8)
    given = photo, modal, amodal, parsing * modal, parsing
    plain = deoccluder().recover(*given)
    recovered = Deoccluder(None, GrowingMasks(), OneColour()).recover(*given)
    np.testing.assert_array_equal(plain[~hidden], photo[~hidden])
    assert (plain[hidden] == (255, 0, 153)).all()
    rim = max(1.0, 1.25 * (2 * (height // 3) + 1) / 128)
    seam = modal & (distance_transform_edt(~hidden) < 2.1 * rim + 1)
    np.testing.assert_array_equal(recovered[~hidden & ~seam], photo[~hidden & ~seam])
    assert (recovered[amodal][:, 1] < 230).all()
    deep = cv2.erode(hidden.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    pixels = recovered[deep].astype(float)
    assert np.abs(pixels.mean(axis=0) - photo[modal].mean(axis=0)).max() < 25
    assert np.abs(pixels - pixels.mean(axis=1, keepdims=True)).max() < 3
    assert pixels.std() > grain * photo[modal].std()


def doubtful(height, width, centre, axes):
    return DetectedPerson(ellipse(height, width, centre, axes), 0.2)


def test_doubtful_people_need_stage_1_to_see_them():
    photo = photo_of(200, 300)
    sure, doubt = person(200, 300, (80, 100), (30, 70)), doubtful(200, 300, (220, 100), (30, 60))
    assert [one.score for one in deoccluder()(photo, [sure, doubt]).people] == [0.9, 0.2]
    blind = deoccluder(GrowingMasks(modal_bias=-20.0))
    assert [one.score for one in blind(photo, [sure, doubt]).people] == [0.9]
    assert blind(photo, [doubt]).people == []


def test_beside_somebody_sure_a_doubtful_person_must_be_seen_clearly():
    def faint(prediction):
        return prediction._replace(modal=prediction.modal.clamp(max=1.0))

    photo = photo_of(200, 300)
    sure, doubt = person(200, 300, (80, 100), (30, 70)), doubtful(200, 300, (220, 100), (30, 60))

    def seen(*people):
        return [one.score for one in deoccluder(Looking([faint] * 3))(photo, list(people)).people]

    assert seen(sure, doubt) == [0.9]
    assert seen(doubt) == [0.2]
    assert seen(sure) == [0.9]


def test_a_doubtful_person_who_turns_out_to_be_a_surer_one_is_dropped():
    photo = photo_of(200, 300)
    sure, same = person(200, 300, (80, 100), (30, 70)), doubtful(200, 300, (82, 101), (31, 72))
    beside = doubtful(200, 300, (110, 100), (30, 70))
    result = deoccluder()(photo, [same, sure, beside]).people
    assert sorted(one.score for one in result) == [0.2, 0.9]
    assert any((one.initial == beside.mask).all() for one in result)


class Drawn(GrowingMasks):
    """Whatever the initial mask, the bright pixels are the body, as clearly seen as `logit` says."""

    def __init__(self, logit=10.0):
        super().__init__()
        self.logit = logit

    def forward(self, image, initial):
        bright = (image.mean(dim=1, keepdim=True) > 0.8).float()
        return super().forward(image, bright)._replace(modal=bright * (self.logit + 10) - 10)


@pytest.mark.parametrize(("logit", "kept"), [(10.0, True), (1.0, False)])
def test_a_doubtful_mask_may_be_mostly_occluder_if_the_body_in_it_is_seen_clearly(logit, kept):
    body = ((80, 120), (15, 30))
    wide = doubtful(300, 200, (90, 150), (60, 100))
    people = deoccluder(Drawn(logit))(bright_body(body), [wide]).people
    assert len(people) == kept
    if kept:
        true = ellipse(300, 200, *body)
        assert (people[0].modal & true).sum() / (people[0].modal | true).sum() > 0.9


def test_a_doubtful_person_gets_no_second_look_once_the_first_shows_a_surer_one():
    body = ((80, 120), (30, 80))
    masks = Drawn()
    sure, half = person(300, 200, *body), doubtful(300, 200, (80, 160), (25, 40))
    (one,) = deoccluder(masks)(bright_body(body), [sure, half]).people
    assert one.score == 0.9
    assert masks.batches == [2, 1, 1, 1]


def test_thin_strips_along_the_outline_are_visible_and_broad_parts_stay_hidden():
    hidden = np.zeros((193, 257), dtype=bool)
    hidden[20:90, 30:100] = True
    hidden[20:160, 100:102] = True
    slivers = _slivers(hidden, SquareWindow(0, 0, 256))
    assert not slivers[22:88, 32:98].any()
    assert slivers[95:160, 100:102].all()
    assert not (slivers & ~hidden).any()
    thin = np.zeros_like(hidden)
    thin[50, 10:200] = True
    assert np.array_equal(_slivers(thin, SquareWindow(0, 0, 256)), thin)


def test_pieces_of_hidden_that_are_too_small_are_found():
    hidden = np.zeros((90, 120), bool)
    hidden[5:25, 5:25] = True
    hidden[40:43, 60:65] = True
    hidden[43, 65] = True
    hidden[80, 100] = True
    np.testing.assert_array_equal(np.argwhere(_specks(hidden, 16.0)), [(80, 100)])
    assert _specks(hidden, 17.0).sum() == 17
    assert not _specks(np.zeros_like(hidden), 17.0).any()
