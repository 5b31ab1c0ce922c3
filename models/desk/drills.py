"""Copying from the prompt: how the layers start, and the drills of the first steps.

A model of this size does not discover within a few million tokens that it may copy: it learns to write values of the
right form, and makes them up. So two heads of the first layer start as "what came before me" and two of the second as
"look where the same token stood, and repeat what followed"; a run's first stage trains on nothing but drills.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch

from model import Model
from pack import Item
from tokenizer import Tokenizer

HEADS = 2
"""Heads of each of the two layers that start by hand."""
SLOW = 0.012
"""A rotary pair slower than this (radians per position) hardly turns within a prompt: it can compare tokens."""
FAST = 0.1
"""A pair faster than this tells neighbours apart."""
DIGITS, CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONSTANT = 0.3
"""What channel 0 of every embedding starts with: something to ask for that is the same everywhere."""


@torch.no_grad()
def start(model: Model) -> None:
    """Writes the two steps of copying into layers 0 and 1. Other heads stay random."""
    shape = model.shape
    c, d = shape.n_embd, shape.n_embd // shape.n_head
    if shape.n_layer < 2 or shape.n_head < HEADS:
        return
    speed = shape.rope_base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    seeded = torch.Generator().manual_seed(3)
    # Two unrelated bases: one reads a token, the other is where the token before it is kept.
    read = torch.linalg.qr(torch.randn(c, c, generator=seeded))[0]
    keep = torch.linalg.qr(torch.randn(c, c, generator=seeded))[0]
    read[0] = keep[0] = 0
    model.token_embd.weight[:, 0] = CONSTANT
    slow = [i for i in range(d // 2) if speed[i] < SLOW]
    slow += [i + d // 2 for i in slow]
    for head in range(HEADS):
        rows = slice(head * d, (head + 1) * d)
        first, second = model.blk[0], model.blk[1]
        q, k, v = first.attn_qkv.weight.view(3, c, c)[:, rows].unbind(0)
        q *= 0.1
        k *= 0.1
        for i in (i for i in range(d // 2) if speed[i] > FAST):
            # The key is turned one position ahead, so that it meets the query of its right neighbour.
            q[i, 0] += 1.8
            k[i, 0] += 1.8 * speed[i].cos()
            k[i + d // 2, 0] += 1.8 * speed[i].sin()
        v.copy_(read[:, rows].T)
        first.attn_output.weight[:, rows] = keep[:, rows] * 0.15
        q, k, v = second.attn_qkv.weight.view(3, c, c)[:, rows].unbind(0)
        q *= 0.1
        k *= 0.1
        for n, i in enumerate(slow):
            q[i] += 2 * read[:, head * d + n]
            k[i] += 2 * keep[:, head * d + n]
        v.copy_(read[:, rows].T)
        second.attn_output.weight[:, rows] = read[:, rows] * 0.15


class Drills:
    """Rows of random pieces that only a model that copies can answer."""

    def __init__(self, tokenizer: Tokenizer, echo: float):
        """`echo`: the share of plain repetitions; the rest is looked up by key, in the form of `extract`."""
        self.tokenizer, self.echo = tokenizer, echo

    def stream(self, rng: random.Random) -> Iterator[Item]:
        """Endless."""
        while True:
            yield self.repeat(rng) if rng.random() < self.echo else self.lookup(rng)

    def pieces(self, rng: random.Random, count: int) -> list[int]:
        """Any ordinary pieces."""
        return [rng.randrange(self.tokenizer.first, len(self.tokenizer.pieces)) for _ in range(count)]

    def few(self, rng: random.Random, count: int) -> list[int]:
        """Pieces of a small alphabet: what follows is clear only from more than one of those before."""
        alphabet = self.part(DIGITS) if rng.random() < 0.5 else self.pieces(rng, rng.randint(4, 10))
        return [rng.choice(alphabet) for _ in range(count)]

    def value(self, rng: random.Random) -> list[int]:
        """What stands behind a key: pieces, or a number as messages hold them."""
        if rng.random() < 0.5:
            return self.pieces(rng, rng.randint(1, 5))
        groups = ["".join(rng.choices(DIGITS, k=rng.randint(1, 6))) for _ in range(rng.choice((1, 1, 2, 3)))]
        front = rng.choice(("", " ", " #", " $", " +", " " + "".join(rng.choices(CAPITALS, k=rng.randint(1, 3)))))
        return self.part(front + rng.choice("-./, :").join(groups))

    def repeat(self, rng: random.Random) -> Item:
        """Pieces, and the same again."""
        t, count = self.tokenizer, rng.choice((6, 10, 16, 24))
        said = self.pieces(rng, count) if rng.random() < 0.5 else self.few(rng, count)
        return Item([t.user, *said, t.end, t.assistant], [*said, t.end], 0)

    def part(self, text: str) -> list[int]:
        """The ids of `text` in the middle of a line."""
        return self.tokenizer.encode(text, prefix=False)

    def lookup(self, rng: random.Random) -> Item:
        """Keys with values in a message; some of the keys are asked for."""
        t, count = self.tokenizer, rng.randint(2, 7)
        keys = [self.pieces(rng, rng.choice((1, 1, 2))) for _ in range(count)]
        values = [self.value(rng) for _ in range(count)]
        asked = rng.sample(range(count), rng.randint(1, min(4, count)))
        prompt = [t.user, *t.encode("extract:")]
        answer = t.encode('{"')
        for n, at in enumerate(asked):
            prompt += (self.part(",") if n else []) + keys[at]
            answer += (self.part('", "') if n else []) + keys[at] + self.part('": "') + values[at]
        prompt += self.part("\nmessage:")
        for key, value in zip(keys, values):
            link = self.part(rng.choice(("", ":", " is", " =", "")))
            prompt += self.pieces(rng, rng.choice((0, 0, 1, 3))) + key + link + value + self.part(rng.choice(",.;"))
        return Item([*prompt, t.end, t.assistant], [*answer, *self.part('"}'), t.end], 1)
