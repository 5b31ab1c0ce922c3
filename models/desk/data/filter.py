"""Families of the message filter: pass, hold or unsure.

Neutral clauses are the same for all three answers, so that only the judged clause decides.
"""

import random

from . import filter_hold, filter_pass, filter_unsure
from .grammar import fill, lines, message
from .row import FILTER_LABELS, Family, Row, filter_prompt

BEFORE = {
    "train": lines("""
        I am writing about order {order}
        my customer number is {order}
        this is {name}
        I bought a {product} from you {ago}
        I have been a customer since {month}
        it is about the {product}
        I wrote to {name} on {day}
        I am a customer in {city}
        a note about {date}
        [second|third] message from me
        I called you on {day}
        hope you had a good week
        I saw your reply
    """),
    "heldout": lines("""
        {name} here, from {city}
        this concerns number {order}
        we spoke on {date}
        I am the person with the {product}
        following up on {day}
    """),
}
AFTER = {
    "train": lines("""
        my number is {order}
        {name}
        you can reach me after {time}
        I am in {city}
        sent from my phone
        it was on {date}
        the name is {name}
        I will be here until {time}
        I await your answer
        the order is {order}
        that is all
        please answer
    """),
    "heldout": lines("""
        I am around on {day}
        reference {order}
        written on the train to {city}
        regards from {name}
        so much for today
    """),
}
OPEN_ENDED = "cut-off"


def parts(rng: random.Random, bank: tuple[str, ...], split: str, cut: bool) -> list[str]:
    """The judged clause, sometimes two of the same kind, perhaps between neutral ones."""
    core = rng.sample(bank, 2 if rng.random() < 0.15 and not cut else 1)
    if rng.random() < 0.35:
        core.insert(0, rng.choice(BEFORE[split]))
    if rng.random() < 0.3 and not cut:
        core.append(rng.choice(AFTER[split]))
    return core


def family(kind: str, answer: str, bank: tuple[str, ...], split: str) -> Family:
    """Messages of one kind. An ordinary request before an abusive clause does not save it."""
    cut = kind == OPEN_ENDED
    mild = tuple(t for k in ("order", "money", "technical") for t in filter_pass.TRAIN[k])

    def make(rng: random.Random) -> Row:
        clauses = parts(rng, bank, split, cut)
        if split == "train" and answer != "pass" and not cut and rng.random() < 0.2:
            clauses.insert(rng.randrange(2), rng.choice(mild))
        known: dict[str, str] = {}
        filled = [fill(rng, clause, split, known) for clause in clauses]
        if cut:
            lead = message(rng, filled[:-1], frame=0.15) if filled[:-1] else ""
            last = filled[-1] if rng.random() < 0.5 else filled[-1][:1].upper() + filled[-1][1:]
            end = rng.choice(("", "", "", "...", " -"))
            text = f"{lead} {last}{end}".strip()
        else:
            text = message(rng, filled)
        return Row("filter", "", filter_prompt(text), answer, labels=list(FILTER_LABELS), known=answer != "unsure")

    return Family(f"filter-{answer}-{kind}", "filter", split, make, bank)


def families() -> tuple[Family, ...]:
    """One family per bank of each answer."""
    modules = {"pass": filter_pass, "hold": filter_hold, "unsure": filter_unsure}
    return tuple(
        family(kind, answer, bank, split)
        for answer, module in modules.items()
        for split, banks in (("train", module.TRAIN), ("heldout", module.HELDOUT))
        for kind, bank in banks.items()
    )


FAMILIES = families()
