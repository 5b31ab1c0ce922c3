"""The item files of `kinglet eval`, read back."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


KINDS = {"answer": "I don't know", "classify": "none of these", "chat": "beyond me"}
"""What a refusal is called, by task; the other tasks have none."""


@dataclass(frozen=True)
class Item:
    """One answered row and the signals of the model's doubt."""

    id: str
    task: str
    family: str
    answer: str
    expected: str
    correct: bool
    known: bool = True
    """False where a refusal is the right answer."""
    refused: bool | None = None
    """Whether the answer is a refusal; none where the task has no refusals."""
    f1: float | None = None
    signals: dict[str, Any] = field(default_factory=dict)

    @property
    def due(self) -> bool:
        """Whether a refusal is the right answer."""
        return self.task in KINDS and not self.known


NAMES = [each.name for each in fields(Item)]


def load(path: Path) -> list[Item]:
    """The items of a file; lines that are no items (a closing summary) are passed over."""
    items = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        if "expected" in raw and "answer" in raw:
            items.append(Item(**{name: raw[name] for name in NAMES if name in raw}))
    return items


def load_run(folder: Path) -> dict[str, list[Item]]:
    """Every set of a run: its folder holds one file of items for each, named as the task file."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.jsonl"))}
