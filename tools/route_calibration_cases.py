#!/usr/bin/env python3
"""Writes tests/cases/route_calibration.json: binomial tails and bounds as SciPy has them, logistic and isotonic fits as
scikit-learn has them.

    pip install scipy scikit-learn && python3 tools/route_calibration_cases.py

Seeds are fixed; SciPy 1.17 and scikit-learn 1.9 wrote the file that is there.
"""
import json
import pathlib

import numpy as np
from scipy.special import expit
from scipy.stats import beta, binom
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

TAILS = [
    (0, 1, 0.5), (3, 10, 0.3), (0, 45, 0.05), (18, 500, 0.05), (40, 1000, 0.05), (13, 1000, 0.02), (1, 100, 0.05),
    (250, 5000, 0.05), (4900, 100_000, 0.05), (5100, 100_000, 0.05), (4000, 100_000, 0.05), (99_999, 100_000, 0.9999),
    (100, 100_000, 0.001), (3, 100_000, 0.0001), (49_500, 100_000, 0.5), (50_500, 100_000, 0.5), (900, 1000, 0.999),
]
BOUNDS = [(0, 45), (0, 1), (1, 100), (5, 200), (18, 500), (40, 1000), (99, 100), (5000, 100_000), (3, 100_000)]
DELTAS = [0.1, 0.05, 0.001]


def logistic(rng, ridge):
    x = np.round(rng.normal(size=(150, 4)) * [1, 2, 0.5, 1], 3)
    x[:, 3] = np.round(x[:, 0] * 0.9 + 0.1 * x[:, 3], 3)  # two columns that say nearly the same
    y = (rng.random(150) < expit(x @ [1.5, -0.7, 2.0, 0.3] - 1.0)).astype(int)
    fit = LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(x, y)
    return {"ridge": ridge, "x": x.tolist(), "y": y.tolist(), "weights": fit.coef_[0].tolist(), "bias": fit.intercept_[0]}


def soft(rng, ridge):
    """Targets 0, 1/2 and 1, as of a gain: each half is half a row of either kind."""
    x = np.round(rng.normal(size=(120, 2)), 3)
    y = rng.integers(0, 3, size=120) / 2
    twice = np.concatenate([x, x])
    labels = np.concatenate([np.ones(120), np.zeros(120)])
    weights = np.concatenate([y, 1 - y])
    fit = LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    fit.fit(twice, labels, sample_weight=weights)
    return {"ridge": ridge, "x": x.tolist(), "y": y.tolist(), "weights": fit.coef_[0].tolist(), "bias": fit.intercept_[0]}


def isotonic(rng):
    x = np.round(rng.random(80), 2)  # with ties
    y = (rng.random(80) < x**2).astype(float)
    fit = IsotonicRegression().fit(x, y)
    return {"x": x.tolist(), "y": y.tolist(), "at": fit.predict(x).tolist()}


def main():
    rng = np.random.default_rng(6)
    cases = {
        "cdf": [[k, n, p, binom.cdf(k, n, p), binom.sf(k - 1, n, p), binom.pmf(k, n, p)] for k, n, p in TAILS],
        "bounds": [
            [k, n, d, beta.ppf(1 - d, k + 1, n - k), beta.ppf(d, k, n - k + 1) if k else 0.0]
            for k, n in BOUNDS
            for d in DELTAS
        ],
        "logistic": [logistic(rng, ridge) for ridge in (1.0, 0.1, 25.0)] + [soft(rng, 1.0)],
        "isotonic": [isotonic(rng) for _ in range(2)],
    }
    path = pathlib.Path(__file__).parent.parent / "tests/cases/route_calibration.json"
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


main()
