import numpy as np
import pytest

from deocclude.evaluation.distribution import frechet_distance, kernel_distance


def features(count, channels, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(channels, channels)) / np.sqrt(channels)
    return (rng.normal(size=(count, channels)) @ mixing + shift).astype(np.float32)


def test_frechet_distance_equals_the_formula_with_a_matrix_root():
    linalg = pytest.importorskip("scipy.linalg")
    first, second = features(60, 7, 0), features(45, 7, 1, shift=0.5)
    a, b = np.cov(first.T.astype(float)), np.cov(second.T.astype(float))
    root = linalg.sqrtm(a @ b)
    root = np.real(root[0] if isinstance(root, tuple) else root)
    means = first.astype(float).mean(axis=0) - second.astype(float).mean(axis=0)
    expected = means @ means + np.trace(a) + np.trace(b) - 2 * np.trace(root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-5)


def test_frechet_distance_with_more_channels_than_samples():
    first = features(9, 40, 2)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, first + 2) == pytest.approx(4 * 40, rel=1e-5)
    scaled = (first - first.mean(axis=0)) * 3 + first.mean(axis=0)
    spread = float(((first - first.mean(axis=0)).astype(float) ** 2).sum()) / 8
    assert frechet_distance(first, scaled) == pytest.approx((3 - 1) ** 2 * spread, rel=1e-5)
    assert np.isnan(frechet_distance(first[:1], first))


def plain_kernel_distance(first, second, people):
    def kernel(x, y):
        return (float(x.astype(float) @ y.astype(float)) / len(x) + 1) ** 3

    total = pairs = 0.0
    for i, one in enumerate(people):
        for j, other in enumerate(people):
            if one != other:
                total += kernel(first[i], first[j]) + kernel(second[i], second[j])
                total -= kernel(first[i], second[j]) + kernel(second[i], first[j])
                pairs += 1
    return total / pairs


def test_kernel_distance_equals_a_loop_over_pairs_of_different_people():
    first, second = features(14, 5, 3), features(14, 5, 4, shift=0.3)
    people = list("aaabbbccddeefg")
    value, (low, high) = kernel_distance(first, second, people)
    assert value == pytest.approx(plain_kernel_distance(first, second, people))
    assert low < value < high
    assert kernel_distance(first, first, people)[0] == pytest.approx(0, abs=1e-12)
    order = np.random.default_rng(0).permutation(14)
    shuffled = kernel_distance(first[order], second[order], [people[i] for i in order])
    assert shuffled[0] == pytest.approx(value)


def test_kernel_distance_is_unbiased_and_its_interval_a_bootstrap_over_people():
    values = []
    rng = np.random.default_rng(0)
    for _ in range(60):
        both = rng.normal(size=(2, 40, 4)).astype(np.float32)
        values.append(kernel_distance(both[0], both[1], [str(i) for i in range(40)])[0])
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    first, second = features(40, 4, 0), features(40, 4, 1, shift=0.4)
    people = [str(i // 2) for i in range(40)]
    drawn = []
    for _ in range(200):
        chosen = rng.integers(0, 20, 20)
        rows = np.concatenate([[2 * p, 2 * p + 1] for p in chosen])
        names = [str(p) for p in np.repeat(chosen, 2)]
        drawn.append(kernel_distance(first[rows], second[rows], names)[0])
    _, interval = kernel_distance(first, second, people)
    assert interval == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.2)


def test_one_person_has_no_kernel_distance():
    value, interval = kernel_distance(features(3, 4, 0), features(3, 4, 1), ["a", "a", "a"])
    assert np.isnan([value, *interval]).all()
