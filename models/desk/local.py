"""How much of CLINC150's traffic a threshold keeps on the device at a bounded risk, with texts out of scope mixed in.

    python models/desk/local.py --steer clinc-steer.jsonl --report clinc-report.jsonl [--heads FOLDER]

The files are items of `kinglet eval`; FOLDER has clinc-steer.head.json and clinc-report.head.json of tools/head_lift.mjs. The
sets hold 50 texts out of scope each, so rows in scope and out of it are weighted to the shares 5.3 and 18 %. An answer
"none of these" to a text out of scope is right. Score and threshold are chosen on steer; report is used once.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from data.row import NONE
from items import Item, load

SHARES = (0.053, 0.18)
RISK = 0.03
RESAMPLES = 2000
SEED = 20
Row = tuple[float, bool, bool]
"""Score (high: sure), right, in scope."""


def weights(rows: Sequence[Row], share: float) -> list[float]:
    """So that texts out of scope have this share."""
    out = sum(not row[2] for row in rows)
    inside = len(rows) - out
    if not out or not inside:
        return [0.0] * len(rows)
    return [(1 - share) / inside if row[2] else share / out for row in rows]


def kept(rows: Sequence[Row], share: float, threshold: float) -> tuple[float, float]:
    """Share kept at a threshold, and the share of wrong answers among them."""
    pairs = zip(rows, weights(rows, share), strict=True)
    there = [(w, right) for (score, right, _), w in pairs if score >= threshold]
    local = sum(w for w, _ in there)
    return local, sum(w for w, right in there if not right) / local if local else 0.0


def loosest(rows: Sequence[Row], share: float) -> tuple[float, float]:
    """The lowest threshold whose risk on these rows is at most RISK, and what it keeps."""
    order = sorted(zip(rows, weights(rows, share), strict=True), key=lambda pair: -pair[0][0])
    best, local, wrong = (float("inf"), 0.0), 0.0, 0.0
    for i, ((score, right, _), w) in enumerate(order):
        local += w
        wrong += 0.0 if right else w
        last = i + 1 == len(order) or order[i + 1][0][0] != score
        if last and wrong <= RISK * local:
            best = (score, local)
    return best


def auroc(rows: Sequence[Row], share: float) -> float:
    """The chance that a right answer scores above a wrong one, ties counted half."""
    below = above = wins = 0.0
    order = sorted(zip(rows, weights(rows, share), strict=True), key=lambda pair: pair[0][0])
    i = 0
    while i < len(order):
        up = down = 0.0
        score = order[i][0][0]
        while i < len(order) and order[i][0][0] == score:
            up, down = (up + order[i][1], down) if order[i][0][1] else (up, down + order[i][1])
            i += 1
        wins += up * (below + down / 2)
        below, above = below + down, above + up
    return wins / (above * below) if above and below else float("nan")


def interval(rows: Sequence[Row], measure: Callable[[list[Row]], float]) -> str:
    """The value with its 95 % bootstrap interval."""
    rng = random.Random(SEED)
    values = sorted(measure(rng.choices(rows, k=len(rows))) for _ in range(RESAMPLES))
    last = RESAMPLES - 1
    low, high = values[round(0.025 * last)], values[round(0.975 * last)]
    return f"{measure(list(rows)):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Prints, for each share and way of deciding, AUROC, share kept and risk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("steer", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--heads", type=Path)
    args = parser.parse_args()
    sides = {name: load(getattr(args, name)) for name in ("steer", "report")}
    heads = {}
    if args.heads:
        for name in sides:
            found = json.loads((args.heads / f"clinc-{name}.head.json").read_text(encoding="utf-8"))
            heads[name] = {item["id"]: item for item in found}

    def inside(item: Item) -> bool:
        return item.expected != NONE

    def by(name: str, signal: str) -> list[Row]:
        return [(item.signals[signal], item.correct, inside(item)) for item in sides[name]]

    ways: dict[str, Callable[[str], list[Row]]] = {
        signal: (lambda name, signal=signal: by(name, signal)) for signal in ("label_max", "label_margin", "min_logprob")
    }
    if heads:
        ways["head alone (head_max)"] = lambda name: [
            (heads[name][item.id]["max"], heads[name][item.id]["said"] == item.expected, inside(item))
            for item in sides[name]
        ]
        # Both must be sure, and say the same: the answer is the labels', the doubt is of both.
        ways["labels, doubt of both (label_max x head's share of the same label)"] = lambda name: [
            (
                item.signals["label_max"]
                * (heads[name][item.id]["max"] if heads[name][item.id]["said"] == item.answer else 0.0),
                item.correct,
                inside(item),
            )
            for item in sides[name]
        ]
    for share in SHARES:
        print(f"out of scope {100 * share:.1f} %, risk at most {100 * RISK:.0f} %")
        for way, rows in ways.items():
            steer, report = rows("steer"), rows("report")
            threshold, on_steer = loosest(steer, share)
            local = interval(report, lambda r, t=threshold: kept(r, share, t)[0])
            risk = interval(report, lambda r, t=threshold: kept(r, share, t)[1])
            print(f"  {way}")
            print(f"    AUROC: steer {auroc(steer, share):.3f}, report {interval(report, lambda r: auroc(r, share))}")
            print(f"    threshold of steer (keeps {on_steer:.3f} there): report keeps {local}, risk {risk}")
            print(f"    best threshold on report itself: keeps {interval(report, lambda r: loosest(r, share)[1])}")


if __name__ == "__main__":
    main()
