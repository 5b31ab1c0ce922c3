"""Measures three signals on the published outcomes of a weak and a strong model, with numpy and scikit-learn alone.

    python tools/route_outcomes.py ../shared/data/routing/mmlu_outcomes > tests/cases/route_outcomes.json
    python tools/route_outcomes.py ../shared/data/routing/mmlu_outcomes --check tests/cases/route_outcomes.json [--all]

route/tests/outcomes.rs computes the same with the crate `kinglet-route` and compares. Nothing is shared but the data, the
definitions in docs/route.md, and the generator of the samples. Needs numpy and scikit-learn (models/desk/requirements.txt).
`--check` computes the figures again, with the intervals of the first few replicates (`--all`: of all), and fails where one
differs from the file's by more than 1e-6; `cargo xtask test` does.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

SPLIT_SEED = 6
"""Of the coin that decides which half of the items the task label learns from."""
BOOTSTRAP_SEED = 7
REPLICATES = 1000
FIRST = 50
"""Replicates of the small check."""
TOLERANCE = 1e-6
LEVEL = 0.95
WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
METRICS = ("apgr", "cpt50", "cpt80", "auc_df", "auroc_wrong", "auroc_gain")
PAIRS = (("task", "length"), ("length", "random"), ("task", "random"))


def splitmix(seed: int, first: int, count: int) -> np.ndarray:
    """Draws `first` and on of SplitMix64."""
    with np.errstate(over="ignore"):
        gamma = np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(seed) + (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * gamma
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def sample(n: int, replicate: int) -> np.ndarray:
    """How often each of n items is drawn."""
    draws = splitmix(BOOTSTRAP_SEED, replicate * n, n)
    return np.bincount(((draws >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32), minlength=n)


def read(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Subject, length of the prompt in characters, and who is right, of every question; files by name."""
    subjects, lengths, weak, strong = [], [], [], []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                subjects.append(path.stem)
                lengths.append(len(row["prompt"]))
                weak.append(row[WEAK] == "True")
                strong.append(row[STRONG] == "True")
    return subjects, np.array(lengths, float), np.array(weak), np.array(strong)


def curve(score: np.ndarray, weak: np.ndarray, strong: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share escalated and quality, group by group of equal scores, from the highest on."""
    values, group = np.unique(-score, return_inverse=True)
    size = np.bincount(group, weights=count, minlength=len(values))
    gain = np.bincount(group, weights=count * (strong.astype(float) - weak), minlength=len(values))
    n = count.sum()
    quality = (count * weak).sum() / n + np.concatenate([[0], np.cumsum(gain)]) / n
    return np.concatenate([[0], np.cumsum(size)]) / n, quality


def first_share(share: np.ndarray, quality: np.ndarray, wanted: float) -> float:
    """Where the curve first reaches the quality."""
    at = int(np.argmax(quality >= wanted))
    if at == 0:
        return 0.0
    part = (wanted - quality[at - 1]) / (quality[at] - quality[at - 1])
    return share[at - 1] + part * (share[at] - share[at - 1])


def measure(score: np.ndarray, weak: np.ndarray, strong: np.ndarray, count: np.ndarray) -> list[float]:
    """METRICS of one sample."""
    share, quality = curve(score, weak, strong, count)
    low, high = (count * weak).sum() / count.sum(), (count * strong).sum() / count.sum()
    area = np.trapezoid(quality, share)
    return [
        (area - low) / (high - low),
        first_share(share, quality, low + 0.5 * (high - low)),
        first_share(share, quality, low + 0.8 * (high - low)),
        area,
        roc_auc_score(~weak, score, sample_weight=count),
        roc_auc_score(strong & ~weak, score, sample_weight=count),
    ]


def compute(folder: Path, replicates: int) -> dict:
    """Every figure with its interval, of so many replicates; and with that of the first few."""
    subjects, length, weak, strong = read(folder)
    judged = splitmix(SPLIT_SEED, 0, len(subjects)) >> np.uint64(63) == 1
    gain = strong.astype(float) - weak
    names = np.array(subjects)
    task = np.empty(len(names))
    for name in set(subjects):
        learnt = (names == name) & ~judged
        task[names == name] = gain[learnt].mean() if learnt.any() else gain[~judged].mean()
    weak, strong, length, task = weak[judged], strong[judged], length[judged], task[judged]
    signals = {"task": task, "length": length, "random": np.zeros(len(task))}
    n = len(task)
    samples = [np.ones(n, int)] + [sample(n, r) for r in range(replicates)]
    figures = {name: np.array([measure(s, weak, strong, c) for c in samples]) for name, s in signals.items()}
    for a, b in PAIRS:
        figures[f"{a} - {b}"] = figures[a] - figures[b]

    def table(replicates: int) -> dict:
        tail = (1 - LEVEL) / 2
        return {
            name: {
                metric: [values[0, i], *np.quantile(values[1 : replicates + 1, i], [tail, 1 - tail])]
                for i, metric in enumerate(METRICS)
            }
            for name, values in figures.items()
        }

    return {
        "source": "lm-sys/RouteLLM @ 0b64fdafe049e596a3f5657c219329f24af24198, evals/mmlu/responses (29 subjects)",
        "split_seed": SPLIT_SEED,
        "bootstrap_seed": BOOTSTRAP_SEED,
        "replicates": replicates,
        "level": LEVEL,
        "n": len(subjects),
        "n_judged": n,
        "subjects": len(set(subjects)),
        "weak": weak.mean(),
        "strong": strong.mean(),
        "figures": table(replicates),
        "first": table(FIRST),
    }


def furthest(got: dict, expected: dict) -> float:
    """The largest distance between two tables of figures."""
    return max(
        abs(a - b)
        for name, metrics in expected.items()
        for metric, numbers in metrics.items()
        for a, b in zip(got[name][metric], numbers, strict=True)
    )


def main() -> None:
    """Prints every figure with its interval, or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    out = compute(args.folder, FIRST if args.check and not args.all else REPLICATES)
    if args.check is None:
        json.dump(out, sys.stdout, indent=1)
        print()
        return
    expected = json.loads(args.check.read_text(encoding="utf-8"))
    tables = ("figures", "first") if args.all else ("first",)
    off = max(furthest(out[table], expected[table]) for table in tables)
    print(f"n {out['n_judged']}, {out['replicates']} replicates: furthest from the file {off:.1e}")
    if off > TOLERANCE or any(out[key] != expected[key] for key in ("n", "n_judged", "subjects")):
        sys.exit("the figures are not those of the file")


if __name__ == "__main__":
    main()
