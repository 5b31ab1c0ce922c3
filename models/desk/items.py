"""The item files of `kinglet eval`, read back."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.row import BEYOND, NONE, UNKNOWN


@dataclass(frozen=True)
class Item:
    """One answered row and the signals of the model's doubt."""

    id: str
    task: str
    family: str
    answer: str
    expected: str
    correct: bool
    signals: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """The refusal that this row's task knows and its expected answer is, if it is one."""
        return refusal(self.task, self.expected)

    @property
    def refused(self) -> bool:
        """Whether the model's answer is a refusal."""
        return refusal(self.task, self.answer) is not None


def refusal(task: str, answer: str) -> str | None:
    """What kind of refusal the answer is: "unknown", "none" or "beyond"."""
    if task == "answer":
        return "unknown" if answer.strip() == UNKNOWN else None
    if task == "classify":
        return "none" if answer.strip() == NONE else None
    if task == "chat":
        return "beyond" if answer.strip() in BEYOND else None
    return None


def load(path: Path) -> list[Item]:
    """The items of a file; lines that are no items (a closing summary) are passed over."""
    items = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        if "expected" in raw and "answer" in raw:
            names = ("id", "task", "family", "answer", "expected", "correct")
            items.append(Item(*(raw[name] for name in names), signals=raw.get("signals", {}), raw=raw))
    return items


def load_run(folder: Path) -> dict[str, list[Item]]:
    """Every set of a run: its folder holds one file of items for each, named as the task file."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.jsonl"))}
