#!/usr/bin/env python3
"""What the bounds of route/src/drift cost and find, simulated independently of the crate.

    pip install numpy && python3 tools/route_drift.py

For each detector: share of streams of 2000 unchanged answers with an alarm, and share of streams in which a change from 5.3 %
to 18 % out of scope is noticed within 500 answers. Scores are Beta(1, 8) in scope and Beta(2, 3) out of it (area under the
ROC curve .909); each stream has a reference of its own. The constants are those of cusum.rs, psi.rs, raw.rs and mod.rs. Five
signals beside the score are independent of it (the worst case for false alarms of any) and normal: a histogram of fixed shares
knows only ranks. Durations are log-normal with a sigma of .4. With the change prompts become longer (the first signal's mean
rises by .8 of its standard deviation) and answers take half as long again.
"""
import numpy as np

SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
NEW, TILT, ODDS, SCORES, ASKED, CHECKS, SLOWER = 0.13, 16, 1.8, 7.5, 8.0, 8.0, 10.0
WINDOW, SCORES_Z, SIGNALS_Z, SIGNALS = 250, 3.290526731491926, 3.719016485455709, 5
UNCHANGED, WITHIN, BEFORE, AFTER, RATE = 2000, 500, 0.053, 0.18, 0.16
STREAMS = 4000
rng = np.random.default_rng(1)


def draw(n, outside):
    return np.where(rng.random(n) < outside, rng.beta(2, 3, n), rng.beta(1, 8, n))


def cusum(steps):
    """The largest value of max(0, s + step)."""
    s = np.cumsum(steps)
    return (s - np.minimum(np.minimum.accumulate(s), 0)).max()


def score_steps(counts):
    n = counts.sum()
    share = (counts + 0.5) / (n + 0.5 * len(counts))
    edge = np.concatenate([[0], np.cumsum(share)])
    step = np.log(1 - NEW + NEW * np.diff(edge**TILT) / share)
    mean = (share * step).sum()
    return step - np.sqrt(((share * step**2).sum() - mean**2) / n)


def rate_steps(k, n):
    rate = (k + 0.5) / (n + 1)
    p0 = min(rate + np.sqrt(rate * (1 - rate) / n), 1 - 0.5 / (n + 1))
    p1 = ODDS * p0 / (1 - p0) / (1 + ODDS * p0 / (1 - p0))
    return np.log((1 - p1) / (1 - p0)), np.log(p1 / p0)


def moved(bins, counts, z):
    degrees = len(counts) - 1
    c = 2 / (9 * degrees)
    bound = degrees * (1 - c + z * np.sqrt(c)) ** 3 * (1 / WINDOW + 1 / counts.sum())
    b = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    for i in range(0, len(bins) - WINDOW + 1, WINDOW):
        window = np.bincount(bins[i : i + WINDOW], minlength=len(counts))
        a = (window + 0.5) / (WINDOW + 0.5 * len(counts))
        if ((a - b) * np.log(a / b)).sum() > bound:
            return True
    return False


def histogram(old):
    edges = np.quantile(old, SHARES)
    return edges, np.bincount(np.searchsorted(edges, old, "right"), minlength=len(edges) + 1)


def stream(reference):
    old = draw(reference, BEFORE)
    edges, counts = histogram(old)
    threshold = np.quantile(old, 1 - RATE)
    steps, asked = score_steps(counts), rate_steps((old >= threshold).sum(), reference)
    failed = rate_steps(rng.binomial(reference, 0.02), reference)
    signals = [histogram(rng.normal(size=reference)) for _ in range(SIGNALS)]
    durations = rng.normal(size=reference) * 0.4
    slow_from = np.quantile(durations, 0.9)
    slow = rate_steps((durations > slow_from).sum(), reference)
    alarms = []
    for n, outside, fail, longer, slower in ((UNCHANGED, BEFORE, 0.02, 0, 1), (WITHIN, AFTER, 0.06, 0.8, 1.5)):
        new = draw(n, outside)
        bins = np.searchsorted(edges, new, "right")
        alarms.append([
            cusum(steps[bins]) >= SCORES,
            cusum(np.where(new >= threshold, asked[1], asked[0])) >= ASKED,
            moved(bins, counts, SCORES_Z),
            cusum(np.where(rng.random(n) < fail, failed[1], failed[0])) >= CHECKS,
            any(
                moved(np.searchsorted(edges, rng.normal(size=n) + longer * (i == 0), "right"), counts, SIGNALS_Z)
                for i, (edges, counts) in enumerate(signals)
            ),
            cusum(np.where(rng.normal(size=n) * 0.4 + np.log(slower) > slow_from, slow[1], slow[0])) >= SLOWER,
        ])
    return alarms


for reference in (300, 1000, 3000):
    found = np.array([stream(reference) for _ in range(STREAMS)])
    print(f"reference of {reference}, {STREAMS} streams")
    for i, name in enumerate(("scores", "asked", "moved", "checks (2 % to 6 %)", "signals moved", "slower")):
        print(f"  {name}: false alarms {found[:, 0, i].mean():.3f}, noticed {found[:, 1, i].mean():.3f}")
    three = found[:, :, :3].any(axis=2).mean(axis=0)
    print(f"  any of the first three: false alarms {three[0]:.3f}, noticed {three[1]:.3f}")
    print(f"  any of all: false alarms {found[:, 0].any(axis=1).mean():.4f}")
