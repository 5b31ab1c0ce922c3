"""Topics of `answer`: facts with statements and questions, read from a small text form, and made into rows.

# topic | kind of its entity (optional)
@ fact | kind of value | subjects (a list, or the name of a word list) | noun phrase (optional)
+ a statement, with {v} the value, {s} the subject, {e} the entity
? a question whose answer is the value          ?s a question whose answer is the subject
~ a sentence of the topic that answers nothing
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from . import values, words
from .noise import typos
from .row import UNKNOWN, Row, answer_prompt


@dataclass
class Fact:
    """One thing that a passage may tell."""

    key: str
    kind: str
    subjects: tuple[str, ...] = ()
    pool: str = ""
    noun: str = ""
    says: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    asks_subject: list[str] = field(default_factory=list)


@dataclass
class Topic:
    """Facts that can stand in one passage."""

    name: str
    entity: str = ""
    facts: list[Fact] = field(default_factory=list)
    fluff: list[str] = field(default_factory=list)

    def templates(self) -> tuple[str, ...]:
        """Every sentence and question of the topic."""
        out = list(self.fluff)
        for fact in self.facts:
            out += fact.says + fact.asks + fact.asks_subject
        return tuple(out)


@dataclass
class Told:
    """A fact with its subject and value."""

    fact: Fact
    subject: str
    value: str
    says: str = ""


def parse(text: str) -> list[Topic]:
    """Reads topics from their text form."""
    topics: list[Topic] = []
    for line in text.strip().splitlines():
        mark, _, rest = line.partition(" ")
        parts = [part.strip() for part in rest.split("|")]
        if mark == "#":
            topics.append(Topic(parts[0], *parts[1:2]))
        elif mark == "@":
            listed = tuple(part.strip() for part in parts[2].split(",")) if len(parts) > 2 and parts[2] else ()
            pool = listed[0] if len(listed) == 1 else ""
            topics[-1].facts.append(
                Fact(parts[0], parts[1], () if pool else listed, pool, parts[3] if len(parts) > 3 else "")
            )
        elif mark == "~":
            topics[-1].fluff.append(rest)
        elif mark == "+":
            topics[-1].facts[-1].says.append(rest)
        elif mark == "?":
            topics[-1].facts[-1].asks.append(rest)
        elif mark == "?s":
            topics[-1].facts[-1].asks_subject.append(rest)
        elif mark:
            raise ValueError(f"not a line of a topic: {line}")
    return topics


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _fill(template: str, told: Told, entity: str) -> str:
    text = template.replace("{v}", told.value).replace("{s}", told.subject).replace("{e}", entity)
    return re.sub(r"\b([Aa]) (?=[aeiouAEIO][a-z])", lambda m: m[1] + "n ", text) if "a {" in template.lower() else text


def _subjects(rng: random.Random, fact: Fact, split: str, count: int) -> list[str]:
    if fact.pool == "name":
        return [words.full_name(rng, split) for _ in range(count)]
    if fact.pool.startswith("="):
        seen: set[str] = set()
        return [values.fresh(rng, fact.pool, split, seen) for _ in range(count)]
    pool = words.pool(fact.pool, split) if fact.pool else fact.subjects
    return rng.sample(pool, min(count, len(pool))) if pool else [""] * count


@dataclass
class Style:
    """How the rows of a split wrap questions: the two splits share no wrapping."""

    split: str
    nouns: tuple[str, ...]
    wraps: tuple[str, ...]
    soft: tuple[str, ...]


TRAIN_STYLE = Style(
    "train",
    (
        "What is {n}?",
        "What is {n}?",
        "{n}?",
        "{n}",
        "Tell me {n}.",
        "What does it say about {n}?",
        "Do you know {n}?",
        "What would be {n}?",
        "Please give me {n}.",
        "I need {n}.",
        "Which is {n}?",
        "Could you look up {n}?",
        "find {n}",
        "what's {n}",
        "Can you find {n}?",
    ),
    (
        "Hi, {q}",
        "Hello, {q}",
        "Quick question: {q}",
        "Please tell me: {q}",
        "Could you tell me {q}",
        "I want to know: {q}",
        "Sorry, {q}",
        "My question is: {q}",
        "ok so {q}",
        "One more thing, {q}",
        "Do you know: {q}",
        "A customer asks: {q}",
        "{q} Thanks",
        "{q} I can't find it.",
        "I was wondering, {q}",
        "Just to be sure: {q}",
        "Someone asked me this: {q}",
        "{q} Please be short.",
    ),
    ("", "", "", "", "Please note: ", "Good to know: ", "By the way, ", "In short: ", "As of today, ", "In general, "),
)
HELDOUT_STYLE = Style(
    "heldout",
    ("Would you know {n}?", "Any idea of {n}?", "I'm looking for {n}.", "{n} please", "How about {n}?"),
    (
        "Excuse me, {q}",
        "Help me out: {q}",
        "Before I buy: {q}",
        "Hey, {q}",
        "{q} Cheers",
        "Question from a visitor: {q}",
    ),
    ("", "", "", "", "Remember: ", "For your information: "),
)


def ask(rng: random.Random, question: str, style: Style) -> str:
    """A question as people write it: wrapped, in lower case, without its mark, with a slip."""
    text = _capital(question)
    if rng.random() < 0.13:
        wrap = rng.choice(style.wraps)
        head = (
            text
            if wrap.startswith("{q}")
            else text[0].lower() + text[1:] if text.split()[0].lower() in _SMALL else text
        )
        text = wrap.replace("{q}", head)
    draw = rng.random()
    if draw < 0.16:
        text = text.lower()
    if draw < 0.1 or 0.3 < draw < 0.37:
        text = text.rstrip("?.")
    if rng.random() < 0.07:
        text = typos(rng, text, 0.12)
    return text


_SMALL = set(
    "what who when where which how do does is are can could may for at in on from until by whose why if".split()
)


def _passage(rng: random.Random, sentences: list[str], soft: tuple[str, ...]) -> str:
    out: list[str] = []
    for sentence in sentences:
        lead = rng.choice(soft)
        if (
            lead
            and rng.random() < 0.2
            and sentence.split()[0] in ("The", "A", "An", "You", "We", "Our", "There", "If", "It", "In")
        ):
            sentence = lead + sentence[0].lower() + sentence[1:]
        out.append(sentence)
    if rng.random() < 0.06:
        return (
            " - " + " - ".join(s.rstrip(".") for s in out)
            if rng.random() < 0.5
            else "; ".join(s.rstrip(".") for s in out) + "."
        )
    return " ".join(out)


def make_row(topic: Topic, style: Style) -> Callable[[random.Random], Row]:
    """The function of a family: passages of the topic, and questions that they answer or do not."""

    def make(rng: random.Random) -> Row:
        split = style.split
        entity = values.entity(rng, topic.entity, split) if topic.entity else ""
        asked = rng.choice(topic.facts)
        known = rng.random() < 0.64
        rest = [fact for fact in topic.facts if fact is not asked]
        rng.shuffle(rest)
        size = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6))
        told: list[Told] = []
        # Facts of the asked sort: the asked one last, and left out when the answer is to be unknown.
        same = 1
        if asked.subjects or asked.pool:
            same = rng.choice((1, 2, 2, 3)) if known else rng.choice((1, 2, 3, 3, 4))
        subjects = _subjects(rng, asked, split, same)
        seen: set[str] = set()
        for subject in subjects:
            told.append(Told(asked, subject, values.fresh(rng, asked.kind, split, seen)))
        target = told[-1]
        kept = told if known else told[:-1]
        for fact in rest[: max(size - len(kept), 1 if not kept else 0)]:
            for subject in _subjects(
                rng, fact, split, 2 if (fact.subjects or fact.pool) and rng.random() < 0.25 else 1
            ):
                kept = [*kept, Told(fact, subject, values.fresh(rng, fact.kind, split, seen))]
        for item in kept:
            item.says = rng.choice(item.fact.says)
        asks = [(a, False) for a in asked.asks] + [(a, True) for a in asked.asks_subject]
        template, of_subject = rng.choice(asks)
        if asked.noun and not of_subject and rng.random() < 0.2:
            template = rng.choice(style.nouns).replace("{n}", asked.noun)
        question_entity = entity
        if known and entity and "{e}" in template and "{e}" in target.says and rng.random() < 0.08:
            known, question_entity = False, values.other_entity(rng, topic.entity, split, entity)
        question = ask(rng, _fill(template, target, question_entity), style)
        # Facts of one sort mostly stand together, in any order; the rest in any order.
        groups: dict[str, list[str]] = {}
        for item in kept:
            groups.setdefault(item.fact.key, []).append(_capital(_fill(item.says, item, entity)))
        blocks = list(groups.values())
        rng.shuffle(blocks)
        sentences = [s for block in blocks for s in rng.sample(block, len(block))]
        for sentence in rng.sample(topic.fluff, min(len(topic.fluff), rng.choice((0, 0, 1, 1, 2)))):
            sentences.insert(
                rng.randint(0, len(sentences)),
                _capital(_fill(sentence, target, entity)) if "{s}" not in sentence else sentence,
            )
        passage = _passage(rng, sentences, style.soft)
        answer = UNKNOWN
        if known:
            wanted = target.subject if of_subject else target.value
            at = passage.find(wanted)
            if at < 0:
                at = passage.lower().find(wanted.lower())
            answer = passage[at : at + len(wanted)]
        return Row("answer", "", answer_prompt(question, passage), answer, known=known)

    return make
