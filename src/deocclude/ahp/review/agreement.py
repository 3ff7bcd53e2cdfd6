"""How far annotators agree beyond chance: Cohen's kappa for two, Fleiss' kappa for more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """kappa is None where chance alone would agree always (everybody always said the same)."""

    measure: str
    kappa: float | None
    samples: int
    annotators: int

    def __str__(self) -> str:
        value = "not defined: all said the same" if self.kappa is None else f"{self.kappa:.3f}"
        return f"{self.measure}'s kappa {value} ({self.samples} samples, {self.annotators} annotators)"


def cohen_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Cohen (1960) over pairs (first's choice, second's choice), at least one."""
    pairs = list(pairs)
    count = len(pairs)
    if not count:
        raise ValueError("kappa needs at least one sample")
    observed = sum(first == second for first, second in pairs) / count
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    expected = sum(firsts[choice] * seconds[choice] for choice in firsts) / count**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float | None:
    """Fleiss (1971): one row a sample, one column a choice, every row with the same sum of 2 or more."""
    if not counts:
        raise ValueError("kappa needs at least one sample")
    raters = sum(counts[0])
    if raters < 2 or any(sum(row) != raters for row in counts):
        raise ValueError("every sample needs the same number of judgements, two or more")
    within = [(sum(n * n for n in row) - raters) / (raters * (raters - 1)) for row in counts]
    observed = sum(within) / len(counts)
    shares = [sum(column) / (len(counts) * raters) for column in zip(*counts, strict=True)]
    expected = sum(share**2 for share in shares)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreement_of(judgements: Mapping[str, Mapping[str, str]]) -> Agreement | None:
    """Agreement over {sample: {annotator: choice}}; None if nobody judged what somebody else judged.

    With two annotators in all: Cohen. Otherwise Fleiss, over the samples with the commonest number of
    judgements (two or more), whoever gave them.
    """
    shared = [choices for choices in judgements.values() if len(choices) > 1]
    if not shared:
        return None
    names = sorted({name for choices in shared for name in choices})
    if len(names) == 2:
        first, second = names
        pairs = [(choices[first], choices[second]) for choices in shared]
        return Agreement("Cohen", cohen_kappa(pairs), len(pairs), 2)
    sizes = Counter(len(choices) for choices in shared)
    raters = max(sizes, key=lambda size: (sizes[size], size))
    rated = [choices for choices in shared if len(choices) == raters]
    options = sorted({choice for choices in rated for choice in choices.values()})
    table = [[list(choices.values()).count(option) for option in options] for choices in rated]
    involved = {name for choices in rated for name in choices}
    return Agreement("Fleiss", fleiss_kappa(table), len(rated), len(involved))
