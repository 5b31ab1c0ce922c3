"""Rows, families and prompts: the one place that knows the format of a row and of every prompt."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

TASKS = ("classify", "extract", "answer", "summarise", "filter", "chat")
SPLITS = ("train", "heldout")

UNKNOWN = "I don't know."
NONE = "none of these"
FILTER_LABELS = ("pass", "hold", "unsure")
BEYOND = (
    "That is beyond me, I am a small support-desk model.",
    "Sorry, I am only a small support-desk model, that is beyond me.",
    "I can't help with that, I am a small model for support-desk work.",
    "That is more than I can do. A larger model could help you.",
)


@dataclass
class Row:
    """One labelled example. `labels`, `fields` and `accept` stay out of the JSON when empty."""

    task: str
    family: str
    prompt: str
    answer: str
    labels: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    accept: list[str] = field(default_factory=list)
    known: bool = True
    id: str = ""
    turns: list[dict[str, str]] = field(default_factory=list)
    """Earlier turns of the conversation, before the prompt (small talk only)."""

    def to_dict(self) -> dict[str, object]:
        """The row as `train.py` and `kinglet eval` read it."""
        messages = [*self.turns, {"role": "user", "content": self.prompt}]
        out: dict[str, object] = {
            "task": self.task,
            "family": self.family,
            "messages": messages,
            "answer": self.answer,
        }
        for key in ("labels", "fields", "accept"):
            if getattr(self, key):
                out[key] = getattr(self, key)
        out["known"] = self.known
        out["id"] = self.id
        return out

    def to_json(self) -> str:
        """One line of a JSON Lines file."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


@dataclass(frozen=True)
class Family:
    """One way of phrasing: its templates (with `{slots}`) and the function that makes a row of them.

    `make` fills everything of the row but `family` and `id`, which `row` sets.
    """

    name: str
    task: str
    split: str
    make: Callable[[random.Random], Row]
    templates: tuple[str, ...]

    def row(self, seed: int | str, index: int) -> Row:
        """Row `index` of the family; the same seed and index give the same row."""
        row = self.make(random.Random(f"{seed}:{self.name}:{index}"))
        row.family = self.name
        row.id = f"{self.name}-{index}"
        return row


def one_line(text: str) -> str:
    """The text with every run of white space as one blank: prompts keep one line per part."""
    return " ".join(text.split())


def classify_prompt(labels: Sequence[str], text: str) -> str:
    """Choose one of the labels for a message."""
    return f"classify: {', '.join(labels)}\nmessage: {one_line(text)}"


def extract_prompt(fields: Sequence[str], text: str) -> str:
    """Take named values out of a message."""
    return f"extract: {', '.join(fields)}\nmessage: {one_line(text)}"


def answer_prompt(question: str, passage: str) -> str:
    """Answer a question from a passage."""
    return f"answer: {one_line(question)}\npassage: {one_line(passage)}"


def summarise_prompt(text: str) -> str:
    """Shorten a message to one or two sentences."""
    return f"summarise\nmessage: {one_line(text)}"


def filter_prompt(text: str) -> str:
    """Judge a message: pass, hold or unsure."""
    return f"filter\nmessage: {one_line(text)}"


def extract_answer(values: Mapping[str, str | None]) -> str:
    """The JSON object of an extraction, keys in the order asked."""
    return json.dumps(dict(values), ensure_ascii=False)
