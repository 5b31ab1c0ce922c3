"""Families of summaries: a story with one problem, perhaps a wish, and sentences that a summary leaves out."""

import random

from . import noise
from .grammar import choose, fill, lines, sentence
from .row import Family, Row, summarise_prompt
from .summarise_cases import ALL_WISHES, HELDOUT, TRAIN

ASIDES = {
    "train": lines("""
        I have been a customer for years
        the weather has been [awful|lovely] here
        I hope you are all well
        my [sister|neighbour|friend] told me about your shop
        so far I was always happy with you
        I tried your hotline but nobody picked up
        I work [from home|at night|in a hospital], so mornings are bad for me
        my husband says I should write to you
        I have never had such a thing before
        this is my first message to you
        I looked at your website but found nothing about it
        it was meant to be a [present|surprise]
        I live on the third floor without a lift
        we have two small children at home
        I read good things about you in the paper
        I know that you have a lot to do
        I have kept all the papers
        I took some photos and can send them
        we are in the middle of a move
        my phone is old, so please excuse the typos
        I wrote to you on the chat as well
        I paid by card as always
        your colleague on the phone was friendly
        I had a long day
        my dog barks at every van
        I am not good with computers
        tomorrow is my birthday
        it is not the end of the world
        I really like your shop
        I need it for work
        a friend of mine had the same trouble
        I checked everything twice
    """),
    "heldout": lines("""
        the garden looks splendid this year
        my aunt swears by your firm
        we are about to leave for the holidays
        I do not write many letters
        my eyes are not what they were
        half the street buys from you
        I am typing this in a cafe
        our cat sends her love
    """),
}
THANKS = {
    "train": lines("""
        thanks
        thank you
        thank you in advance
        best regards
        kind regards, {last}
        have a nice day
        I look forward to your answer
        please answer soon
        many thanks for your help
        hoping to hear from you
    """),
    "heldout": lines("""
        yours, {last}
        with warm wishes from all of us
        I remain curious about your reply
        so long, and thanks
    """),
}
NO_WISH_CHANCE = 0.12


def told(rng: random.Random, way: str, wish: str, split: str) -> list[str]:
    """The clauses of a message in order: asides may stand before, between and after what matters."""
    clauses = [part.strip() for part in way.split(" / ")]
    if wish:
        clauses.insert(0 if rng.random() < 0.12 and len(clauses) == 1 else len(clauses), wish)
    for aside in rng.sample(ASIDES[split], rng.choice((0, 1, 1, 2, 2, 3))):
        clauses.insert(rng.randrange(len(clauses) + 1), aside)
    if rng.random() < 0.35:
        clauses.append(rng.choice(THANKS[split]))
    return clauses


def family(name: str, split: str, summary: str, wishes: tuple[str, ...], ways: tuple[str, ...]) -> Family:
    """Messages about one problem. Values stay verbatim; only the words around them get noise."""
    column = 1 if split == "train" else 2
    asks = tuple(t for wish in wishes for t in ALL_WISHES[wish][column])

    def make(rng: random.Random) -> Row:
        wish = "" if rng.random() < NO_WISH_CHANCE else rng.choice(wishes)
        ask = rng.choice(ALL_WISHES[wish][column]) if wish else ""
        clauses = [choose(rng, clause) for clause in told(rng, rng.choice(ways), ask, split)]
        text = " ".join(sentence(clause) for clause in clauses)
        if rng.random() < 0.35:
            text = f"{rng.choice(noise.GREETINGS)} {text}"
        text = noise.noise(rng, text, 0.35)
        values: dict[str, str] = {}
        text = fill(rng, text, split, values)
        short = sentence(fill(rng, summary, split, values))
        answer = f"{short} {ALL_WISHES[wish][0]}" if wish else short
        return Row("summarise", "", summarise_prompt(text), answer)

    return Family(f"summarise-{name}", "summarise", split, make, ways + asks)


FAMILIES = tuple(
    family(name, split, *case) for split, cases in (("train", TRAIN), ("heldout", HELDOUT)) for name, case in cases.items()
)
