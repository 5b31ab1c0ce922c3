"""No text that is reported, or steered by, can be trained on."""

import sys
import unittest
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data import mix, public, shared  # noqa: E402
from data.row import Row, classify_prompt  # noqa: E402

SHINGLE = 12
"""Words in a row that two articles do not share by chance."""


def messages(row: Row) -> Iterable[str]:
    """The texts of a training row that a held-out text could hide in: its turns, and the parts of its prompt."""
    for turn in row.turns:
        yield turn["content"]
    yield row.prompt
    for line in row.prompt.split("\n"):
        yield line.partition(": ")[2] or line


def leaks(rows: Iterable[Row], held: Iterable[str]) -> list[str]:
    """The held-out texts that occur as a message in the rows, but for case and punctuation."""
    forbidden = {shared.norm(text) for text in held}
    return sorted({text for row in rows for text in messages(row) if shared.norm(text) in forbidden})


def shingles(text: str) -> set[str]:
    """Every run of `SHINGLE` words."""
    words = shared.norm(text).split()
    return {" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def held_intents() -> list[str]:
    """All texts of steer and report of both intent sets."""
    clinc, banking = public.clinc(), public.banking()
    rows = [*clinc["steer"], *clinc["report"], *banking["steer"], *banking["report"]]
    return [*(text for text, _ in rows), *clinc["oos_steer"], *clinc["oos_report"]]


class PublicSplits(unittest.TestCase):
    """The splits of the public sets."""

    def setUp(self) -> None:
        try:
            public.clinc(), public.banking(), public.covid(), public.gsm8k()
        except shared.MissingShared as error:
            self.skipTest(str(error))

    def check_disjoint(self, splits: dict[str, list[str]]) -> None:
        """No two of the lists hold the same text."""
        keys = {name: {shared.norm(text) for text in texts} for name, texts in splits.items()}
        names = list(keys)
        for i, a in enumerate(names):
            self.assertTrue(keys[a], a)
            for b in names[i + 1 :]:
                self.assertEqual(keys[a] & keys[b], set(), f"{a} and {b}")

    def test_clinc_is_disjoint(self) -> None:
        sets = public.clinc()
        splits = {name: [text for text, _ in sets[name]] for name in ("train", "steer", "report")}
        self.check_disjoint(splits | {name: sets[name] for name in ("oos_train", "oos_steer", "oos_report")})

    def test_banking_is_disjoint(self) -> None:
        sets = public.banking()
        self.check_disjoint({name: [text for text, _ in sets[name]] for name in ("train", "steer", "report")})

    def test_the_check_can_fail(self) -> None:
        text = public.clinc()["report"][0][0]
        with self.assertRaises(AssertionError):
            self.check_disjoint({"a": [text.upper() + "?"], "b": [text]})

    def test_sizes(self) -> None:
        clinc, banking = public.clinc(), public.banking()
        self.assertEqual(len(clinc["labels"]), 150)
        self.assertEqual(len(banking["labels"]), 77)
        self.assertEqual((len(clinc["oos_steer"]), len(clinc["oos_report"])), (50, 50))
        for side in ("steer", "report"):
            self.assertGreater(len(clinc[side]), 1400)
            self.assertGreater(len(banking[side]), 480)
            self.assertEqual({label for _, label in clinc[side]}, set(clinc["labels"]))

    def test_a_text_decides_its_own_side(self) -> None:
        clinc, banking = public.clinc(), public.banking()
        self.assertTrue(all(shared.which(text) % 2 for text, _ in clinc["report"]))
        self.assertFalse(any(shared.which(text) % 2 for text, _ in clinc["steer"]))
        self.assertTrue(all(shared.which(text) % 10 for text, _ in banking["train"]))
        self.assertTrue(all(shared.which(text) % 20 == 10 for text, _ in banking["report"]))
        edge = max(map(shared.which, clinc["oos_steer"]))
        self.assertTrue(all(shared.which(text) > edge for text in clinc["oos_report"]))

    def test_articles_and_sums_are_disjoint(self) -> None:
        covid, sums = public.covid(), public.gsm8k()
        trained = set().union(*(shingles(row.prompt) for row in covid["train"]))
        reported = set().union(*(shingles(row.prompt) for row in covid["report"]))
        self.assertGreater(min(len(trained), len(reported)), 10_000)
        self.assertEqual(trained & reported, set())
        self.check_disjoint({name: [row.prompt for row in rows] for name, rows in sums.items()})


class TrainingRows(unittest.TestCase):
    """What training is given."""

    rows: list[Row] = []

    @classmethod
    def setUpClass(cls) -> None:
        try:
            public.clinc()
        except shared.MissingShared as error:
            raise unittest.SkipTest(str(error)) from error
        intents = [pair for pairs in mix.training_texts().values() for pair in pairs]
        cls.rows = [*mix.training_rows(), *(Row("classify", "intents", text, label) for text, label in intents)]

    def test_there_are_rows_of_every_set(self) -> None:
        self.assertGreater(len(self.rows), 24_000)

    def test_no_held_out_intent(self) -> None:
        self.assertEqual(leaks(self.rows, held_intents()), [])

    def test_no_reported_article_or_sum(self) -> None:
        covid, sums = public.covid()["report"], public.gsm8k()["report"]
        self.assertEqual(leaks(self.rows, [row.prompt for row in sums]), [])
        reported = set().union(*(shingles(row.prompt) for row in covid))
        found = [row.id for row in self.rows if "\n" in row.prompt and shingles(row.prompt) & reported]
        self.assertEqual(found, [])

    def test_the_check_can_fail(self) -> None:
        text = public.clinc()["report"][3][0]
        row = Row("classify", "x", classify_prompt(["a", "b"], f" {text.upper()}!"), "a")
        self.assertEqual(len(leaks([*self.rows[:10], row], held_intents())), 1)


if __name__ == "__main__":
    unittest.main()
