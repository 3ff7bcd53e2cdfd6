import numpy as np
import pytest

from deocclude.crops import OUTSIDE_PHOTO, SquareWindow, box_of, intersection, rows_and_columns, union


def brute_box(mask):
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_box_of_is_tight():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((17, 23)) > 0.97
        assert box_of(mask) == (brute_box(mask) if mask.any() else None)
    assert box_of(np.zeros((3, 4), bool)) is None
    one = np.zeros((5, 7), bool)
    one[4, 6] = True
    assert box_of(one) == (6, 4, 7, 5)


def test_union_holds_both():
    assert union((0, 5, 10, 20), (3, 2, 8, 30)) == (0, 2, 10, 30)


@pytest.mark.parametrize(
    "box", [(10, 20, 41, 131), (0, 0, 50, 50), (5, 5, 300, 60), (7, 9, 8, 10), (-3, -8, 20, 11)]
)
def test_window_is_centred_with_room(box):
    window = SquareWindow.around(box)
    width, height = box[2] - box[0], box[3] - box[1]
    assert window.side >= 1.25 * max(width, height)
    assert window.side**2 >= 3 * width * height
    assert window.side <= max(8, 1.25 * max(width, height) + 1, (3 * width * height) ** 0.5 + 1)
    assert abs(window.left + window.side / 2 - (box[0] + box[2]) / 2) <= 0.5
    assert abs(window.top + window.side / 2 - (box[1] + box[3]) / 2) <= 0.5


@pytest.mark.parametrize("box", [(10, 20, 41, 131), (0, 0, 50, 50), (5, 5, 300, 60), (7, 9, 8, 10)])
def test_a_close_window_has_a_tenth_of_room_on_each_side(box):
    window = SquareWindow.close_to(box)
    longest = max(box[2] - box[0], box[3] - box[1])
    assert window.side == max(8, np.ceil(1.2 * longest))
    assert abs(window.left + window.side / 2 - (box[0] + box[2]) / 2) <= 0.5
    assert abs(window.top + window.side / 2 - (box[1] + box[3]) / 2) <= 0.5


def test_a_cut_mask_is_the_majority_of_its_area():
    mask = np.zeros((40, 40), bool)
    mask[:, :13] = True
    cut = SquareWindow(0, 0, 40).cut_mask(mask, 10)
    assert cut.dtype == np.bool_
    np.testing.assert_array_equal(cut, np.broadcast_to(np.arange(10) < 3, (10, 10)))


def test_cut_at_the_same_size_copies_pixels():
    image = np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    window = SquareWindow(11, 5, 21)
    np.testing.assert_array_equal(window.cut(image, 21), image[5:26, 11:32])
    np.testing.assert_array_equal(window.cut(image[..., 0], 21), image[5:26, 11:32, 0])


@pytest.mark.parametrize(
    "window", [SquareWindow(-6, -9, 25), SquareWindow(40, 30, 31), SquareWindow(-10, -10, 90)]
)
def test_what_lies_outside_the_photo_is_grey(window):
    image = np.random.default_rng(2).integers(0, 120, (37, 53), dtype=np.uint8)
    crop = window.cut(image, window.side, outside=OUTSIDE_PHOTO)
    for row in range(window.side):
        for column in range(window.side):
            y, x = window.top + row, window.left + column
            inside = 0 <= y < 37 and 0 <= x < 53
            assert crop[row, column] == (image[y, x] if inside else OUTSIDE_PHOTO)


@pytest.mark.parametrize(
    "window", [SquareWindow(100, 3, 10), SquareWindow(-50, -50, 20), SquareWindow(0, 60, 9)]
)
def test_a_window_beside_the_photo_sees_nothing(window):
    image = np.full((37, 53), 255, np.uint8)
    assert not window.cut(image, 16).any()
    assert image[rows_and_columns(window.within(37, 53))].size == 0


@pytest.mark.parametrize(
    "other", [(4, 2, 20, 9), (0, 0, 30, 40), (12, 3, 14, 5), (25, 3, 29, 30), (3, 22, 9, 25)]
)
def test_the_intersection_holds_what_lies_in_both(other):
    one = (5, 1, 22, 19)
    in_one, in_other = np.zeros((40, 30), bool), np.zeros((40, 30), bool)
    in_one[rows_and_columns(one)] = True
    in_other[rows_and_columns(other)] = True
    both = np.zeros((40, 30), bool)
    both[rows_and_columns(intersection(one, other))] = True
    assert np.array_equal(both, in_one & in_other)


@pytest.mark.parametrize(
    "window",
    [SquareWindow(-6, -9, 25), SquareWindow(40, 30, 31), SquareWindow(-10, -10, 90), SquareWindow(3, 4, 9)],
)
def test_what_a_window_shows_of_the_photo(window):
    shown = np.zeros((37, 53), bool)
    for y in range(window.top, window.top + window.side):
        for x in range(window.left, window.left + window.side):
            if 0 <= y < 37 and 0 <= x < 53:
                shown[y, x] = True
    assert window.within(37, 53) == brute_box(shown)


@pytest.mark.parametrize("size", [64, 96, 33])
@pytest.mark.parametrize(
    "window", [SquareWindow(-4, 7, 61), SquareWindow(12, 3, 33), SquareWindow(0, 90, 50)]
)
def test_a_window_sees_the_same_in_a_part_of_the_photo_with_all_that_is_not_black(window, size):
    photo = np.zeros((151, 139), np.uint8)
    photo[20:110, 11:60] = np.random.default_rng(3).integers(1, 255, (90, 49))
    inside = window.seen_from((11, 20, 60, 110)).cut(photo[20:110, 11:60], size)
    np.testing.assert_array_equal(inside, window.cut(photo, size))


def test_nearest_makes_no_new_labels():
    labels = np.where(np.random.default_rng(4).random((45, 51)) > 0.5, 19, 3).astype(np.uint8)
    window = SquareWindow(3, 3, 40)
    assert set(np.unique(window.cut(labels, 27, nearest=True))) == {3, 19}


def test_areas_are_averaged_when_sizing_down():
    board = (np.indices((64, 64)).sum(0) % 2 * 200).astype(np.uint8)
    assert (SquareWindow(0, 0, 64).cut(board, 32) == 100).all()
