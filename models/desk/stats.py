"""Statistics of the reports: Wilson intervals, AUROC, bootstrap intervals. Standard library only."""

import math
import random
from collections.abc import Callable, Sequence

Z = 1.959963984540054
"""Of a two-sided 95 % interval."""
RESAMPLES = 2000
SEED = 20


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion."""
    if n == 0:
        return (0.0, 1.0)
    p = right / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return (max(0.0, middle - half), min(1.0, middle + half))


class Ranking:
    """Scores sorted once, so that the AUROC of many weightings of the same items is cheap."""

    def __init__(self, scores: Sequence[float], positive: Sequence[bool]) -> None:
        """`positive` says which items should score high."""
        self.groups: list[list[tuple[int, bool]]] = []
        last = None
        for i in sorted(range(len(scores)), key=scores.__getitem__):
            if not self.groups or scores[i] != last:
                self.groups.append([])
                last = scores[i]
            self.groups[-1].append((i, bool(positive[i])))

    def auroc(self, weights: Sequence[int] | None = None) -> float | None:
        """The chance that a positive item scores above a negative one, ties counted half; None without both kinds."""
        below = above = wins = 0.0
        for group in self.groups:
            up = down = 0
            for i, positive in group:
                weight = 1 if weights is None else weights[i]
                if positive:
                    up += weight
                else:
                    down += weight
            wins += up * (below + down / 2)
            below += down
            above += up
        return wins / (above * below) if above and below else None


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """The AUROC of one list of scores."""
    return Ranking(scores, positive).auroc()


def bootstrap(
    n: int, measure: Callable[[list[int]], float | None], seed: int = SEED
) -> tuple[float, float] | None:
    """The 95 % percentile interval of `measure` over items drawn again with replacement.

    `measure` gets how often each item was drawn; two things compared inside it see the same draw, so are paired. Draws
    where it is not defined are left out.
    """
    rng = random.Random(seed)
    values = []
    for _ in range(RESAMPLES):
        weights = [0] * n
        for i in rng.choices(range(n), k=n):
            weights[i] += 1
        value = measure(weights)
        if value is not None:
            values.append(value)
    if not values:
        return None
    values.sort()
    last = len(values) - 1
    return (values[round(0.025 * last)], values[round(0.975 * last)])
