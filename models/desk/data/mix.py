"""What `desk` is trained on: the generator's rows and the public training splits, and in which shares.

Everything public that training ever sees comes out of `training_texts`; a test holds it against steer and report.
"""

import random

from . import public
from .row import NONE, Row

SHARES = {"extract": 0.29, "answer": 0.29, "classify": 0.20, "filter": 0.07, "summarise": 0.08, "chat": 0.07}
"""Of the generated rows, by task."""


def training_texts() -> dict[str, list[tuple[str, str]]]:
    """(message, label) of the public classification sets, out-of-scope texts under the label "none of these"."""
    clinc, banking = public.clinc(), public.banking()
    return {
        "clinc": [*clinc["train"], *((text, NONE) for text in clinc["oos_train"])],
        "banking": list(banking["train"]),
    }


def training_rows() -> list[Row]:
    """Rows of COVID-QA and GSM8K that may be trained on."""
    return [*public.covid()["train"], *public.gsm8k()["train"]]


def label_list(rng: random.Random, labels: list[str], whole: float) -> tuple[list[str], bool]:
    """The labels that a list offers, in random order, and whether "none of these" is among them.

    `whole`: the chance of all labels; otherwise 2 to 40 of them.
    """
    if rng.random() < whole:
        chosen = list(labels)
    else:
        chosen = rng.sample(labels, min(len(labels), int(2 * 20 ** rng.random())))
    rng.shuffle(chosen)
    none = rng.random() < 0.8
    if none:
        chosen.append(NONE)
    return chosen, none


def augment(rng: random.Random, text: str, near: dict[str, list[str]], rate: float) -> str:
    """Now and then a word gives way to a neighbour in meaning, is left out, changes places or has a typo."""
    words = text.split()
    if len(words) < 3 or rng.random() < 0.4:
        return text
    out: list[str] = []
    for word in words:
        dice = rng.random()
        if dice < rate:
            found = near.get(word.lower())
            out.append(rng.choice(found) if found else word)
        elif dice < 1.4 * rate:
            continue
        elif dice < 1.6 * rate and out:
            out.insert(len(out) - 1, word)
        elif dice < 1.8 * rate and len(word) > 3:
            at = rng.randrange(1, len(word) - 1)
            out.append(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
        else:
            out.append(word)
    return " ".join(out) if out else text
