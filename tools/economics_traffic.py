"""Writes a day of questions for tools/economics.mjs: generated support traffic, and CLINC150's *report* side where it is there.

    python tools/economics_traffic.py --queries 2000 --seed 7 > day.jsonl        KINGLET_SHARED: the folder with data/intents

Half of the questions are CLINC150's (with all 150 labels offered, as models/desk is measured), the other half are of the
generator's held-out families, its tasks alike. Lines are {"at", "id", "set", "task", "messages", "answer", "accept", "labels",
"never"}: `at` are milliseconds since midnight, in order, most of them around two in the afternoon; every twentieth question may not
leave the device. Needs nothing but Python.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models" / "desk"))

import tasksets  # noqa: E402
from data import public  # noqa: E402
from data.row import TASKS, Row  # noqa: E402
from data.shared import MissingShared  # noqa: E402

DAY_MS = 86_400_000
BUSIEST_MS = 14 * 3_600_000
NEVER = 20


def endless(rows: list[Row], draw: random.Random) -> Iterator[Row]:
    """All rows in a random order, and again."""
    while True:
        yield from draw.sample(rows, len(rows))


def support(draw: random.Random) -> Iterator[Row]:
    """Rows of held-out families, one task after the other."""
    tasks = [endless(rows, draw) for task in TASKS if (rows := tasksets.heldout_rows(task))]
    while True:
        for rows in tasks:
            yield next(rows)


def intents(draw: random.Random) -> Iterator[Row] | None:
    """CLINC150's report side; None where the set is not there."""
    try:
        public.clinc()
    except MissingShared:
        return None
    return endless(tasksets.intent_rows("clinc", "report"), draw)


def main() -> None:
    """Writes the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    clinc = intents(draw)
    if clinc is None:
        print("CLINC150 is not there: generated traffic alone", file=sys.stderr)
    half = args.queries // 2 if clinc else 0
    rows = [("clinc", row) for row in islice(clinc or iter(()), half)]
    rows += [("generated", row) for row in islice(support(draw), args.queries - half)]
    draw.shuffle(rows)
    times = sorted(int(draw.triangular(0, DAY_MS, BUSIEST_MS)) for _ in rows)
    for index, (at, (name, row)) in enumerate(zip(times, rows, strict=True)):
        given = json.loads(row.to_json())
        kept = {key: given.get(key, []) for key in ("messages", "answer", "accept", "labels")}
        line = {"at": at, "id": f"q{index}", "set": name, "task": "intent" if name == "clinc" else given["task"], **kept}
        print(json.dumps({**line, "never": index % NEVER == NEVER - 1}, ensure_ascii=False))


if __name__ == "__main__":
    main()
