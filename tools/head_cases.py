"""Writes tests/cases/head.json: what scikit-learn's multinomial logistic regression finds for a few made-up examples.

    python tools/head_cases.py          (needs numpy and scikit-learn)

route/src/head/tests.rs holds its own minimum to these numbers. Values of very different sizes, one that never varies, and
classes of very different sizes are among them.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

SEED = 20261122
OUT = Path(__file__).resolve().parent.parent / "tests" / "cases" / "head.json"


def case(rng: np.random.Generator, counts: list[int], dimensions: int, c: float) -> dict[str, object]:
    """Gaussian classes around random centres, standardised as the head does it, and scikit-learn's answer."""
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = rng.normal(size=(len(counts), dimensions))
    sizes = 10.0 ** rng.integers(-3, 3, size=dimensions)
    states = ((centres[labels] + 1.5 * rng.normal(size=(len(labels), dimensions))) * sizes).astype(np.float32)
    states[:, -1] = 0.25
    wide = states.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    deviation[deviation < 1e-9] = 1.0
    features = (wide - mean) / deviation
    # Of two classes scikit-learn has one vector w; as softmax, w / 2 and -w / 2, half of the ridge.
    own = 2 * c if len(counts) == 2 else c
    model = LogisticRegression(C=own, tol=1e-12, max_iter=100_000).fit(features, labels)
    return {
        "c": c,
        "dimensions": dimensions,
        "labels": labels.tolist(),
        "states": [float(x) for x in states.ravel()],
        "probabilities": model.predict_proba(features).round(9).tolist(),
    }


def main() -> None:
    """Writes three cases: few and many classes, a weak and a strong ridge."""
    rng = np.random.default_rng(SEED)
    cases = [case(rng, [20, 5, 12], 6, 1.0), case(rng, [9] * 7, 10, 0.1), case(rng, [15, 15], 4, 10.0)]
    OUT.write_text(json.dumps(cases) + "\n", encoding="utf-8")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
