"""Families of free chat: small talk, asks without material, raw messages without a task, and what is beyond the model."""

import random

from . import chat_beyond, chat_small
from .grammar import fill, message, sentence
from .noise import noise
from .row import BEYOND, Family, Row


def small(prefix: str, kind: str, answer: str, templates: tuple[str, ...], split: str) -> Family:
    """Short texts with one fixed answer."""

    def make(rng: random.Random) -> Row:
        text = fill(rng, rng.choice(templates), split)
        if rng.random() < 0.6:
            text = text[:1].upper() + text[1:]
        if rng.random() < 0.3 and text[-1].isalnum():
            text += rng.choice((".", "!"))
        return Row("chat", "", noise(rng, text, 0.3), answer, known=prefix == "small")

    suffix = "" if split == "train" else "-2"
    return Family(f"chat-{prefix}-{kind}{suffix}", "chat", split, make, templates)


def beyond(kind: str, wording: int, templates: tuple[str, ...], split: str) -> Family:
    """Asks that are no work of a support desk. Any of the fixed sentences counts; one is taught per kind."""

    def make(rng: random.Random) -> Row:
        text = fill(rng, rng.choice(templates), split)
        lead = rng.random()
        if lead < 0.25:
            text = fill(rng, f"{rng.choice(chat_beyond.LEADS[split])} {text}", split)
        text = message(rng, [text], frame=0.12, level=0.4)
        accept = [other for other in BEYOND if other != BEYOND[wording]]
        return Row("chat", "", text, BEYOND[wording], accept=accept, known=False)

    return Family(f"chat-beyond-{kind}", "chat", split, make, templates)


def raw(split: str) -> Family:
    """A support message and nothing else."""
    from .classify import clause_banks

    banks = clause_banks(split)
    templates = tuple(template for bank in banks for template in bank)

    def make(rng: random.Random) -> Row:
        bank = rng.choice(banks)
        clauses = rng.sample(bank, min(len(bank), rng.choice((1, 1, 2))))
        text = message(rng, [sentence(fill(rng, clause, split)) for clause in clauses])
        return Row("chat", "", text, chat_small.RAW_ANSWER, known=False)

    return Family(f"chat-raw-{split}", "chat", split, make, templates)


def families() -> tuple[Family, ...]:
    """All families of free chat."""
    out: list[Family] = []
    for prefix, kinds in (("small", chat_small.SMALL), ("missing", chat_small.MISSING)):
        for kind, (answer, train, heldout) in kinds.items():
            out.append(small(prefix, kind, answer, train, "train"))
            out.append(small(prefix, kind, answer, heldout, "heldout"))
    for split, kinds in (("train", chat_beyond.TRAIN), ("heldout", chat_beyond.HELDOUT)):
        out.extend(beyond(kind, wording, templates, split) for kind, (wording, templates) in kinds.items())
        out.append(raw(split))
    return tuple(out)


FAMILIES = families()
