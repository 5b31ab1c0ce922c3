"""The generator as a whole, and what the families of extraction and answering promise."""

import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import generate  # noqa: E402
from data import answer, extract, words  # noqa: E402
from data.facts import HELDOUT_STYLE, TRAIN_STYLE, Style  # noqa: E402
from data.row import SPLITS, UNKNOWN, Family, Row  # noqa: E402

ROWS = 40
SLOT = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")


def rows(families: tuple[Family, ...], count: int = ROWS) -> list[Row]:
    """The first rows of each family."""
    return [family.row("test", index) for family in families for index in range(count)]


def of(families: tuple[Family, ...], split: str) -> tuple[Family, ...]:
    """The families of a split."""
    return tuple(family for family in families if family.split == split)


def skeleton(template: str) -> str:
    """A template without its values: slots, numbers, letter case and punctuation do not count."""
    text = re.sub(r"\d+", "_", SLOT.sub("_", template.lower()))
    return " ".join(re.sub(r"[^a-z_ ]", " ", text).split())


def shared(families: list[Family]) -> set[str]:
    """Skeletons that both splits have. Those of slots alone say nothing and are left out."""
    seen: dict[str, set[str]] = {split: set() for split in SPLITS}
    for family in families:
        seen[family.split] |= {skeleton(template) for template in family.templates}
    return {text for text in seen["train"] & seen["heldout"] if text.strip("_ ")}


def passage(row: Row) -> str:
    """The passage or message of a prompt."""
    return row.prompt.partition("\n")[2].partition(": ")[2]


class Whole(unittest.TestCase):
    """generate.py and the frame."""

    def write(self, seed: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            argv = ["generate.py", "--count", "2", "--heldout-count", "2", "--seed", seed, "--out", folder]
            with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(io.StringIO()):
                generate.main()
            return {split: Path(folder, f"{split}.jsonl").read_text("utf-8") for split in SPLITS}

    def test_the_seed_decides_every_byte(self) -> None:
        first = self.write("1")
        self.assertEqual(first, self.write("1"))
        self.assertNotEqual(first["train"], self.write("2")["train"])

    def test_files_hold_their_own_split(self) -> None:
        splits = {family.name: family.split for family in generate.families()}
        for split, text in self.write("1").items():
            made = [json.loads(line) for line in text.splitlines()]
            self.assertEqual({splits[row["family"]] for row in made}, {split})
            self.assertEqual({row["task"] for row in made}, set(generate.TASKS))
            self.assertEqual(len({row["id"] for row in made}), len(made))

    def test_no_template_is_in_both_splits(self) -> None:
        self.assertEqual(shared(generate.families()), set())

    def test_the_check_of_templates_can_fail(self) -> None:
        train = of(extract.FAMILIES, "train")[0]
        copy = SLOT.sub("{elsewhere}", train.templates[0]).upper().replace(".", "!")
        other = Family("copy", "extract", "heldout", train.make, (copy,))
        self.assertEqual(shared([train, other]), {skeleton(train.templates[0])})

    def test_no_prompt_is_in_both_splits(self) -> None:
        for families in (extract.FAMILIES, answer.FAMILIES):
            prompts = [{row.prompt for row in rows(of(families, split))} for split in SPLITS]
            self.assertEqual(prompts[0] & prompts[1], set())

    def test_word_lists_are_cut(self) -> None:
        for kind in words.LISTS:
            train, held = (set(words.pool(kind, split)) for split in SPLITS)
            self.assertEqual(train & held, set(), kind)
            self.assertEqual(train | held, set(words.LISTS[kind]), kind)

    def test_prompts_are_short_and_filled(self) -> None:
        for row in rows(extract.FAMILIES) + rows(answer.FAMILIES):
            self.assertLess(len(row.prompt.split()), 220, row.id)
            self.assertEqual(row.prompt.count("\n"), 1, row.id)
            self.assertIsNone(re.search(r"[{}]", row.prompt), row.prompt)


class Extract(unittest.TestCase):
    """Messages and the JSON taken from them."""

    def test_there_are_enough_families(self) -> None:
        self.assertGreaterEqual(len(of(extract.FAMILIES, "train")), 40)
        self.assertGreaterEqual(len(of(extract.FAMILIES, "heldout")), 10)

    def test_exactly_the_fields_asked_and_values_as_written(self) -> None:
        for row in rows(extract.FAMILIES):
            asked = row.prompt.partition("\n")[0].removeprefix("extract: ").split(", ")
            values = json.loads(row.answer)
            self.assertEqual(list(values), asked, row.id)
            self.assertEqual(row.fields, asked, row.id)
            self.assertLessEqual(len(asked), 5, row.id)
            self.assertEqual(row.known, any(value is not None for value in values.values()), row.id)
            self.assertEqual(row.answer, json.dumps(values, ensure_ascii=False))
            for value in values.values():
                if value is not None:
                    self.assertIn(value, passage(row), row.id)
                    self.assertNotIn("#", value, row.id)

    def test_some_fields_are_absent_and_sometimes_all(self) -> None:
        for split in SPLITS:
            made = [json.loads(row.answer) for row in rows(of(extract.FAMILIES, split))]
            values = [value for answers in made for value in answers.values()]
            self.assertTrue(0.2 < values.count(None) / len(values) < 0.45, split)
            empty = sum(not any(answers.values()) for answers in made) / len(made)
            self.assertTrue(0.02 < empty < 0.2, (split, empty))

    def test_a_value_nobody_asks_for_leaves_no_doubt(self) -> None:
        for family in extract.FAMILIES:
            for template in family.templates:
                kinds = [kind for _, kind in extract.slots(template) if kind]
                self.assertLessEqual(len(kinds), 1, template)


class Answer(unittest.TestCase):
    """Passages, questions, and spans that answer."""

    def test_there_are_enough_families(self) -> None:
        self.assertGreaterEqual(len(of(answer.FAMILIES, "train")), 40)
        self.assertGreaterEqual(len(of(answer.FAMILIES, "heldout")), 10)

    def test_answers_are_spans_or_unknown(self) -> None:
        for row in rows(answer.FAMILIES):
            self.assertEqual(row.known, row.answer != UNKNOWN, row.id)
            if row.known:
                self.assertTrue(row.answer.strip(), row.id)
                self.assertIn(row.answer, passage(row), row.id)

    def test_about_a_third_is_unknown(self) -> None:
        for split in SPLITS:
            made = rows(of(answer.FAMILIES, split))
            share = sum(not row.known for row in made) / len(made)
            self.assertTrue(0.25 < share < 0.45, (split, share))

    def test_length_does_not_tell_what_is_unknown(self) -> None:
        made = rows(of(answer.FAMILIES, "train"), 80)
        means = []
        for known in (True, False):
            counts = [len(row.prompt.split()) for row in made if row.known == known]
            means.append(sum(counts) / len(counts))
        self.assertLess(max(means) / min(means), 1.15, means)

    def test_answers_stand_anywhere(self) -> None:
        fifths = [0] * 5
        for row in rows(of(answer.FAMILIES, "train"), 80):
            if row.known:
                text = passage(row)
                fifths[min(4, 5 * text.find(row.answer) // len(text))] += 1
        for count in fifths:
            self.assertTrue(0.12 < count / sum(fifths) < 0.3, fifths)

    def test_no_question_gives_away_that_it_is_unknown(self) -> None:
        for family in of(answer.FAMILIES, "train"):
            whole = {text for text in family.templates if text.endswith("?") and "{" not in text}
            seen: dict[str, list[bool]] = {}
            for row in rows((family,), 250):
                question = row.prompt.partition("\n")[0].removeprefix("answer: ")
                if question in whole:
                    seen.setdefault(question, []).append(row.known)
            for question, known in seen.items():
                self.assertTrue(len(known) < 10 or any(known), (family.name, question))

    def test_splits_wrap_questions_differently(self) -> None:
        def forms(style: Style) -> set[str]:
            return {skeleton(text) for text in style.nouns + style.wraps + style.soft if skeleton(text).strip("_ ")}

        self.assertEqual(forms(TRAIN_STYLE) & forms(HELDOUT_STYLE), set())


if __name__ == "__main__":
    unittest.main()
