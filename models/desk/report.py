"""Makes the tables of the model card from what `kinglet eval` wrote.

    python models/desk/report.py --run desk=target/desk/eval/desk --run nano=target/desk/eval/nano \\
        --baseline target/desk --out target/desk/report

Each run is a folder with one file of items for each set (clinc-report.jsonl …). The first run is the shipped model:
doubt and scope are measured on it, and the others are compared with it, item by item. A run's folder may also hold
perplexity.json (perplexity.py). Writes report.md and report.json.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import measures
import tables
from items import Item, load_run
from measures import Measured

Run = Mapping[str, list[Item]]
INTENTS = ("clinc", "banking")


def in_scope(items: list[Item]) -> list[Item]:
    """The items of a set whose answer is one of its labels."""
    return [item for item in items if not item.due]


def is_intent(name: str) -> bool:
    """Whether a set is a side of CLINC150 or Banking77."""
    return name.split("-")[0] in INTENTS


def by_family(items: list[Item]) -> dict[str, Measured]:
    """Accuracy of each family of a set."""
    families = sorted({item.family for item in items})
    return {family: measures.accuracy([item for item in items if item.family == family]) for family in families}


def measure_set(name: str, items: list[Item]) -> Measured:
    """What is measured on every set of every run. Accuracy on intents is over the rows in scope."""
    return {
        "accuracy": measures.accuracy(in_scope(items) if is_intent(name) else items),
        "refusals": measures.refusals(items),
        "f1": measures.mean_f1(items),
        "families": by_family(items),
    }


def baseline_items(folder: Path, name: str) -> list[dict]:
    """The baseline's items of a set, none if it was not run."""
    path = folder / f"baseline-{name}.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure_baseline(folder: Path) -> dict[str, Measured]:
    """The baseline's accuracy in scope, by set."""
    out = {}
    for name in INTENTS:
        inside = [item for item in baseline_items(folder, name) if item["in_scope"]]
        if inside:
            out[f"{name}-report"] = measures.proportion(sum(item["correct"] for item in inside), len(inside))
    return out


def measure_scope(run: Run, folder: Path) -> Measured | None:
    """Desk and the baseline on what is out of scope; needs both sides of CLINC150."""
    scores = {item["id"]: item["score"] for item in baseline_items(folder, "clinc")}
    if not scores or "clinc-steer" not in run or "clinc-report" not in run:
        return None
    return measures.scope(run["clinc-steer"], run["clinc-report"], scores)


def differences(first: Run, other: Run) -> dict[str, Measured]:
    """Accuracy of the first run less another's on every set that both have."""
    out = {}
    for name in first:
        found = name in other and measures.difference(first[name], other[name])
        if found:
            out[name] = found
    return out


def perplexity(folder: Path) -> Measured | None:
    """What perplexity.py found for a run, if it was run."""
    path = folder / "perplexity.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def build(folders: Mapping[str, Path], baseline: Path) -> Measured:
    """Everything that the tables show."""
    runs = {name: load_run(folder) for name, folder in folders.items()}
    first, *others = runs
    return {
        "runs": {run: {name: measure_set(name, items) for name, items in sets.items()} for run, sets in runs.items()},
        "perplexity": {run: found for run, folder in folders.items() if (found := perplexity(folder))},
        "doubt": {name: measures.doubt(items) for name, items in runs[first].items()},
        "baseline": measure_baseline(baseline),
        "scope": measure_scope(runs[first], baseline),
        "differences": {f"{first} - {other}": differences(runs[first], runs[other]) for other in others},
    }


def named(text: str) -> tuple[str, Path]:
    """NAME=DIR."""
    name, equals, folder = text.partition("=")
    if not equals or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=DIR, where DIR is a folder")
    return name, Path(folder)


def main() -> None:
    """Measures the runs and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=named, action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("--baseline", type=Path, default=Path("target/desk"))
    parser.add_argument("--out", type=Path, default=Path("target/desk/report"))
    args = parser.parse_args()
    report = build(dict(args.run), args.baseline)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = tables.markdown(report)
    (args.out / "report.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
