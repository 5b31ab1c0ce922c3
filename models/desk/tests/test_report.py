"""The report on items made up here, whose numbers are known."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import measures  # noqa: E402
import report  # noqa: E402
import stats  # noqa: E402
import tables  # noqa: E402
from data.row import NONE, UNKNOWN  # noqa: E402
from items import Item  # noqa: E402


def setUpModule() -> None:
    """Few resamples: it is not their number that is tested."""
    patch = mock.patch.object(stats, "RESAMPLES", 50)
    patch.start()
    unittest.addModuleCleanup(patch.stop)


def item(key: str, answer: str, expected: str, task: str = "answer", **signals: object) -> Item:
    """An item that is right where the answer is the expected one."""
    refusals = (UNKNOWN, NONE)
    known, refused = expected not in refusals, answer in refusals
    return Item(key, task, "made-up", answer, expected, answer == expected, known, refused, f1=0.5, signals=signals)


def choice(key: str, label: str, expected: str, none: float) -> Item:
    """A classification by two labels and "none of these"."""
    scores = {"a": 0.1, "b": 0.1, label: 0.9 - none, NONE: none}
    signals = {"label_max": 0.9, "label_margin": 0.8, "label_mass": 1.0, "min_logprob": -0.1, "none_score": none}
    signals["label_scores"] = scores
    return item(key, label, expected, "classify", **signals)


class Measures(unittest.TestCase):
    """Numbers of a set."""

    def test_refusals(self) -> None:
        items = [item("1", UNKNOWN, UNKNOWN), item("2", "x", UNKNOWN), item("3", UNKNOWN, "y"), item("4", "y", "y")]
        found = measures.refusals(items)
        self.assertEqual((found["kind"], found["recall"]["value"], found["false"]["value"]), ("I don't know", 0.5, 0.5))
        self.assertIsNone(measures.refusals(items[2:]))

    def test_f1_of_questions_with_an_answer(self) -> None:
        items = [item("1", "x", "x"), item("2", "x", UNKNOWN)]
        self.assertEqual((measures.mean_f1(items)["n"], measures.mean_f1(items)["value"]), (1, 0.5))

    def test_doubt(self) -> None:
        items = [item(str(i), "x", "x" if i % 2 else "y", mean_logprob=-1.0 if i % 2 else -2.0) for i in range(20)]
        self.assertEqual(measures.doubt(items)["mean_logprob"]["value"], 1.0)
        self.assertNotIn("label_margin", measures.doubt(items))

    def test_difference_is_paired(self) -> None:
        a = [item(str(i), "x", "x") for i in range(10)]
        b = [item(str(i), "x" if i else "y", "x") for i in reversed(range(10))]
        self.assertAlmostEqual(measures.difference(a, b)["value"], 0.1)

    def test_scope(self) -> None:
        items = [choice(str(i), "a", "a" if i % 2 else NONE, 0.01 if i % 2 else 0.3) for i in range(40)]
        found = measures.scope(items, items, {str(i): 0.5 for i in range(40)})
        self.assertEqual(found["score"], "less none_score")
        self.assertEqual((found["auroc"]["value"], found["baseline"]["value"]), (1.0, 0.5))
        self.assertGreater(found["difference"]["interval"][0], 0.4)
        with self.assertRaises(ValueError):
            measures.scope(items, items, {})


class WholeReport(unittest.TestCase):
    """From files to tables."""

    def test_tables(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            for run, wrong in (("desk", 1), ("nano", 4)):
                (here / run).mkdir()
                lines = [vars(item(str(i), "y" if i < wrong else "x", "x", mean_logprob=-float(i))) for i in range(10)]
                text = "\n".join(json.dumps(line) for line in lines)
                (here / run / "heldout-answer.jsonl").write_text(text + '\n{"summary": 1}\n')
            made = report.build({run: here / run for run in ("desk", "nano")}, here)
        self.assertEqual(made["runs"]["nano"]["heldout-answer"]["accuracy"]["right"], 6)
        text = tables.markdown(made)
        self.assertIn("| heldout-answer | 10 | 90 | 90.0 (", text)
        self.assertIn("| heldout-answer | desk - nano | 10 | +30.0 (", text)


if __name__ == "__main__":
    unittest.main()
