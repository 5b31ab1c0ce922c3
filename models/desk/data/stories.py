"""Rows of `answer` from whole passages: a key's sentence is there, or it was left out."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from . import values
from .facts import Style, ask
from .row import UNKNOWN, Row, answer_prompt

_SLOT = re.compile(r"\{(\w+):((?:[^{}]|\{[^{}]*\})*)\}")
_CUT = re.compile(r"(?<=[.!?]) (?=[A-Z{])")


@dataclass
class Story:
    """Passages that share keys, and questions for each key."""

    name: str
    passages: list[list[str]] = field(default_factory=list)
    asks: dict[str, list[str]] = field(default_factory=dict)

    def templates(self) -> tuple[str, ...]:
        """Every sentence and question."""
        return tuple(s for p in self.passages for s in p) + tuple(q for qs in self.asks.values() for q in qs)


def parse(text: str) -> list[Story]:
    """Reads stories from their text form."""
    out: list[Story] = []
    for line in text.strip().splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#":
            out.append(Story(rest))
        elif mark == "+":
            out[-1].passages.append(_CUT.split(rest))
        else:
            key, _, question = rest.partition(" | ")
            out[-1].asks.setdefault(key, []).append(question)
    return out


def keys(sentence: str) -> set[str]:
    """The keys of a sentence."""
    return {match[1] for match in _SLOT.finditer(sentence)}


def make_row(story: Story, style: Style) -> Callable[[random.Random], Row]:
    """The function of a family."""

    def make(rng: random.Random) -> Row:
        known = rng.random() < 0.63
        passage = rng.choice(story.passages)
        inside = sorted(set().union(*map(keys, passage)) & set(story.asks))
        outside = sorted(set(story.asks) - set(inside))
        key = rng.choice(inside)
        left = [s for s in passage if key not in keys(s)]
        if not known and (not left or (outside and rng.random() < 0.4)):
            key, left = rng.choice(outside or inside), passage
        kept = [s for s in passage if (known and key in keys(s)) or (s in left and rng.random() < 0.8)]
        kept = kept or [rng.choice(left)]
        seen: set[str] = set()
        filled: dict[str, str] = {}

        def value(match: re.Match[str]) -> str:
            if match[1] not in filled:
                filled[match[1]] = values.fresh(rng, match[2], style.split, seen)
            return filled[match[1]]

        text = " ".join(s[:1].upper() + s[1:] for s in (_SLOT.sub(value, s) for s in kept))
        text = re.sub(r"\b([Aa]) (?=[aeiou][a-z])", r"\1n ", text)
        question = ask(rng, rng.choice(story.asks[key]), style)
        return Row("answer", "", answer_prompt(question, text), filled[key] if known else UNKNOWN, known=known)

    return make
