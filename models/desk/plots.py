"""Draws the loss and learning curves of the model card from train.py's logs.

    python models/desk/plots.py target/desk/desk.log.jsonl target/desk/desk-nano.log.jsonl --out models/desk/plots

Writes loss.svg (loss of the training batches, smoothed) and, where a log holds evaluations, accuracy-NAME.svg.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "desk", "svg.fonttype": "none", "font.size": 9, "lines.linewidth": 1.2})
import matplotlib.pyplot as plt  # noqa: E402

SMOOTH = 0.8
"""Share of the running mean that a new loss leaves."""
SIZE = (6.4, 3.6)


def read(path: Path) -> list[dict]:
    """The log's lines. A resumed run repeats steps: what was written later stands."""
    entries: dict[tuple, dict] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        entries[entry["step"], entry.get("set")] = entry
    return sorted(entries.values(), key=lambda entry: entry["step"])


def name(path: Path) -> str:
    """desk of desk.log.jsonl."""
    return path.name.split(".")[0]


def save(figure, path: Path) -> None:
    """Writes a figure without a date in it, so that it changes only when its numbers do."""
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    print(path)


def loss(logs: dict[str, list[dict]], out: Path) -> None:
    """Loss of every log over tokens."""
    figure, axes = plt.subplots(figsize=SIZE)
    for run, entries in logs.items():
        points, mean = [], None
        for entry in entries:
            if "loss" in entry:
                mean = entry["loss"] if mean is None else SMOOTH * mean + (1 - SMOOTH) * entry["loss"]
                points.append((entry["tokens"] / 1e6, mean))
        if points:
            axes.plot(*zip(*points, strict=True), label=run)
    axes.set(xlabel="tokens (millions)", ylabel="loss (nats per answer token, smoothed)", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, out / "loss.svg")


def accuracy(run: str, entries: list[dict], out: Path) -> None:
    """Accuracy of one log's checks over tokens."""
    tokens = {entry["step"]: entry["tokens"] for entry in entries if "tokens" in entry}
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in entries:
        if "accuracy" in entry:
            at = entry.get("tokens", tokens.get(entry["step"], 0)) / 1e6
            curves.setdefault(entry["set"], []).append((at, 100 * entry["accuracy"]))
    if not curves:
        return
    figure, axes = plt.subplots(figsize=SIZE)
    for label, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=label, marker=".")
    axes.set(xlabel="tokens (millions)", ylabel="exact answers (per cent)", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="lower right")
    save(figure, out / f"accuracy-{run}.svg")


def main() -> None:
    """Reads the logs, draws what they hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("models/desk/plots"))
    args = parser.parse_args()
    logs = {name(path): read(path) for path in args.logs}
    args.out.mkdir(parents=True, exist_ok=True)
    loss(logs, args.out)
    for run, entries in logs.items():
        accuracy(run, entries, args.out)


if __name__ == "__main__":
    main()
