"""The measured numbers as Markdown tables."""

from collections.abc import Iterable, Sequence

from measures import DOUBT, Measured

GOALS = {
    "heldout-classify": 0.95,
    "heldout-extract": 0.90,
    "heldout-answer": 0.90,
    "clinc-report": 0.92,
    "banking-report": 0.90,
}
"""Accuracies that the project set out to reach."""
RECALL_GOAL, FALSE_GOAL = 0.90, 0.05


def percent(measured: Measured | None, signed: bool = False) -> str:
    """A proportion and its interval in per cent."""
    if measured is None or measured["value"] is None:
        return "–"
    sign = "+" if signed else ""
    low, high = measured["interval"]
    return f"{100 * measured['value']:{sign}.1f} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"


def area(measured: Measured | None, signed: bool = False) -> str:
    """An AUROC, or a difference of two, and its interval."""
    if measured is None or measured["value"] is None or measured["interval"] is None:
        return "–"
    sign = "+" if signed else ""
    low, high = measured["interval"]
    return f"{measured['value']:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; none where there are no rows."""
    body = ["| " + " | ".join(row) + " |" for row in rows]
    if not body:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *body]) + "\n"


def set_names(report: Measured) -> list[str]:
    """Every set of any run, once, in order."""
    return list(dict.fromkeys(name for sets in report["runs"].values() for name in sets))


def accuracies(report: Measured) -> str:
    """Accuracy of every run on every set, beside the goal and the baseline."""
    runs = report["runs"]
    rows = []
    for name in set_names(report):
        found = [sets[name]["accuracy"] if name in sets else None for sets in runs.values()]
        n = next(str(one["n"]) for one in found if one)
        goal = f"{100 * GOALS[name]:.0f}" if name in GOALS else ""
        base = percent(report["baseline"][name]) if name in report["baseline"] else ""
        rows.append([name, n, goal, *map(percent, found), base])
    return table(["set", "n", "goal", *runs, "linear baseline"], rows)


def refusals(report: Measured) -> str:
    """Refusals where due, and where not."""
    rows = []
    for run, sets in report["runs"].items():
        for name, measured in sets.items():
            found = measured["refusals"]
            if found:
                met = ""
                if name == "heldout-answer":
                    good = found["recall"]["value"] >= RECALL_GOAL and (found["false"]["value"] or 0) <= FALSE_GOAL
                    met = "met" if good else "missed"
                cells = [percent(found["recall"]), percent(found["false"])]
                rows.append([name, run, found["kind"], *cells, str(found["recall"]["n"]), met])
    return table(["set", "run", "refusal", "recall", "false refusals", "due", "goal 90 at 5"], rows)


def f1(report: Measured) -> str:
    """Mean F1 of the questions that have an answer."""
    found = [
        (run, name, one["f1"]) for run, sets in report["runs"].items() for name, one in sets.items() if one["f1"]
    ]
    return table(["set", "run", "n", "F1"], [[name, run, str(one["n"]), percent(one)] for run, name, one in found])


def doubt(report: Measured) -> str:
    """AUROC of being right against each signal."""
    rows = []
    for name, found in report["doubt"].items():
        if found:
            some = next(iter(found.values()))
            rows.append([name, f"{some['wrong']} of {some['n']}", *(area(found.get(signal)) for signal in DOUBT)])
    return table(["set", "wrong", *DOUBT], rows)


def scope(report: Measured) -> str:
    """Out of scope: desk against the baseline."""
    found = report["scope"]
    if not found:
        return ""
    names = table(["score", "AUROC on steer"], [[name, f"{value:.3f}"] for name, value in found["steer"].items()])
    result = table(
        ["score", "desk", "linear baseline", "difference"],
        [[found["score"], area(found["auroc"]), area(found["baseline"]), area(found["difference"], signed=True)]],
    )
    size = f"{found['n']} rows of report, {found['out_of_scope']} out of scope. The score was chosen on steer:\n"
    return "\n".join([size, names, result])


def differences(report: Measured) -> str:
    """The first run against the others."""
    rows = []
    for pair, sets in report["differences"].items():
        rows.extend([name, pair, str(one["n"]), percent(one, signed=True)] for name, one in sets.items())
    return table(["set", "runs", "n", "points of accuracy"], rows)


def families(report: Measured) -> str:
    """Accuracy of the first run on each held-out family."""
    sets = next(iter(report["runs"].values()))
    rows = []
    for name, measured in sets.items():
        if name.startswith("heldout-"):
            rows.extend([name, family, str(one["n"]), percent(one)] for family, one in measured["families"].items())
    return table(["set", "family", "n", "accuracy"], rows)


def perplexities(report: Measured) -> str:
    """Perplexity of the answers of the held-out rows."""
    rows = [[run, str(one["tokens"]), f"{one['perplexity']:.4f}"] for run, one in report["perplexity"].items()]
    return table(["run", "tokens of answers", "perplexity"], rows)


PARTS = (
    ("Accuracy (per cent, 95 % Wilson intervals)", accuracies),
    ("Refusals (per cent)", refusals),
    ("Overlap of words with the expected answer (per cent)", f1),
    ("Doubt: AUROC of being right against the model's signals (95 % bootstrap intervals)", doubt),
    ("Out of scope (CLINC150)", scope),
    ("Runs compared item by item (95 % paired bootstrap intervals)", differences),
    ("Perplexity", perplexities),
    ("Held-out families", families),
)


def markdown(report: Measured) -> str:
    """All tables that have rows."""
    made = ((title, part(report)) for title, part in PARTS)
    return "\n".join(f"## {title}\n\n{text}" for title, text in made if text)
