"""`extract`: messages that hold values, the fields asked for, and the JSON object that answers."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import extract_clauses, extract_clauses_heldout, extract_topics
from .field_values import Scope, written
from .fields import FIELDS, GROUPS, group, may_be_absent
from .noise import frame, noise
from .row import Family, Row, extract_answer, extract_prompt

_SLOT = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")


@dataclass(frozen=True)
class Topic:
    """What a group of messages is about."""

    name: str
    fields: tuple[str, ...]
    scenes: tuple[str, ...]
    messages: tuple[str, ...]


def parse(text: str) -> tuple[Topic, ...]:
    """Reads the topics of `extract_topics`."""
    topics = []
    for block in text.strip().split("\n# "):
        lines = block.removeprefix("# ").splitlines()
        of = {mark: tuple(line[2:] for line in lines[1:] if line[0] == mark) for mark in ":~+"}
        fields = tuple(name.strip() for name in of[":"][0].split(","))
        topics.append(Topic(lines[0].strip(), fields, of["~"], of["+"]))
    return tuple(topics)


def slots(template: str) -> list[tuple[str, str | None]]:
    """The slots of a template: field and, for those nobody asks for, kind."""
    return [(match[1], match[2]) for match in _SLOT.finditer(template)]


def fill(scope: Scope, template: str) -> tuple[str, dict[str, str]]:
    """The message, and the value of every field in it."""
    values: dict[str, str] = {}
    lower = scope.rng.random() < (0.4 if template == template.lower() else 0.04)

    def value(match: re.Match[str]) -> str:
        name, kind = match[1], match[2] or FIELDS[match[1]][0]
        shown, plain = written(scope, kind)
        if lower and kind in (
            "name",
            "person",
            "titled",
            "city",
            "product",
            "company",
            "address",
            "plan",
            "carrier",
            "country",
        ):
            shown, plain = shown.lower(), plain.lower()
        before = template[: match.start()]
        if kind == "reason" and (not before or before.rstrip()[-1:] in ".?!"):
            shown = plain = plain[0].upper() + plain[1:]
        if match[2] is None:
            values[name] = plain
        return shown

    text = _SLOT.sub(value, template)
    for plain in values.values():  # "a" before a value that begins with a vowel
        if plain[:1].lower() in "aeio":
            text = re.sub(rf"\b([Aa]) (?={re.escape(plain)})", r"\1n ", text)
    return text, values


def others(template: str) -> set[str]:
    """The kinds of the values that nobody asks for: a question that they could answer too would not be fair."""
    kinds = {kind for _, kind in slots(template) if kind}
    return kinds | {"name", "titled"} if "person" in kinds else kinds


def asked_as(rng: random.Random, name: str, names: set[str], spare: set[str]) -> str:
    """How the prompt calls a field: its own name, another word for it, or the general one when that is clear."""
    general = group(name)
    alone = FIELDS[name][0] not in spare and sum(group(other) == general for other in names) == 1
    if name != general and alone and rng.random() < 0.35:
        name = general
    also = FIELDS[name][1]
    return rng.choice(also) if also and rng.random() < 0.25 else name


def row(
    rng: random.Random, text: str, values: dict[str, str], likely: tuple[str, ...], spare: set[str] = frozenset()
) -> Row:
    """Asks for some of the values and perhaps for fields that the message lacks."""
    present = list(values)
    names = set(present)
    fair = [f for f in FIELDS if may_be_absent(f, names) and FIELDS[f][0] not in spare]
    lacking = [f for f in fair if f in likely or rng.random() < 0.1]
    rng.shuffle(present)
    rng.shuffle(lacking)
    size = rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5))
    share = rng.choice((0, 0, 0.2, 0.34, 0.5, 1.0 if rng.random() < 0.3 else 0.4))
    absent = min(len(lacking), round(size * share))
    taken = present[: max(size - absent, 0)]
    if not taken and not absent:
        absent = 1
    asked: dict[str, str | None] = {}
    for name in taken:
        asked.setdefault(asked_as(rng, name, names, spare), values[name])
    for name in lacking[:absent]:
        if not any(
            group(name) == group(other) for other in taken if GROUPS.get(group(name), (name,))[0] in (name, other)
        ):
            also = FIELDS[name][1]
            asked.setdefault(rng.choice(also) if also and rng.random() < 0.25 else name, None)
    if not asked:
        asked[lacking[0]] = None
    order = list(asked)
    rng.shuffle(order)
    asked = {key: asked[key] for key in order}
    return Row(
        "extract",
        "",
        extract_prompt(order, text),
        extract_answer(asked),
        fields=order,
        known=any(v is not None for v in asked.values()),
    )


def compatible(names: list[str]) -> list[str]:
    """Leaves out general fields beside particular ones of their sort; a writer's name may stand beside others' names."""
    out: list[str] = []
    for name in names:
        general = group(name)
        clash = general != "name" and any(group(o) == general and general in (name, o) for o in out)
        if not clash:
            out.append(name)
    return out


def whole(topic: Topic, split: str) -> Callable[[random.Random], Row]:
    """Rows from whole messages."""

    def make(rng: random.Random) -> Row:
        scope = Scope(rng, split)
        template = rng.choice(topic.messages)
        if rng.random() < 0.3:
            scene = rng.choice(topic.scenes)
            template = f"{scene} {template}" if rng.random() < 0.5 else f"{ended(template)} {scene}"
        text, values = fill(scope, noise(rng, frame(rng, template, 0.25), 0.35))
        return row(rng, text, values, topic.fields, others(template))

    return make


def ended(text: str) -> str:
    """The text with an end mark."""
    return text if text[-1:] in ".!?:," else text + "."


def clause(rng: random.Random, text: str, last: bool) -> str:
    """A clause as one of several: its end, and sometimes a soft joint to the next."""
    if last and rng.random() < 0.4:
        return text
    if text.startswith(("Regards", "Thanks", "Best", "Cheers", "Yours", "Kind", "Sincerely", "Signed", "Warmly")):
        return ended(text)
    draw = rng.random()
    if draw < 0.15 and text.endswith("."):
        return text[:-1] + ","
    if draw < 0.2 and text.endswith("."):
        return text[:-1] + " and"
    if draw < 0.25 and text.endswith("."):
        return text[:-1] + ";"
    return ended(text) if draw < 0.9 else text


def composed(topic: Topic, bank: dict[str, tuple[str, ...]], split: str) -> Callable[[random.Random], Row]:
    """Rows from a scene and shuffled clauses of the bank."""

    def make(rng: random.Random) -> Row:
        scope = Scope(rng, split)
        known = [f for f in topic.fields if f in bank]
        if rng.random() < 0.25:
            known += rng.sample(sorted(bank), 3)
        rng.shuffle(known)
        names = compatible(list(dict.fromkeys(known)))[: rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6))]
        clauses = [rng.choice(bank[name]) for name in names]
        signed = [
            c
            for c in clauses
            if c.startswith(("Regards", "Thanks", "Best", "Cheers", "Yours", "Kind", "Sincerely", "Signed", "Warmly"))
        ]
        clauses = [c for c in clauses if c not in signed]
        if rng.random() < 0.8 or not clauses:
            clauses.insert(0 if rng.random() < 0.6 else rng.randint(0, len(clauses)), rng.choice(topic.scenes))
        clauses += signed
        template = " ".join(clause(rng, c, i == len(clauses) - 1) for i, c in enumerate(clauses))
        text, values = fill(scope, noise(rng, frame(rng, template, 0.2), 0.4))
        return row(rng, text, values, topic.fields)

    return make


def listed(
    split: str, labels: dict[str, tuple[str, ...]], seams: tuple[str, ...], marks: tuple[str, ...]
) -> Callable[[random.Random], Row]:
    """Rows from forms: label, mark, value, again and again. Some labels are codes of no known field."""

    def make(rng: random.Random) -> Row:
        scope = Scope(rng, split)
        names = compatible(rng.sample(sorted(labels), rng.randint(2, 7)))
        seam, mark = rng.choice(seams), rng.choice(marks)
        small = rng.random() < 0.4
        parts, values, keys = [], {}, {}
        for name in names:
            label = rng.choice(labels[name])
            shown, plain = written(scope, FIELDS[name][0] if name in FIELDS else FORM[name])
            parts.append(f"{label if small else label[0].upper() + label[1:]}{mark}{shown}")
            values[name] = plain
            keys[name] = label
        text = seam.join(parts)
        return row(rng, text, values, tuple(FIELDS)) if all(n in FIELDS for n in names) else _codes(rng, text, values)

    return make


def _codes(rng: random.Random, text: str, values: dict[str, str]) -> Row:
    names = [n for n in values if n not in FIELDS] + [n for n in values if n in FIELDS]
    taken = names[: rng.randint(1, 3)]
    absent = [n for n in FORM if n not in values]
    asked: dict[str, str | None] = {n: values[n] for n in taken}
    if rng.random() < 0.4:
        asked[rng.choice(absent)] = None
    if rng.random() < 0.08:
        asked = {rng.choice(absent): None}
    order = list(asked)
    rng.shuffle(order)
    return Row(
        "extract",
        "",
        extract_prompt(order, text),
        extract_answer({n: asked[n] for n in order}),
        fields=order,
        known=any(asked.values()),
    )


FORM = {
    "membership number": "customer",
    "gate code": "short",
    "locker number": "short",
    "batch number": "code",
    "flight number": "code",
    "seat": "code",
    "licence plate": "code",
    "vat number": "policy",
    "contract number": "policy",
    "tax id": "account",
    "supplier": "company",
    "manager": "person",
    "driver": "person",
    "deadline": "date",
    "birth date": "date",
    "budget": "amount",
    "deposit": "amount",
    "fee": "amount",
    "meter reading": "account",
    "warehouse": "city",
    "branch": "city",
    "contact person": "person",
    "store number": "short",
    "pickup time": "time",
    "opening time": "time",
    "nationality": "country",
    "voucher": "coupon",
    "part number": "code",
    "article number": "code",
    "desk number": "short",
    "doctor": "titled",
    "guests": "quantity",
}

_HELD_FORM = ("gate code", "deposit", "driver", "part number", "meter reading", "branch")


def _labels(split: str) -> dict[str, tuple[str, ...]]:
    plain = {name: (name, *also) for name, (_, also) in FIELDS.items() if name != "reason"}
    forms = {n: (n,) for n in FORM if (n in _HELD_FORM) == (split == "heldout")}
    return {**plain, **forms}


def _families() -> tuple[Family, ...]:
    out = []
    for split, text, bank in (
        ("train", extract_topics.TRAIN, extract_clauses.TRAIN),
        ("heldout", extract_topics.HELDOUT, extract_clauses_heldout.HELDOUT),
    ):
        for topic in parse(text):
            name = topic.name.replace(" ", "-")
            clauses = tuple(c for f in topic.fields for c in bank.get(f, ()))
            out.append(Family(f"extract-{name}", "extract", split, whole(topic, split), topic.messages + topic.scenes))
            out.append(
                Family(
                    f"extract-{name}-clauses", "extract", split, composed(topic, bank, split), topic.scenes + clauses
                )
            )
    forms = (
        ("comma", (", ",), (": ", " "), "train"),
        ("semicolon", ("; ",), (": ", " = ", " "), "train"),
        ("bar", (" | ", " / "), (": ", " ", "="), "train"),
        ("stop", (". ",), (": ", " is ", " - "), "train"),
        ("dash", (" - ", " * "), (": ", " = "), "heldout"),
    )
    for name, seams, marks, split in forms:
        shapes = tuple(f"{{label}}{m}{{value}}{s}{{label}}{m}{{value}}" for s in seams for m in marks)
        out.append(
            Family(f"extract-form-{name}", "extract", split, listed(split, _labels(split), seams, marks), shapes)
        )
    return tuple(out)


FAMILIES = _families()
