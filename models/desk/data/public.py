"""The public sets, read from ../shared, and their splits, each made once by the hash of a text.

*train* may be trained on. *steer* chooses and tunes. *report* is only ever reported. Rows of *train* and *steer* that
repeat a text of a later split (but for case and punctuation) are left out of the earlier one.
"""

import csv
import json
from functools import cache

from .row import BEYOND, UNKNOWN, Row, answer_prompt, one_line
from .shared import norm, path, which

Labelled = tuple[str, str]


def label_name(raw: str) -> str:
    """How a label is written in a prompt."""
    return raw.lower().replace("_", " ").replace("?", "").strip()


def without(rows: list, *later: list) -> list:
    """The rows (texts, or texts with labels) that no row of a later split repeats, each text once."""
    seen = {norm(text_of(row)) for rows_ in later for row in rows_}
    kept = []
    for row in rows:
        key = norm(text_of(row))
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return kept


def text_of(row: str | Labelled) -> str:
    """The text of a row with or without a label."""
    return row if isinstance(row, str) else row[0]


@cache
def clinc() -> dict[str, list]:
    """CLINC150: in-scope rows (text, label) under train, steer, report; texts out of scope under oos_train and so on.

    The validation set is cut by the parity of the hash. The 100 texts out of scope are ordered by hash and cut in the
    middle, so that both sides hold 50: parity would give 61 and 39.
    """
    raw = json.loads(path("intents/clinc150_train_val.json").read_text(encoding="utf-8"))

    def rows(name: str) -> list[Labelled]:
        return [(one_line(text), label_name(label)) for text, label in raw[name]]

    val = rows("val")
    report = [row for row in val if which(row[0]) % 2]
    steer = [row for row in val if not which(row[0]) % 2]
    oos_val = sorted((text for text, _ in rows("oos_val")), key=which)
    oos_report, oos_steer = oos_val[len(oos_val) // 2 :], oos_val[: len(oos_val) // 2]
    held = (report, steer, oos_report, oos_steer)
    return {
        "train": without(rows("train"), *held),
        "steer": without(steer, report, oos_report),
        "report": report,
        "oos_train": without([text for text, _ in rows("oos_train")], *held),
        "oos_steer": oos_steer,
        "oos_report": oos_report,
        "labels": sorted({label for _, label in rows("train")}),
    }


@cache
def banking() -> dict[str, list]:
    """Banking77: rows (text, label) under train, steer and report; the last two are a tenth of its train file.

    Two training rows are left out because CLINC150 holds the same texts, under labels of its own, in steer and report.
    """
    with path("intents/banking77_train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(one_line(row["text"]), label_name(row["category"])) for row in csv.DictReader(file)]
    held = [row for row in rows if which(row[0]) % 10 == 0]
    held_clinc = [clinc()[side] for side in ("steer", "report", "oos_steer", "oos_report")]
    report = [row for row in held if (which(row[0]) // 10) % 2]
    steer = [row for row in held if not (which(row[0]) // 10) % 2]
    return {
        "train": without([row for row in rows if which(row[0]) % 10], report, steer, *held_clinc),
        "steer": without(steer, report),
        "report": report,
        "labels": sorted({label for _, label in rows}),
    }


WINDOW = 120
"""Words of a passage cut from a COVID-QA article."""
LONGEST_ANSWER = 60
"""Answers of more words are left out: they are paragraphs, not answers."""


@cache
def covid() -> dict[str, list[Row]]:
    """COVID-QA, train and report by the hash of the article: each question twice, with and without its answer.

    The first row's window holds the answer. The second's comes from elsewhere in the same article, and the right reply
    is that it does not say. (Now and then an article says the same in other words: such a row's label is wrong.)
    """
    out: dict[str, list[Row]] = {"train": [], "report": []}
    articles = json.loads(path("qa/covidqa_half.json").read_text(encoding="utf-8"))["data"]
    for paragraph in (p for article in articles for p in article["paragraphs"]):
        context, words = paragraph["context"], paragraph["context"].split()
        side = "report" if which(context) % 2 else "train"
        windows = [_window(words, at) for at in range(0, len(words) - WINDOW // 2, WINDOW // 2)]
        for qa in paragraph["qas"]:
            answer = qa["answers"][0]
            text = one_line(answer["text"])
            start = _find(context, answer["text"], answer["answer_start"])
            if start is None or not 0 < len(text.split()) <= LONGEST_ANSWER:
                continue
            # Somewhere between a window that ends with the answer and one that begins with it.
            room = WINDOW - len(text.split()) - 1
            first = max(0, len(context[:start].split()) - which(qa["question"] + text) % room)
            inside = _window(words, first)
            outside = [window for window in windows if norm(text) not in norm(window)]
            out[side].extend(_covid_rows(side, qa["question"], text, inside, outside))
    return out


def _covid_rows(side: str, question: str, text: str, inside: str, outside: list[str]) -> list[Row]:
    """The two rows of a question, each if there is a window for it."""
    seed = which(question + text)
    key = f"covid-{side}-{seed:08x}"
    rows = []
    if norm(text) in norm(inside):
        rows.append(Row("answer", f"covid-{side}", answer_prompt(question, inside), text, id=f"{key}-in"))
    if outside:
        prompt = answer_prompt(question, outside[seed // 7 % len(outside)])
        rows.append(Row("answer", f"covid-{side}", prompt, UNKNOWN, known=False, id=f"{key}-out"))
    return rows


def _find(context: str, text: str, near: int) -> int | None:
    """Where the text stands: some offsets of the set are a few characters off, so the nearest place is taken."""
    text = text.strip()
    places = []
    at = context.find(text)
    while at >= 0:
        places.append(at)
        at = context.find(text, at + 1)
    return min(places, key=lambda place: abs(place - near), default=None)


def _window(words: list[str], first: int) -> str:
    """A window of words."""
    return " ".join(words[first : first + WINDOW])


@cache
def gsm8k() -> dict[str, list[Row]]:
    """GSM8K questions, train and report by hash: sums are beyond a support-desk model, and it has to say so."""
    out: dict[str, list[Row]] = {"train": [], "report": []}
    lines = path("reasoning/gsm8k_train_sample.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        question = one_line(json.loads(line)["question"])
        seed = which(question)
        side = "report" if seed % 2 else "train"
        reply = BEYOND[seed // 2 % len(BEYOND)]
        others = [text for text in BEYOND if text != reply]
        key = f"gsm-{side}-{seed:08x}"
        out[side].append(Row("chat", f"gsm-{side}", question, reply, accept=others, known=False, id=key))
    return out
