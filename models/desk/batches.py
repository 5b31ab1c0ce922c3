"""Rows as token ids: the endless streams that training packs, the checks beside it, and the embedding's start."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import torch

import generate
import glove
import tokenizer as tok
from drills import Drills
from data import mix, public
from data.row import NONE, TASKS, Row, classify_prompt
from model import Model
from pack import Group, Item
from tokenizer import Tokenizer

NEAR = 6
"""Neighbours in meaning that a word may be replaced by."""
LEAST = 0.62
"""Their least cosine."""


def item(tokenizer: Tokenizer, messages: list[dict], answer: str, task: str) -> Item:
    """A row as ids."""
    return Item(tokenizer.chat(messages), [*tokenizer.encode(answer), tokenizer.end], TASKS.index(task))


def group(tokenizer: Tokenizer, labels: list[str], rows: list[tuple[str, str]], whole: bool = False) -> Group:
    """Messages with their labels behind one list; together the ids are those of each row alone."""
    head = classify_prompt(labels, "").rstrip()
    prefix = [tokenizer.user, *tokenizer.encode(head)]
    tail = [tokenizer.end, tokenizer.assistant]
    items = [
        Item(tokenizer.encode(f" {text}", prefix=False) + tail, [*tokenizer.encode(label), tokenizer.end], 0)
        for text, label in rows
    ]
    made = Group(prefix, items)
    made.whole = whole  # nothing of a check may be left out
    return made


class Source:
    """Everything a run trains on."""

    def __init__(self, tokenizer: Tokenizer, share: float):
        self.tokenizer = tokenizer
        self.share = share
        self.by_task: dict[str, list[Item]] = {task: [] for task in TASKS}
        self.sets: dict[str, list[tuple[str, str]]] = {}
        self.near: dict[str, list[str]] = {}
        self.vectors: glove.Vectors | None = None
        self.strangers: list[str] = []
        self.own: list[Item] = []
        self.own_count = 0

    def add(self, rows: list[Row]) -> None:
        """Adds generated rows."""
        for row in rows:
            messages = [*row.turns, {"role": "user", "content": row.prompt}]
            self.by_task[row.task].append(item(self.tokenizer, messages, row.answer, row.task))

    def public_group(self, rng: random.Random, whole: float) -> Group:
        """A list of labels of one public set with up to 24 messages; some belong to none of them."""
        name = rng.choices(list(self.sets), [3, 2])[0]
        rows = self.sets[name]
        labels, none = mix.label_list(rng, self.labels[name], whole)
        offered = set(labels)
        every = len(labels) > 60
        picked = []
        for _ in range(24 if every else 10):
            dice = rng.random()
            if none and dice < (0.06 if every else 0.22):
                text, label = self.stranger(rng, offered)
            else:
                label = rng.choice([label for label in labels if label != NONE])
                text = rng.choice(self.by_label[label])
            picked.append((mix.augment(rng, text, self.near, 0.10), label))
        return group(self.tokenizer, labels, picked)

    def stranger(self, rng: random.Random, offered: set[str]) -> tuple[str, str]:
        """A message that belongs to none of the labels on offer."""
        if rng.random() < 0.35:
            return rng.choice(self.strangers), NONE
        while True:
            text, label = rng.choice(self.sets[rng.choice(list(self.sets))])
            if label not in offered or label == NONE:
                return text, NONE

    def prepare(self) -> None:
        """Indexes the public sets by label."""
        self.labels = {name: sorted({label for _, label in rows} - {NONE}) for name, rows in self.sets.items()}
        self.by_label: dict[str, list[str]] = {}
        for rows in self.sets.values():
            for text, label in rows:
                self.by_label.setdefault(label, []).append(text)
        self.strangers += self.by_label.get(NONE, [])

    def stream(self, whole: float, drills: float, rng: random.Random) -> Iterator[Item | Group]:
        """Endless, in the shares of data/mix.py, by tokens; `drills` of them are exercises in copying."""
        tasks = [task for task in TASKS if self.by_task[task]]
        pools = {task: _Shuffled(self.by_task[task], rng) for task in tasks}
        own = _Shuffled(self.own, rng) if self.own else None
        drill = Drills(self.tokenizer, 0.8 if drills == 1 else 0.2).stream(rng)
        spent = {"drills": 0.0, "public": 0.0, "own": 0.0, **{task: 0.0 for task in tasks}}
        goal = {
            "drills": drills,
            "public": (1 - drills) * self.share if self.sets else 0.0,
            "own": (1 - drills) * 0.5 if own else 0.0,
        }
        rest = 1.0 - sum(goal.values())
        total = sum(mix.SHARES[task] for task in tasks) or 1.0
        goal |= {task: rest * mix.SHARES[task] / total for task in tasks}
        while True:
            # What lags most behind its share comes next.
            name = min((n for n in goal if goal[n] > 0), key=lambda n: (spent[n] + rng.random() * 400) / goal[n])
            if name == "public":
                thing = self.public_group(rng, whole)
                spent[name] += len(thing.prefix) + sum(len(i.prompt) + len(i.answer) for i in thing.items)
            else:
                thing = next(drill) if name == "drills" else own.next() if name == "own" else pools[name].next()
                spent[name] += len(thing.prompt) + len(thing.answer)
            yield thing

    def checks(self, smoke: bool) -> dict[str, list]:
        """What is looked at while training: *steer* rows, and for the curve (never chosen by) new rows of the training
        families and of the held-out ones."""
        out: dict[str, list] = {}
        if smoke or not self.sets:
            return out
        for name, load in (("clinc-steer", public.clinc), ("banking-steer", public.banking)):
            found = load()
            rng = random.Random(name)
            labels = [*found["labels"], NONE]
            out[name] = [group(self.tokenizer, labels, rng.sample(found["steer"], min(200, len(found["steer"]))), True)]
        for family in generate.families():
            for row in generate.rows(family, 12 if family.split == "heldout" else 4, "curve"):
                messages = [*row.turns, {"role": "user", "content": row.prompt}]
                name = f"{'heldout' if family.split == 'heldout' else 'new'}-{row.task}"
                out.setdefault(name, []).append(item(self.tokenizer, messages, row.answer, row.task))
        return {name: items if name.endswith("steer") else _thin(items, 150) for name, items in out.items()}


def _thin(items: list, most: int) -> list:
    return random.Random(0).sample(items, most) if len(items) > most else items


class _Shuffled:
    """Goes through a list in a new random order each time."""

    def __init__(self, items: list, rng: random.Random):
        self.items, self.rng, self.left = items, rng, []

    def next(self):
        if not self.left:
            self.left = list(range(len(self.items)))
            self.rng.shuffle(self.left)
        return self.items[self.left.pop()]


def generated(count: int, seed: int | str, tasks=TASKS) -> list[Row]:
    """About `count` rows of the training families, tasks in the shares of data/mix.py."""
    found = [f for f in generate.families(tuple(tasks)) if f.split == "train"]
    rows: list[Row] = []
    for task in tasks:
        families = [f for f in found if f.task == task]
        if families:
            each = max(1, round(count * mix.SHARES[task] / len(families)))
            for family in families:
                rows += generate.rows(family, each, seed)
    return rows


def everything(tokenizer: Tokenizer, count: int, recipe, vectors: glove.Vectors | None) -> Source:
    """The full mixture of the recipe."""
    source = Source(tokenizer, recipe.public)
    source.add(generated(count, recipe.seed))
    try:
        source.sets = mix.training_texts()
        rows = mix.training_rows()
    except FileNotFoundError as missing:
        print(f"without the public sets: {missing}", flush=True)
        return source
    source.add(rows)
    source.strangers = [row.prompt for row in rows if row.task == "chat"]
    source.prepare()
    source.vectors = vectors
    if vectors is not None:
        words = sorted({word.lower() for rows in source.sets.values() for text, _ in rows for word in text.split()})
        source.near = vectors.neighbours(words, NEAR, LEAST)
    return source


def _lines(path: Path) -> Iterator[tuple[int, dict]]:
    """The JSON objects of a file with their line numbers."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as wrong:
            raise SystemExit(f"{path}, line {number}: no JSON: {wrong}") from None
        if not isinstance(row, dict):
            raise SystemExit(f"{path}, line {number}: expected an object, got {type(row).__name__}")
        yield number, row


def own_rows(path: Path, tokenizer: Tokenizer, count: int, longest: int) -> Source:
    """A user's file, with as many generated rows beside it, so that the other tasks are not forgotten.

    `longest`: tokens of a row at most. A row that cannot be trained on ends the program; none is left out in silence.
    """
    source = Source(tokenizer, 0.0)
    rows = list(_lines(path))
    labels = sorted({row["label"] for _, row in rows if "label" in row})
    rng = random.Random(0)
    for number, row in rows:
        if "label" in row and "text" in row:
            offered = rng.sample(labels, len(labels))
            messages = [{"role": "user", "content": classify_prompt(offered, row["text"])}]
            source.own.append(item(tokenizer, messages, row["label"], "classify"))
        elif "messages" in row and "answer" in row:
            source.own.append(item(tokenizer, row["messages"], row["answer"], row.get("task", "chat")))
        else:
            raise SystemExit(f"{path}, line {number}: expected {{text, label}} or {{messages, answer}}, got {sorted(row)}")
        made = source.own[-1]
        if len(made.prompt) + len(made.answer) > longest:
            raise SystemExit(
                f"{path}, line {number}: {len(made.prompt) + len(made.answer)} tokens with all {len(labels)} labels; at most "
                f"{longest} fit: shorten the text, or offer fewer labels"
            )
    if not source.own:
        raise SystemExit(f"{path}: no rows; expected lines of {{text, label}} or {{messages, answer}}")
    source.own_count = len(source.own)
    source.add(generated(min(count, 6000), 1))
    return source


def tokenizer(out: Path, committed: Path, smoke: bool) -> Tokenizer:
    """The committed tokenizer; where there is none, one is trained on the mixture's texts."""
    if committed.exists():
        return Tokenizer.load(committed)
    texts: list[str] = []
    for row in generated(2000 if smoke else 30000, "tokenizer"):
        texts += [row.prompt, row.answer]
    words: list[str] = []
    if not smoke:
        sets = mix.training_texts()
        texts += [f"{text} {label}" for rows in sets.values() for text, label in rows for _ in range(2)]
        texts += [row.prompt for row in mix.training_rows()]
        words = [word for word in glove.load(out).words[:9000] if word.isascii() and word.isalpha()]
        words = [word for word in words for _ in range(3)]
    made = Tokenizer(tok.train(texts, words))
    made.save(out / "tokenizer.json")
    return made


def start_embedding(model: Model, tokenizer: Tokenizer, vectors: glove.Vectors) -> None:
    """Pieces that are words start at their word's vector, turned into the model's width by a fixed random rotation."""
    n = model.shape.n_embd
    spin = torch.linalg.qr(torch.randn(n, glove.SIZE, generator=torch.Generator().manual_seed(7)))[0]
    weight = model.token_embd.weight.data
    known = 0
    for i in range(tokenizer.first, len(tokenizer.pieces)):
        word = tokenizer.pieces[i].lstrip(tok.BLANK)
        vector = vectors.get(word) if len(word) > 1 else None
        if vector is not None:
            weight[i] = weight[i] * 0.6 + spin @ torch.from_numpy(vector) * (0.06 * n**0.5)
            known += 1
    print(f"{known} of {len(tokenizer.pieces)} pieces start at a word vector", flush=True)
