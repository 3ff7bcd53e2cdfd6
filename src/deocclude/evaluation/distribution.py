"""Distances between sets of pictures: Frechet (Heusel et al., 2017) and kernel (Binkowski et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deocclude.evaluation.metrics import drawn_people


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Frechet distance of the normal distributions fitted to two sets of features; nan below 2.

    first, second: float nxC and mxC. The trace of the root of the product of the covariances is the nuclear
    norm of the product of the centred features, so C may be larger than n.
    """
    if min(len(first), len(second)) < 2:
        return float("nan")
    first, second = first.astype(np.float64), second.astype(np.float64)
    centred = first - first.mean(axis=0), second - second.mean(axis=0)
    scales = len(first) - 1, len(second) - 1
    traces = sum(float((c**2).sum()) / scale for c, scale in zip(centred, scales, strict=True))
    shared = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum() / np.sqrt(scales[0] * scales[1])
    means = first.mean(axis=0) - second.mean(axis=0)
    return max(0.0, float(means @ means + traces - 2 * shared))


def kernel_distance(
    first: np.ndarray, second: np.ndarray, people: Sequence[str]
) -> tuple[float, tuple[float, float]]:
    """Squared maximum mean discrepancy with the kernel (xy / C + 1)^3, and its 95% bootstrap interval.

    first, second: float nxC, row i of both of people[i]. Only pairs of different people are averaged, in all
    three terms: pictures of one person are no independent draws. People are drawn with replacement for the
    interval. nan with fewer than 2 people.
    """
    _, person = np.unique(np.asarray(people), return_inverse=True)
    count = int(person.max()) + 1 if person.size else 0
    if count < 2:
        return float("nan"), (float("nan"), float("nan"))
    member = np.zeros((count, len(person)))
    member[person, np.arange(len(person))] = 1
    apart = 1.0 - np.eye(count)

    def by_people(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        kernel = (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1) ** 3
        return np.asarray(member @ kernel @ member.T * apart)

    discrepancy = by_people(first, first) + by_people(second, second)
    discrepancy -= by_people(first, second) + by_people(second, first)
    sizes = member.sum(axis=1)
    pairs = np.outer(sizes, sizes) * apart
    draws = drawn_people(count)
    sums = [((draws @ table) * draws).sum(axis=1) for table in (discrepancy, pairs)]
    counted = sums[1] > 0
    low, high = np.percentile(sums[0][counted] / sums[1][counted], [2.5, 97.5])
    return float(discrepancy.sum() / pairs.sum()), (float(low), float(high))
