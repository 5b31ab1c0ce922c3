"""The linear baseline of intent classification: TF-IDF of words and characters with logistic regression.

    python models/desk/baseline.py --out target/desk

It sees the rows that desk is trained on. Variant and regularisation are chosen on *steer*, by the AUROC of the highest
in-scope probability for CLINC150 (accuracy within one point of the best is required) and by accuracy for Banking77.
Then it scores *report*: baseline-clinc.jsonl and baseline-banking.jsonl hold the items, the .json beside each what was
tried on the way.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from data import public
from data.row import NONE
from stats import auroc, wilson
from tasksets import intent_items

VARIANTS = {"clinc": ("own", "own+oos", "both", "both+oos"), "banking": ("own", "both")}
REGULARISATION = (4.0, 16.0, 64.0, 256.0)
NEAR = 0.01
"""A variant may lose this much accuracy on steer and still be chosen for its AUROC."""
TOLERANCE = 1e-5
"""Of the gradient. scikit-learn's default of 1e-4 stops early here, at a point or two less accuracy."""
SIDES = ("steer", "report")


@dataclass
class Fitted:
    """A variant at one strength of regularisation: its classes and, by side, its probabilities."""

    variant: str
    c: float
    classes: list[str]
    probabilities: dict[str, np.ndarray]
    iterations: int
    seconds: float


def features() -> FeatureUnion:
    """TF-IDF of words 1-2 and characters 3-5."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    return FeatureUnion([("words", words), ("chars", chars)])


def training_rows(name: str, variant: str) -> list[tuple[str, str]]:
    """The rows of a variant: the set's own, with texts out of scope as a class, or with the other set's rows, too."""
    clinc, banking = public.clinc(), public.banking()
    rows = list((clinc if name == "clinc" else banking)["train"])
    if "oos" in variant:
        rows += [(text, NONE) for text in clinc["oos_train"]]
    if "both" in variant:
        own = {label for _, label in rows}
        other = banking if name == "clinc" else clinc
        rows += [(text, label if label in own else f"other: {label}") for text, label in other["train"]]
    return rows


def fit(name: str, variant: str) -> list[Fitted]:
    """Fits the variant at every strength, each from where the one before ended, until the gradient is flat."""
    rows = training_rows(name, variant)
    make = features()
    x = make.fit_transform([text for text, _ in rows])
    sides = {side: make.transform([text for _, text, _ in intent_items(name, side)]) for side in SIDES}
    model = LogisticRegression(max_iter=400, tol=TOLERANCE, warm_start=True)
    out = []
    for c in REGULARISATION:
        start = time.monotonic()
        model.set_params(C=c).fit(x, [label for _, label in rows])
        probabilities = {side: model.predict_proba(sides[side]) for side in SIDES}
        seconds = round(time.monotonic() - start, 1)
        print(name, variant, c, f"{seconds} s, {model.n_iter_[0]} iterations", flush=True)
        out.append(Fitted(variant, c, list(model.classes_), probabilities, int(model.n_iter_[0]), seconds))
    return out


def judge(name: str, side: str, fitted: Fitted) -> list[dict]:
    """One item a row: the best label of the set, its probability as the score of being in scope."""
    offered = [i for i, label in enumerate(fitted.classes) if label != NONE and not label.startswith("other: ")]
    items = []
    for (key, _, label), row in zip(intent_items(name, side), fitted.probabilities[side], strict=True):
        best = max(offered, key=lambda i: row[i])
        answer = fitted.classes[best]
        items.append(
            {
                "id": key,
                "task": "classify",
                "family": f"{name}-{side}",
                "answer": answer,
                "expected": label,
                "correct": answer == label,
                "in_scope": label != NONE,
                "score": float(row[best]),
            }
        )
    return items


def measure(items: list[dict]) -> dict:
    """Accuracy in scope, and the AUROC of the score for being in scope where there are texts out of it."""
    inside = [item for item in items if item["in_scope"]]
    right = sum(item["correct"] for item in inside)
    out = {"n": len(inside), "accuracy": right / len(inside), "accuracy_interval": wilson(right, len(inside))}
    if len(inside) < len(items):
        out["oos_auroc"] = auroc([item["score"] for item in items], [item["in_scope"] for item in items])
    return out


def choose(tried: list[dict]) -> int:
    """The index of the variant that steer prefers."""
    best = max(entry["steer"]["accuracy"] for entry in tried)
    near = [i for i, entry in enumerate(tried) if entry["steer"]["accuracy"] >= best - NEAR]
    return max(near, key=lambda i: (tried[i]["steer"].get("oos_auroc", 0.0), tried[i]["steer"]["accuracy"]))


def conclude(name: str, fits: list[Fitted], out: Path) -> None:
    """Chooses on steer, scores report, writes both files of the set."""
    tried = [
        {
            "variant": fitted.variant,
            "c": fitted.c,
            "iterations": fitted.iterations,
            "seconds": fitted.seconds,
            "steer": measure(judge(name, "steer", fitted)),
        }
        for fitted in fits
    ]
    chosen = choose(tried)
    items = judge(name, "report", fits[chosen])
    result = {"tried": tried, "chosen": tried[chosen], "report": measure(items)}
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    (out / f"baseline-{name}.jsonl").write_text(lines, encoding="utf-8")
    (out / f"baseline-{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(name, "chosen", json.dumps(result["chosen"]), "report", json.dumps(result["report"]), flush=True)


def main() -> None:
    """Fits every variant of every set and writes what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("target/desk"))
    parser.add_argument("--jobs", type=int, default=2, help="variants fitted at the same time (up to 4 GB each)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        futures = {name: [pool.submit(fit, name, variant) for variant in VARIANTS[name]] for name in VARIANTS}
        for name, waiting in futures.items():
            conclude(name, [fitted for future in waiting for fitted in future.result()], args.out)


if __name__ == "__main__":
    main()
