"""What is measured on the items of a run: accuracy, refusals, F1, doubt, and what is out of scope."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.row import NONE
from items import KINDS, Item
from stats import Ranking, bootstrap, wilson

Measured = dict[str, Any]

DOUBT = ("mean_logprob", "min_logprob", "label_margin", "label_max")
"""Signals whose high values should mean a right answer."""


def proportion(right: int, n: int) -> Measured:
    """A proportion with its Wilson interval."""
    return {"right": right, "n": n, "value": right / n if n else None, "interval": wilson(right, n)}


def accuracy(items: Sequence[Item]) -> Measured:
    """Accuracy over all items."""
    return proportion(sum(item.correct for item in items), len(items))


def refusals(items: Sequence[Item]) -> Measured | None:
    """How often it refuses where it should (recall), and where it should not (false)."""
    due = [item for item in items if item.due]
    other = [item for item in items if not item.due]
    if not due:
        return None
    return {
        "kind": KINDS[due[0].task],
        "recall": proportion(sum(bool(item.refused) for item in due), len(due)),
        "false": proportion(sum(bool(item.refused) for item in other), len(other)),
    }


def mean_f1(items: Sequence[Item]) -> Measured | None:
    """Mean F1 of the questions that have an answer."""
    values = [item.f1 for item in items if item.f1 is not None and not item.due]
    if not values:
        return None

    def mean(weights: Sequence[int]) -> float:
        return sum(w * v for w, v in zip(weights, values, strict=True)) / len(values)

    return {"n": len(values), "value": sum(values) / len(values), "interval": bootstrap(len(values), mean)}


def doubt(items: Sequence[Item]) -> dict[str, Measured]:
    """AUROC of being right against each signal: does a low value tell of an error?"""
    out = {}
    for signal in DOUBT:
        known = [item for item in items if item.signals.get(signal) is not None]
        ranking = Ranking([item.signals[signal] for item in known], [item.correct for item in known])
        value = ranking.auroc()
        if value is not None:
            wrong = sum(not item.correct for item in known)
            out[signal] = {
                "value": value,
                "interval": bootstrap(len(known), ranking.auroc),
                "n": len(known),
                "wrong": wrong,
            }
    return out


def difference(a: Sequence[Item], b: Sequence[Item]) -> Measured | None:
    """Accuracy of a less that of b on the same items, with a paired bootstrap interval."""
    theirs = {item.id: item.correct for item in b}
    pairs = [item.correct - theirs[item.id] for item in a if item.id in theirs]
    if not pairs:
        return None

    def mean(weights: Sequence[int]) -> float:
        return sum(w * d for w, d in zip(weights, pairs, strict=True)) / len(pairs)

    return {"n": len(pairs), "value": sum(pairs) / len(pairs), "interval": bootstrap(len(pairs), mean)}


def best_in_scope(item: Item) -> float:
    """Share of the likeliest label that is not "none of these"."""
    return max((score for label, score in item.signals["label_scores"].items() if label != NONE), default=0.0)


def odds(item: Item) -> float:
    """The likeliest label against "none of these"."""
    none = item.signals["none_score"]
    return best_in_scope(item) / none if none else float("inf")


SCOPE_SCORES: Mapping[str, Callable[[Item], float]] = {
    "less none_score": lambda item: -item.signals["none_score"],
    "best label in scope": best_in_scope,
    "its odds against none": odds,
    "label_max": lambda item: item.signals["label_max"],
    "label_margin": lambda item: item.signals["label_margin"],
    "label_mass": lambda item: item.signals["label_mass"],
    "best label in scope x label_mass": lambda item: best_in_scope(item) * item.signals["label_mass"],
    "min_logprob": lambda item: item.signals["min_logprob"],
}
"""Candidates for the score of being in scope: high where one of the labels fits."""


def scope_auroc(items: Sequence[Item], score: Callable[[Item], float]) -> float | None:
    """AUROC of a score for being in scope."""
    return Ranking([score(item) for item in items], [item.expected != NONE for item in items]).auroc()


def scope(steer: Sequence[Item], report: Sequence[Item], baseline: Mapping[str, float]) -> Measured:
    """Chooses the score on steer, applies it to report, and compares it there with the baseline's scores, paired."""
    tried = {name: scope_auroc(steer, score) for name, score in SCOPE_SCORES.items()}
    name = max(tried, key=lambda key: tried[key] or 0.0)
    missing = [item.id for item in report if item.id not in baseline]
    if missing:
        raise ValueError(f"the baseline has no score for {missing[0]} and {len(missing) - 1} others")
    inside = [item.expected != NONE for item in report]
    ours = Ranking([SCOPE_SCORES[name](item) for item in report], inside)
    theirs = Ranking([baseline[item.id] for item in report], inside)

    def gain(weights: Sequence[int] | None = None) -> float | None:
        a, b = ours.auroc(weights), theirs.auroc(weights)
        return None if a is None or b is None else a - b

    n = len(report)
    return {
        "steer": tried,
        "score": name,
        "n": n,
        "out_of_scope": inside.count(False),
        "auroc": {"value": ours.auroc(), "interval": bootstrap(n, ours.auroc)},
        "baseline": {"value": theirs.auroc(), "interval": bootstrap(n, theirs.auroc)},
        "difference": {"value": gain(), "interval": bootstrap(n, gain)},
    }
