"""Word lists of our own, each cut once into a training and a held-out part by a stable hash."""

import hashlib
import random
from functools import lru_cache

from . import people, places, things

LISTS: dict[str, tuple[str, ...]] = {
    "first": people.FIRST,
    "last": people.LAST,
    "city": places.CITIES,
    "country": places.COUNTRIES,
    "street": places.STREETS,
    "company": things.COMPANIES,
    "product": things.PRODUCTS,
    "domain": things.DOMAINS,
    "plan": things.PLANS,
    "carrier": things.CARRIERS,
    "colour": things.COLOURS,
    "brand": things.BRANDS,
    "role": things.ROLES,
}


def heldout(word: str) -> bool:
    """Whether a word is kept out of training: one in five, by hash."""
    return int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) % 5 == 0


@lru_cache(maxsize=None)
def pool(kind: str, split: str) -> tuple[str, ...]:
    """The words of a list that rows of a split may use: the two parts share none."""
    words = tuple(w for w in LISTS[kind] if heldout(w) == (split == "heldout"))
    if not words:
        raise ValueError(f"list {kind} has no {split} part")
    return words


def pick(rng: random.Random, kind: str, split: str) -> str:
    """One word of a list."""
    return rng.choice(pool(kind, split))


def full_name(rng: random.Random, split: str) -> str:
    """A first and a last name."""
    return f"{pick(rng, 'first', split)} {pick(rng, 'last', split)}"
