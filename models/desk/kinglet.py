"""Calls the native tool `kinglet`: JSON Lines in, JSON Lines out."""

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("KINGLET", str(ROOT / "target/release/kinglet"))
"""`cargo build --release -p kinglet-cli` makes it; KINGLET names another."""

Line = dict[str, Any]


def lines(arguments: Iterable[str | Path], given: Iterable[Line] = ()) -> list[Line]:
    """Runs one command; a failure raises with what it said."""
    text = "".join(json.dumps(line) + "\n" for line in given)
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"kinglet {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def read(path: Path, most: int | None = None) -> list[Line]:
    """The rows of a task file; with `most`, evenly spread over it."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if most is None or most >= len(rows):
        return rows
    return [rows[i * len(rows) // most] for i in range(most)]


def conversations(model: Path, rows: list[Line], answered: bool) -> list[list[int]]:
    """Token ids of rows as the model's own template and tokenizer give them, up to the answer or behind its end."""
    asked = [
        {
            "messages": [*row["messages"], *([{"role": "assistant", "content": row["answer"]}] if answered else [])],
            "add_generation_prompt": not answered,
        }
        for row in rows
    ]
    texts = lines(["render", model], asked)
    return [line["ids"] for line in lines(["tokenize", model, "--special", "parse", "--bos", "auto"], texts)]
