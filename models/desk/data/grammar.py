"""Templates as data: `[a|b]` chooses one (nesting is allowed), `{slot}` is filled from the word lists."""

import random
import re
from functools import lru_cache

from . import noise, words

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z]+)(\d*)\}")

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
AGO = (
    "two weeks ago", "last week", "a week ago", "ten days ago", "three weeks ago", "last month", "yesterday",
    "four days ago", "some time ago", "a month ago", "the other day", "last Tuesday", "on Monday", "a fortnight ago",
)
DURATION = (
    "two days", "three days", "five days", "a week", "ten days", "two weeks", "three weeks", "a month", "48 hours",
    "a whole week", "six days", "nine days",
)
PLURAL_LIKE = ("jeans", "headphones", "scissors")


@lru_cache(maxsize=None)
def single_products(split: str) -> tuple[str, ...]:
    """Products that read well after "a": no plurals."""
    return tuple(p for p in words.pool("product", split) if not p.endswith("s") and p not in PLURAL_LIKE)


def amount(rng: random.Random) -> str:
    """A sum of money as people write it."""
    value = rng.choice((rng.randrange(2, 100), rng.randrange(10, 2000)))
    cents = f".{rng.randrange(100):02}" if rng.random() < 0.35 else ""
    return rng.choice((f"{value}{cents} euros", f"${value}{cents}", f"€{value}{cents}", f"£{value}{cents}", f"{value}{cents} dollars"))


def date(rng: random.Random) -> str:
    """A day of the year in one of the usual forms."""
    day, month = rng.randrange(1, 29), rng.randrange(12)
    name = MONTHS[month]
    return rng.choice((f"{day} {name}", f"{name} {day}", f"{day} {name[:3]}", f"the {ordinal(day)} of {name}", f"{day}/{month + 1}"))


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def order(rng: random.Random) -> str:
    """An order number in one of several shapes."""
    number = rng.randrange(10_000, 1_000_000)
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(2))
    return rng.choice((f"{number}", f"#{number}", f"{letters}-{number}", f"{letters}{number}", f"{number // 1000}-{number % 1000:03}"))


def slot(rng: random.Random, kind: str, split: str) -> str:
    """A value for a slot."""
    if kind == "product":
        return rng.choice(single_products(split))
    if kind == "name":
        return words.pick(rng, "first", split) if rng.random() < 0.6 else words.full_name(rng, split)
    if kind == "n":
        return str(rng.randrange(2, 10))
    if kind == "amount":
        return amount(rng)
    if kind == "date":
        return date(rng)
    if kind == "day":
        return rng.choice(WEEKDAYS)
    if kind == "month":
        return rng.choice(MONTHS)
    if kind == "ago":
        return rng.choice(AGO)
    if kind == "duration":
        return rng.choice(DURATION)
    if kind == "time":
        return f"{rng.randrange(7, 22)}:{rng.choice(('00', '15', '30', '45', '10', '50'))}"
    if kind in ("order", "tracking"):
        return order(rng)
    return words.pick(rng, kind, split)


def choose(rng: random.Random, template: str) -> str:
    """The template with every `[a|b]` decided."""
    while True:
        text = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), template)
        if text == template:
            return text
        template = text


def fill(rng: random.Random, template: str, split: str, known: dict[str, str] | None = None) -> str:
    """Choices decided and slots filled. A slot named twice has one value; values in `known` are kept and added to."""
    values = {} if known is None else known

    def value(match: re.Match) -> str:
        name = match.group(0)[1:-1]
        if name not in values:
            new = slot(rng, match.group(1), split)
            for _ in range(5):
                if new not in values.values():
                    break
                new = slot(rng, match.group(1), split)
            values[name] = new
        return values[name]

    text = _SLOT.sub(value, choose(rng, template))
    return re.sub(r"\b([Aa]) (?=[aei]|o(?!ne)|u(?!s|ni|k))", r"\1n ", text)


def sentence(text: str) -> str:
    """A capital at the start and a full stop at the end, where there is none."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!", "…")) else text + "."


def message(rng: random.Random, parts: list[str], frame: float = 0.3, level: float = 0.4) -> str:
    """Clauses as a message a person could have typed: sentences, perhaps a greeting and a closing, surface noise."""
    text = " ".join(sentence(part) for part in parts if part)
    return noise.noise(rng, noise.frame(rng, text, frame), level)


def lines(text: str) -> tuple[str, ...]:
    """The lines of a block of templates, empty ones left out."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
