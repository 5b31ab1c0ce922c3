"""Writes train.jsonl and heldout.jsonl from the seeded families. Standard library only.

    python models/desk/generate.py --count 400 --seed 1 --out target/desk
"""

import argparse
import importlib
import importlib.util
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from data.row import SPLITS, TASKS, Family, Row  # noqa: E402


def families(tasks: tuple[str, ...] = TASKS) -> list[Family]:
    """All families of the tasks that have a module in `data`."""
    found: list[Family] = []
    for task in tasks:
        name = f"data.{task}"
        if importlib.util.find_spec(name) is None:
            continue
        found.extend(importlib.import_module(name).FAMILIES)
    names = Counter(family.name for family in found)
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise ValueError(f"families with the same name: {', '.join(twice)}")
    return found


def rows(family: Family, count: int, seed: int | str) -> list[Row]:
    """Up to `count` different rows of a family: a prompt that came before is left out."""
    seen: set[str] = set()
    out: list[Row] = []
    for index in range(count):
        row = family.row(seed, index)
        if row.prompt not in seen:
            seen.add(row.prompt)
            out.append(row)
    return out


def main() -> None:
    """Reads the command line, writes both files, prints what they hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="rows per training family")
    parser.add_argument("--heldout-count", type=int, default=40, help="rows per held-out family")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=TASKS)
    parser.add_argument("--out", type=Path, default=Path("target/desk"))
    parser.add_argument("--quiet", action="store_true", help="counts per task only")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    counts = dict(zip(SPLITS, (args.count, args.heldout_count)))
    per_family: Counter[tuple[str, str, str]] = Counter()
    per_task: Counter[tuple[str, str]] = Counter()
    for split in SPLITS:
        made: list[Row] = []
        for family in families(tuple(args.tasks)):
            if family.split == split:
                new = rows(family, counts[split], args.seed)
                made.extend(new)
                per_family[split, family.task, family.name] += len(new)
                per_task[split, family.task] += len(new)
        random.Random(f"{args.seed}:{split}:order").shuffle(made)
        with open(args.out / f"{split}.jsonl", "w", encoding="utf-8") as file:
            for row in made:
                file.write(row.to_json() + "\n")
    if not args.quiet:
        for (split, task, name), number in per_family.items():
            print(f"{split:8} {task:10} {name:40} {number}")
    for (split, task), number in per_task.items():
        print(f"{split:8} {task:10} {number}")


if __name__ == "__main__":
    main()
