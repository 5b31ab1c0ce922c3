"""Packs rows into sequences of a fixed length. A list of labels is computed once and shared by many messages.

Every token belongs to a segment (`own`) and may look at one earlier segment (`pre`): a message looks at its label list
and at itself, never at its neighbours, and its positions go on where the list ended. So a packed message is computed
exactly as if it stood alone behind its list, which is also what the engine's cache does with a common prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

IGNORE = -1
"""No target at this place."""
READING = 0.2
"""The weight of a token of a message; one of an answer of 4 tokens weighs 0.5."""


@dataclass
class Item:
    """Prompt and answer as ids; the answer's last id is the end of the turn."""

    prompt: list[int]
    answer: list[int]
    task: int


@dataclass
class Group:
    """Items that share the beginning of their prompts."""

    prefix: list[int]
    items: list[Item]


@dataclass
class Packed:
    """One sequence of `length` tokens, growing."""

    length: int
    ids: list[int] = field(default_factory=list)
    pos: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    pre: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    segments: int = 0

    def room(self) -> int:
        """Tokens that still fit."""
        return self.length - len(self.ids)

    def _push(self, ids, first: int, pre: int | None) -> int:
        own = self.segments
        self.segments += 1
        n = len(ids)
        self.ids += ids
        self.pos += range(first, first + n)
        self.own += [own] * n
        self.pre += [own if pre is None else pre] * n
        self.target += [IGNORE] * n
        self.weight += [0.0] * n
        self.item += [IGNORE] * n
        return own

    def add(self, item: Item, name: int, prefix: int = 0, pre: int | None = None) -> bool:
        """Adds an item (`name` marks its targets) behind `prefix` tokens of segment `pre`; false if it does not fit."""
        ids = item.prompt + item.answer[:-1]
        if len(ids) > self.room():
            return False
        self._push(ids, prefix, pre)
        n, m = len(item.answer), len(item.prompt)
        # Reading is trained beside answering: the prompt's own next tokens count a little (see train.py).
        at = len(self.ids) - len(ids)
        self.target[at : at + m - 1] = item.prompt[1:]
        self.weight[at : at + m - 1] = [READING] * (m - 1)
        self.target[-n:] = item.answer
        # A long answer counts more than a short one, but not in proportion: its tokens are mostly copies.
        self.weight[-n:] = [n**-0.5] * n
        self.item[-n:] = [name] * n
        return True

    def arrays(self) -> dict[str, np.ndarray]:
        """Padded to the full length; padding looks only at padding."""
        pad = self.room()
        return {
            "ids": np.array(self.ids + [0] * pad, dtype=np.int64),
            "pos": np.array(self.pos + [0] * pad, dtype=np.int64),
            "own": np.array(self.own + [IGNORE] * pad, dtype=np.int32),
            "pre": np.array(self.pre + [IGNORE] * pad, dtype=np.int32),
            "target": np.array(self.target + [IGNORE] * pad, dtype=np.int64),
            "weight": np.array(self.weight + [0.0] * pad, dtype=np.float32),
            "item": np.array(self.item + [IGNORE] * pad, dtype=np.int64),
        }


def pack(source, length: int, batch: int):
    """Yields (arrays [batch, length], items of the batch) from an endless or finite iterator of Item and Group."""
    rows: list[dict] = []
    items: list[Item] = []
    held = None
    done = False
    while not done:
        packed = Packed(length)
        while True:
            thing = held if held is not None else next(source, None)
            held = None
            if thing is None:
                done = True
                break
            if isinstance(thing, Item):
                if packed.add(thing, len(items)):
                    items.append(thing)
                elif packed.ids:
                    held = thing
                    break
                # An item longer than a whole sequence is left out.
                continue
            first = thing.items[0] if thing.items else None
            if first is None:
                continue
            if len(thing.prefix) + len(first.prompt) + len(first.answer) > packed.room():
                if packed.ids:
                    held = thing
                    break
                continue
            pre = packed._push(thing.prefix, 0, None)
            rest = list(thing.items)
            while rest and packed.add(rest[0], len(items), len(thing.prefix), pre):
                items.append(rest.pop(0))
            if rest and getattr(thing, "whole", False):
                held = Group(thing.prefix, rest)
                held.whole = True
                break
        if packed.ids:
            rows.append(packed.arrays())
        if rows and (len(rows) == batch or done):
            yield {key: np.stack([row[key] for row in rows]) for key in rows[0]}, items
            rows, items = [], []
