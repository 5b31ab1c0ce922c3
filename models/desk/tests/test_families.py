"""The families of classification, filter, summaries and free chat keep their promises."""

import re
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data import chat, classify, filter, summarise  # noqa: E402
from data.departments import DEPARTMENTS  # noqa: E402
from data.row import BEYOND, FILTER_LABELS, NONE, Family, Row  # noqa: E402
from data.topics import ROOM, TOPICS  # noqa: E402

MODULES = {"classify": classify, "filter": filter, "summarise": summarise, "chat": chat}
# Training and held-out families that each task must have at least.
AT_LEAST = {"classify": (20, 20), "filter": (25, 7), "summarise": (25, 7), "chat": (60, 15)}
ROWS = 60


def rows(family: Family, count: int = ROWS) -> list[Row]:
    """The first rows of a family."""
    return [family.row("test", index) for index in range(count)]


def of(task: str, split: str) -> list[Family]:
    """The families of a task in a split."""
    return [family for family in MODULES[task].FAMILIES if family.split == split]


def skeleton(template: str) -> str:
    """A template without its values: slots, letter case and punctuation do not count."""
    return " ".join(re.sub(r"[^a-z_|\[\] ]", " ", re.sub(r"\{[^}]*\}", "_", template.lower())).split())


def plain(label: str) -> str:
    """A label name however a row writes it."""
    return re.sub(r"[-_]", " ", label.lower())


class Breadth(unittest.TestCase):
    def test_there_are_enough_families(self) -> None:
        for task, (train, heldout) in AT_LEAST.items():
            self.assertGreaterEqual(len(of(task, "train")), train, task)
            self.assertGreaterEqual(len(of(task, "heldout")), heldout, task)

    def test_the_catalogue_is_large(self) -> None:
        self.assertGreaterEqual(len(TOPICS), 150)
        self.assertGreaterEqual(len({topic.domain for topic in TOPICS}), 12)
        self.assertGreaterEqual(sum(topic.new for topic in TOPICS), 15)
        self.assertEqual(len({topic.key for topic in TOPICS}), len(TOPICS))

    def test_lists_of_topics_name_topics_that_exist(self) -> None:
        keys = {topic.key for topic in TOPICS}
        named = set((ROOM / "alike").read_text("utf-8").split())
        named |= {key for _, _, own in DEPARTMENTS.values() for key in own}
        self.assertEqual(named - keys, set())

    def test_beyond_me_has_many_families(self) -> None:
        kinds = Counter(f.split for f in chat.FAMILIES if f.name.startswith("chat-beyond-"))
        self.assertGreaterEqual(kinds["train"], 60)
        self.assertGreaterEqual(kinds["heldout"], 15)


class Splits(unittest.TestCase):
    def test_no_template_is_in_both_splits(self) -> None:
        seen: dict[str, set[str]] = {}
        for module in MODULES.values():
            for family in module.FAMILIES:
                for template in family.templates:
                    seen.setdefault(skeleton(template), set()).add(family.split)
        self.assertEqual([text for text, splits in seen.items() if len(splits) > 1], [])

    def test_kept_names_and_new_topics_are_not_in_training(self) -> None:
        kept = {plain(name) for topic in TOPICS for name in topic.names["heldout"]}
        kept |= {plain(name) for _, names, _ in DEPARTMENTS.values() for name in names}
        new = {skeleton(text) for topic in TOPICS if topic.new for text in topic.messages["heldout"]}
        for family in of("classify", "train"):
            self.assertEqual({skeleton(t) for t in family.templates} & new, set(), family.name)
            if not family.name.startswith(("classify-set-", "classify-domains-")):
                shown = {plain(label) for row in rows(family, 150) for label in row.labels}
                self.assertEqual(shown & kept, set(), family.name)

    def test_general_sets_have_names_of_their_own_in_held_out_rows(self) -> None:
        for kinds in classify.SETS:
            self.assertEqual(set(kinds.names["train"]) & set(kinds.names["heldout"]), set(), kinds.name)


class Classify(unittest.TestCase):
    def test_labels_are_distinct_and_hold_the_answer(self) -> None:
        for family in classify.FAMILIES:
            for row in rows(family):
                self.assertGreaterEqual(len(row.labels), 2, row.id)
                self.assertEqual(len({plain(label) for label in row.labels}), len(row.labels), row.labels)
                self.assertIn(row.answer, row.labels)
                self.assertEqual(row.known, row.answer != NONE)
                self.assertFalse(any("," in label for label in row.labels), row.labels)
                self.assertTrue(row.prompt.startswith(f"classify: {', '.join(row.labels)}\nmessage: "))

    def test_none_of_these_is_offered_often_and_right_at_times(self) -> None:
        made = [row for family in of("classify", "train") for row in rows(family)]
        offered = [row for row in made if NONE in row.labels]
        right = sum(row.answer == NONE for row in offered)
        self.assertTrue(0.3 < len(offered) / len(made) < 0.5, len(offered) / len(made))
        self.assertTrue(0.2 < right / len(offered) < 0.4, right / len(offered))

    def test_the_right_label_has_no_favourite_place(self) -> None:
        places: Counter[tuple[int, int]] = Counter()
        totals: Counter[int] = Counter()
        for family in of("classify", "train"):
            for row in rows(family, 200):
                names = [label for label in row.labels if label != NONE]
                if row.answer != NONE and len(names) in (3, 4, 5):
                    places[len(names), names.index(row.answer)] += 1
                    totals[len(names)] += 1
        for (count, place), times in places.items():
            self.assertAlmostEqual(times / totals[count], 1 / count, delta=0.06, msg=f"{place} of {count}")


class Filter(unittest.TestCase):
    def test_answers_are_balanced(self) -> None:
        for split in ("train", "heldout"):
            answers = Counter(row.answer for family in of("filter", split) for row in rows(family, 3))
            self.assertEqual(set(answers), set(FILTER_LABELS))
            for answer, times in answers.items():
                self.assertTrue(0.25 < times / answers.total() < 0.42, (split, answer))

    def test_the_length_does_not_tell_the_answer(self) -> None:
        words: dict[str, list[int]] = {}
        for family in of("filter", "train"):
            for row in rows(family):
                words.setdefault(row.answer, []).append(len(row.prompt.split()))
        means = [sum(counts) / len(counts) for counts in words.values()]
        self.assertLess(max(means) / min(means), 1.4)


class Summarise(unittest.TestCase):
    def test_values_of_the_summary_stand_in_the_message(self) -> None:
        for family in summarise.FAMILIES:
            for row in rows(family):
                message = row.prompt.partition("message: ")[2].lower()
                for value in re.findall(r"[\w#-]*\d[\w.:/-]*\w", row.answer.lower()):
                    self.assertIn(value, message, row.id)
                self.assertIn(row.answer.count(". "), (0, 1), row.answer)

    def test_no_slot_is_left_open(self) -> None:
        for module in MODULES.values():
            for family in module.FAMILIES:
                for row in rows(family, 25):
                    self.assertIsNone(re.search(r"\{[a-z]+\d*\}|\[[^\]]*\|", row.prompt + row.answer), row.id)
                    self.assertLess(len(row.prompt.split()), 220, row.id)


class Chat(unittest.TestCase):
    def test_beyond_me_is_one_of_the_fixed_sentences(self) -> None:
        for family in chat.FAMILIES:
            for row in rows(family, 10):
                if family.name.startswith("chat-beyond-"):
                    self.assertEqual({row.answer, *row.accept}, set(BEYOND))
                    self.assertFalse(row.known)
                else:
                    self.assertNotIn(row.answer, BEYOND)

    def test_the_same_seed_gives_the_same_row(self) -> None:
        for module in MODULES.values():
            for family in module.FAMILIES:
                self.assertEqual(family.row(7, 3).to_json(), family.row(7, 3).to_json())


if __name__ == "__main__":
    unittest.main()
