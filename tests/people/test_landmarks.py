import numpy as np

from deocclude.people.landmarks import without_flecks


def test_flecks_go_and_parts_stay():
    mask = np.zeros((64, 65), dtype=np.float32)
    mask[10:40, 10:30] = 0.9
    mask[50:60, 10:16] = 0.8
    mask[2:4, 60:63] = 0.95
    clean = without_flecks(mask)
    expected = mask > 0.5
    expected[2:4, 60:63] = False
    np.testing.assert_array_equal(clean > 0.5, expected)
    np.testing.assert_array_equal(clean[8:], mask[8:])


def test_empty_mask_stays_empty():
    mask = np.full((8, 8), 0.2, dtype=np.float32)
    np.testing.assert_array_equal(without_flecks(mask), mask)
