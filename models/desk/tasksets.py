"""Writes the task files that `kinglet eval` reads: the public sets and the held-out families of the generator.

    python models/desk/tasksets.py --out target/desk/sets
"""

import argparse
from pathlib import Path

import generate
from data import public
from data.row import NONE, TASKS, Row, classify_prompt

SEED = 4104
"""Of the held-out sets: not the seed of any training file."""
HELDOUT_ROWS = 400
"""Rows of a held-out set, divided among the task's held-out families."""
INTENTS = {"clinc": public.clinc, "banking": public.banking}


def intent_items(name: str, side: str) -> list[tuple[str, str, str]]:
    """(id, text, label) of a side of CLINC150 or Banking77; texts out of scope come last, as "none of these"."""
    sets = INTENTS[name]()
    rows = [*sets[side], *((text, NONE) for text in sets.get(f"oos_{side}", []))]
    return [(f"{name}-{side}-{index:04}", text, label) for index, (text, label) in enumerate(rows)]


def intent_rows(name: str, side: str) -> list[Row]:
    """The same as tasks: every label of the set is offered, in one fixed order, and then "none of these"."""
    labels = [*INTENTS[name]()["labels"], NONE]
    return [
        Row("classify", f"{name}-{side}", classify_prompt(labels, text), label, labels, known=label != NONE, id=key)
        for key, text, label in intent_items(name, side)
    ]


def heldout_rows(task: str) -> list[Row]:
    """Rows of the task's held-out families, the same number of each."""
    families = [family for family in generate.families((task,)) if family.split == "heldout"]
    if not families:
        return []
    each = -(-HELDOUT_ROWS // len(families))
    return [row for family in families for row in generate.rows(family, each, SEED)]


def sets() -> dict[str, list[Row]]:
    """Every set by the name of its file."""
    out = {f"{name}-{side}": intent_rows(name, side) for name in INTENTS for side in ("steer", "report")}
    out["covid-report"] = public.covid()["report"]
    out["gsm-report"] = public.gsm8k()["report"]
    out.update({f"heldout-{task}": heldout_rows(task) for task in TASKS})
    return {name: rows for name, rows in out.items() if rows}


def main() -> None:
    """Writes one file for each set and says how many rows it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("target/desk/sets"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, rows in sets().items():
        (args.out / f"{name}.jsonl").write_text("".join(row.to_json() + "\n" for row in rows), encoding="utf-8")
        print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
