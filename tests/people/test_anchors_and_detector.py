import numpy as np
import pytest

from deocclude.people.anchors import anchor_centres
from deocclude.people.detector import Detection, box_overlaps, decode, suppress_duplicates


def test_anchors_equal_the_layers_written_out():
    expected = []
    for stride, per_cell in ((8, 2), (16, 2), (32, 6)):
        for row in range(224 // stride):
            for column in range(224 // stride):
                centre = ((column + 0.5) * stride / 224, (row + 0.5) * stride / 224)
                expected += [centre] * per_cell
    centres = anchor_centres()
    assert centres.shape == (2254, 2)
    assert centres.dtype == np.float32
    np.testing.assert_allclose(centres, expected, atol=1e-6)


def test_decode_adds_the_anchor_to_centre_and_points():
    raw = np.array([[10, -20, 40, 60, 1, 2, 3, 4, 5, 6, 7, 8]], dtype=np.float32)
    boxes, points = decode(raw, np.array([[0.5, 0.25]], dtype=np.float32))
    np.testing.assert_allclose(boxes, [[112 + 10 - 20, 56 - 20 - 30, 112 + 10 + 20, 56 - 20 + 30]])
    np.testing.assert_allclose(points[0], [[113, 58], [115, 60], [117, 62], [119, 64]])


def test_decode_leaves_its_input_alone():
    raw = np.ones((1, 12), dtype=np.float32)
    decode(raw, np.ones((1, 2), dtype=np.float32))
    assert (raw == 1).all()


def overlap_by_counting(first, second):
    canvas = np.zeros((2, 60, 60), dtype=bool)
    for layer, (left, top, right, bottom) in zip(canvas, (first, second), strict=True):
        layer[top:bottom, left:right] = True
    union = (canvas[0] | canvas[1]).sum()
    return (canvas[0] & canvas[1]).sum() / union if union else 0.0


def random_boxes(rng, count):
    corners = np.sort(rng.integers(0, 60, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4)


def test_box_overlaps_equal_counted_pixels():
    boxes = random_boxes(np.random.default_rng(0), 40)
    for box in boxes[:10]:
        expected = [overlap_by_counting(box, other) for other in boxes]
        np.testing.assert_allclose(box_overlaps(box.astype(float), boxes.astype(float)), expected, atol=1e-9)


def detections_from(boxes, scores):
    return [
        Detection(float(score), box.astype(np.float32), np.arange(8, dtype=np.float32).reshape(4, 2) + score)
        for box, score in zip(boxes, scores, strict=True)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_suppression_keeps_what_brute_force_keeps(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(rng, 30), rng.permutation(30) / 30 + 0.01
    kept, groups = [], []
    for index in np.argsort(-scores):
        home = [k for k in range(len(kept)) if overlap_by_counting(boxes[kept[k]], boxes[index]) > 0.3]
        if home:
            groups[home[0]].append(index)
        else:
            kept.append(index)
            groups.append([index])
    result = suppress_duplicates(detections_from(boxes, scores), 0.3)
    assert [d.score for d in result] == pytest.approx([scores[index] for index in kept])
    for detection, group in zip(result, groups, strict=True):
        expected = np.average(boxes[group], axis=0, weights=scores[group])
        np.testing.assert_allclose(detection.box, expected, rtol=1e-4)


def test_suppression_of_nothing():
    assert suppress_duplicates([], 0.3) == []


def test_region_of_a_detection_is_upright_along_its_points():
    points = np.array([[100, 100], [140, 100], [0, 0], [0, 0]], dtype=np.float32)
    region = Detection(0.9, np.zeros(4, dtype=np.float32), points).region
    assert (region.x, region.y, region.side) == (100, 100, pytest.approx(2 * 40 * 1.25))
    assert region.angle == pytest.approx(np.pi / 2)
    corner = region.to_photo(256) @ (128, 0, 1)
    np.testing.assert_allclose(corner, (150, 100), atol=1e-4)
