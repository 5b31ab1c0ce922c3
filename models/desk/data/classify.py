"""Families of classification: topics of a domain, of mixed domains, whole domains as labels, and general label sets."""

import random
from collections.abc import Callable

from . import chat_beyond
from .classify_sets import SETS, LabelSet
from .departments import BLURRED as BLURRED_DEPARTMENTS
from .departments import DEPARTMENTS
from .grammar import fill, lines, message
from .row import NONE, Family, Row, classify_prompt
from .topics import TOPICS, Topic, alike

BEFORE = {
    "train": lines("""
        I am writing to you because of the following
        I have been a customer since {month}
        my name is {name}
        I tried to call you on {day}
        I am not sure whether I am right here
        [hope|I hope] you can help me
        I have a [question|small problem|request]
        maybe you can help
        this is my second message
        I looked on your website and found nothing
        it is {name} again
        here is what it is about
        I am a bit lost
        my number is {order}
        just a short message
    """),
    "heldout": lines("""
        {name} from {city} here
        there is something I would like to raise
        nobody picked up when I rang on {day}
        let me explain
        I do not write such messages often
        perhaps this reaches the right desk
    """),
}
AFTER = {
    "train": lines("""
        what can [I|we] do?
        can you [help|look into it]?
        please let me know
        can somebody look at this?
        I would be glad to hear from you
        you can reach me after {time}
        please write back [soon|today|by {day}]
        what is the next step?
        I hope for a quick answer
        thanks for your time
        please tell me how this works
        I have asked before and got no answer
        my number is {order}
        tell me what you need from me
    """),
    "heldout": lines("""
        how do we go on from here?
        a short word from you would be lovely
        do get in touch
        I am curious what you say
        would somebody take this up, please?
        reach me in the evening
    """),
}
DOMAINS = {
    "shop": ("online shop", "shop orders", "retail"),
    "parcel": ("parcel service", "shipping", "post and parcels"),
    "bank": ("bank", "banking", "money and cards"),
    "telecom": ("phone and internet", "telecom", "mobile and broadband"),
    "saas": ("software", "web app", "app support"),
    "travel": ("travel", "flights and hotels", "trips"),
    "health": ("doctor's practice", "health", "medical office"),
    "utilities": ("electricity and water", "utilities", "energy"),
    "school": ("school", "education", "school office"),
    "library": ("library", "books and lending", "library desk"),
    "hr": ("human resources", "HR", "staff matters"),
    "ithelp": ("IT helpdesk", "office IT", "computers at work"),
    "restaurant": ("restaurant", "food and tables", "catering"),
    "insurance": ("insurance", "insurance policies", "cover and claims"),
    "gym": ("gym", "fitness studio", "sports club"),
}

BLURRED = ({"shop", "parcel"}, {"saas", "ithelp"}, {"telecom", "ithelp"}, {"school", "library"}, {"telecom", "saas"}, {"hr", "ithelp"})


def clause_banks(split: str) -> list[tuple[str, ...]]:
    """The message templates of every topic that a split may use."""
    return [tuple(t.messages[split]) for t in TOPICS if t.messages[split] and not (split == "train" and t.new)]


def topic_text(rng: random.Random, bank: list[str] | tuple[str, ...], split: str) -> str:
    """A message: one clause of the bank, sometimes two, perhaps between neutral ones."""
    clauses = rng.sample(list(bank), 2 if len(bank) > 1 and rng.random() < 0.15 else 1)
    if rng.random() < 0.25:
        clauses.insert(0, rng.choice(BEFORE[split]))
    if rng.random() < 0.25:
        clauses.append(rng.choice(AFTER[split]))
    known: dict[str, str] = {}
    return message(rng, [fill(rng, clause, split, known) for clause in clauses], frame=0.25)


def off_topic(rng: random.Random, split: str) -> str:
    """A message that is no support matter at all."""
    kinds = chat_beyond.TRAIN if split == "train" else chat_beyond.HELDOUT
    templates = kinds[rng.choice(sorted(kinds))][1]
    return message(rng, [fill(rng, rng.choice(templates), split)], frame=0.2)


def style(rng: random.Random) -> Callable[[str], str]:
    """How a row writes its label names: mostly as they are, sometimes with capitals or joined words."""
    draw = rng.random()
    if draw < 0.78:
        return str
    if draw < 0.9:
        return lambda name: name[:1].upper() + name[1:]
    if draw < 0.95:
        return lambda name: name.lower().replace(" ", "_")
    return lambda name: name.lower().replace(" ", "-")


def name_of(rng: random.Random, topic: Topic, split: str) -> str:
    """A label name; held-out rows prefer the names that training never sees."""
    if split == "train" or topic.new:
        return rng.choice(topic.names["heldout" if topic.new else "train"])
    kept = topic.names["heldout"]
    return rng.choice(kept if kept and rng.random() < 0.6 else topic.names["train"])


def offer(rng: random.Random, names: list[str], right: str | None, none: bool) -> list[str]:
    """The labels of the prompt in random order, "none of these" mostly last."""
    labels = list(names)
    if right is not None:
        labels.append(right)
    rng.shuffle(labels)
    if none:
        labels.insert(len(labels) if rng.random() < 0.7 else rng.randrange(len(labels) + 1), NONE)
    return labels


def row(labels: list[str], text: str, answer: str) -> Row:
    """A classification row."""
    return Row("classify", "", classify_prompt(labels, text), answer, labels=labels, known=answer != NONE)


def gather(rng: random.Random, right: Topic, pool: list[Topic], count: int, split: str, names: list[str]) -> list[Topic]:
    """Other topics for the row, none like the right one or like each other; their names go to `names`."""
    chosen: list[Topic] = []
    for topic in rng.sample(pool, len(pool)):
        if len(chosen) == count:
            break
        if not any(alike(topic, other) for other in (*chosen, right)):
            name = name_of(rng, topic, split)
            if name.lower() not in {n.lower() for n in names}:
                chosen.append(topic)
                names.append(name)
    return chosen


def topic_family(name: str, split: str, own: list[Topic], pool: list[Topic]) -> Family:
    """The message is about a topic of `own`; the other labels come from the domain or from everywhere."""
    templates = tuple(t for topic in own for t in topic.messages[split])

    def make(rng: random.Random) -> Row:
        right = rng.choice(own)
        near = [t for t in pool if t.domain == right.domain]
        others = near if len(near) > 3 and rng.random() < 0.55 else pool
        say = style(rng)
        names = [name_of(rng, right, split)]
        gather(rng, right, others, rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 11)), split, names)
        if len(names) < 2:
            gather(rng, right, pool, 1, split, names)
        none = rng.random() < 0.4
        gone = none and rng.random() < 0.32 and len(names) > 2
        shown = [say(n) for n in names]
        text = topic_text(rng, right.messages[split], split)
        if gone and rng.random() < 0.2:
            text = off_topic(rng, split)
        labels = offer(rng, shown[1:], None if gone else shown[0], none)
        return row(labels, text, NONE if gone else shown[0])

    return Family(name, "classify", split, make, templates)


def apart(domains: list[str], blurred: tuple[set[str], ...]) -> list[str]:
    """The names without those that a message of an earlier one could belong to as well."""
    out: list[str] = []
    for domain in domains:
        if not any({domain, other} in blurred for other in out):
            out.append(domain)
    return out


def domain_family(split: str, topics: list[Topic]) -> Family:
    """Whole domains as labels."""
    by_domain: dict[str, list[Topic]] = {}
    for topic in topics:
        if topic.domain in DOMAINS:
            by_domain.setdefault(topic.domain, []).append(topic)

    def make(rng: random.Random) -> Row:
        domains = apart(rng.sample(sorted(by_domain), rng.randrange(4, 10)), BLURRED)
        while len(domains) < 2:
            domains = apart(rng.sample(sorted(by_domain), 6), BLURRED)
        say = style(rng)
        index = slice(0, 2) if split == "train" else slice(1, 3)
        names = [say(rng.choice(DOMAINS[d][index])) for d in domains]
        topic = rng.choice(by_domain[domains[0]])
        none = rng.random() < 0.4
        gone = none and rng.random() < 0.3
        labels = offer(rng, names[1:], None if gone else names[0], none)
        return row(labels, topic_text(rng, topic.messages[split], split), NONE if gone else names[0])

    return Family(f"classify-domains-{split}", "classify", split, make, tuple(t for x in topics for t in x.messages[split]))


def department_family(split: str, topics: list[Topic]) -> Family:
    """The queues of a desk as labels, over topics of many domains."""
    by_key = {topic.key: topic for topic in topics}
    owned = {d: [by_key[key] for key in keys] for d, (_, _, keys) in DEPARTMENTS.items()}

    def make(rng: random.Random) -> Row:
        chosen = apart(rng.sample(sorted(owned), rng.randrange(4, 10)), BLURRED_DEPARTMENTS)
        say = style(rng)
        column = 0 if split == "train" or rng.random() < 0.4 else 1
        names = [say(rng.choice(DEPARTMENTS[d][column])) for d in chosen]
        topic = rng.choice(owned[chosen[0]])
        none = rng.random() < 0.4
        gone = none and rng.random() < 0.3 and len(names) > 2
        text = off_topic(rng, split) if gone and rng.random() < 0.4 else topic_text(rng, topic.messages[split], split)
        labels = offer(rng, names[1:], None if gone else names[0], none)
        return row(labels, text, NONE if gone else names[0])

    templates = tuple(t for group in owned.values() for topic in group for t in topic.messages[split])
    return Family(f"classify-departments-{split}", "classify", split, make, templates)


def set_family(kinds: LabelSet, split: str) -> Family:
    """A general label set, such as priority or tone."""
    banks = kinds.messages[split]

    def make(rng: random.Random) -> Row:
        say = style(rng)
        naming = rng.choice(kinds.names[split])
        at = rng.randrange(len(banks))
        count = len(banks) if not kinds.cut or rng.random() < 0.6 else rng.randrange(2, len(banks) + 1)
        others = rng.sample([i for i in range(len(banks)) if i != at], count - 1)
        none = rng.random() < 0.3
        clauses = [rng.choice(banks[at])]
        if kinds.lead and rng.random() < 0.3:
            clauses.insert(0, rng.choice(BEFORE[split]))
        known: dict[str, str] = {}
        text = message(rng, [fill(rng, clause, split, known) for clause in clauses], frame=0.2)
        gone = none and kinds.cut and count > 2 and rng.random() < 0.4
        labels = offer(rng, [say(naming[i]) for i in others], None if gone else say(naming[at]), none)
        return row(labels, text, NONE if gone else say(naming[at]))

    return Family(f"classify-set-{kinds.name}-{split}", "classify", split, make, tuple(t for b in banks for t in b))


def families() -> tuple[Family, ...]:
    """One family per domain and split, one of all new topics, domains as labels, and the general sets."""
    out: list[Family] = []
    train = [t for t in TOPICS if not t.new]
    for split in ("train", "heldout"):
        usable = train if split == "train" else TOPICS
        for domain in sorted({t.domain for t in train}):
            own = [t for t in train if t.domain == domain and t.messages[split]]
            out.append(topic_family(f"classify-{domain}-{split}", split, own, usable))
        out.append(domain_family(split, [t for t in train if t.messages[split]]))
        out.append(department_family(split, train))
        out.extend(set_family(kinds, split) for kinds in SETS if kinds.messages[split])
    new = [t for t in TOPICS if t.new]
    out.append(topic_family("classify-new-topics", "heldout", new, TOPICS))
    return tuple(out)


FAMILIES = families()
