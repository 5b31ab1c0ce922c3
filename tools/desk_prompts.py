"""Writes tests/cases/desk_prompts.jsonl: parts of a task, and the prompt that models/desk builds of them for training.

    python3 tools/desk_prompts.py [--check]

The page builds the same prompts in www/tasks.js; tests/web/tasks.test.mjs holds it to these lines. Standard library only.
"""

import json
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests/cases/desk_prompts.jsonl"
sys.path.insert(0, str(ROOT / "models/desk"))

from data import row as rows  # noqa: E402
from generate import families  # noqa: E402

MESSY = "  My parcel\tis late,\n\n it should have come on  Monday. "
BUILDERS = {
    "classify": lambda part, text: rows.classify_prompt([p.strip() for p in part.split(",")], text),
    "extract": lambda part, text: rows.extract_prompt([p.strip() for p in part.split(",")], text),
    "answer": rows.answer_prompt,
    "summarise": lambda _, text: rows.summarise_prompt(text),
    "filter": lambda _, text: rows.filter_prompt(text),
}
PARTS = {
    "classify": ["late parcel, refund, none of these", "a , b"],
    "extract": ["order number, name, city", "name"],
    "answer": ["When do you open?", " When \n do you  open? "],
    "summarise": [""],
    "filter": [""],
}


def cases() -> list[dict[str, str]]:
    """Messy parts by hand, then one generated row of each of a few families, taken apart."""
    out: list[dict[str, str]] = []
    for task, parts in PARTS.items():
        for part in parts:
            for text in (MESSY, "Größe 42, bitte – “now”: a/b?"):
                out.append({"task": task, "part": part, "text": text, "prompt": BUILDERS[task](part, text)})
    for task in BUILDERS:
        some = families((task,))
        for family in random.Random("prompts").sample(some, min(4, len(some))):
            prompt = family.row("prompts", 0).prompt
            first, _, second = prompt.partition("\n")
            case = {"task": task, "part": first.partition(": ")[2], "text": second.partition(": ")[2], "prompt": prompt}
            out.append(case)
    return out


def stale() -> list[dict[str, str]]:
    """The lines of the file that the builders would write differently."""
    lines = map(json.loads, OUT.read_text(encoding="utf-8").splitlines())
    return [case for case in lines if BUILDERS[case["task"]](case["part"], case["text"]) != case["prompt"]]


def main() -> None:
    """Writes the file, or compares it with the builders."""
    if "--check" not in sys.argv[1:]:
        OUT.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases()), encoding="utf-8")
    elif bad := stale():
        sys.exit(f"{OUT.name}: the builders write another prompt for {bad[0]}; run tools/desk_prompts.py")


if __name__ == "__main__":
    main()
