"""Statistics against values known from elsewhere."""

import random
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import stats  # noqa: E402
from stats import Ranking, auroc, bootstrap, wilson  # noqa: E402


class Auroc(unittest.TestCase):
    """The area under the ROC curve."""

    def test_known_values(self) -> None:
        for scores, positive, expect in [
            ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),  # counted by hand: 3 of 4 pairs
            ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
            ([1, 2, 3, 4], [1, 1, 0, 0], 0.0),
            ([5, 5, 5, 5], [1, 0, 1, 0], 0.5),
            ([1, 1, 2], [0, 1, 1], 0.75),  # a tie is half a win
        ]:
            self.assertAlmostEqual(auroc(scores, [bool(p) for p in positive]), expect)

    def test_undefined_with_one_kind(self) -> None:
        self.assertIsNone(auroc([1, 2], [True, True]))
        self.assertIsNone(auroc([], []))

    def test_agrees_with_counting_pairs(self) -> None:
        rng = random.Random(1)
        scores = [rng.randrange(20) for _ in range(200)]
        positive = [rng.random() < 0.3 for _ in scores]
        weights = [rng.randrange(3) for _ in scores]
        wins = pairs = 0.0
        for i, up in enumerate(positive):
            for j, also in enumerate(positive):
                if up and not also:
                    pairs += weights[i] * weights[j]
                    wins += weights[i] * weights[j] * ((scores[i] > scores[j]) + (scores[i] == scores[j]) / 2)
        self.assertAlmostEqual(Ranking(scores, positive).auroc(weights), wins / pairs)


class Intervals(unittest.TestCase):
    """Wilson and bootstrap."""

    def test_wilson(self) -> None:
        low, high = wilson(45, 50)
        self.assertAlmostEqual(low, 0.7864, 3)
        self.assertAlmostEqual(high, 0.9565, 3)
        self.assertEqual(wilson(0, 0), (0.0, 1.0))
        self.assertGreater(wilson(0, 20)[1], 0.1)

    def setUp(self) -> None:
        patch = mock.patch.object(stats, "RESAMPLES", 500)
        patch.start()
        self.addCleanup(patch.stop)

    def test_bootstrap_of_a_mean(self) -> None:
        rng = random.Random(2)
        values = [rng.gauss(0, 1) for _ in range(400)]
        interval = bootstrap(400, lambda w: sum(a * b for a, b in zip(w, values, strict=True)) / 400)
        mean = sum(values) / 400
        self.assertAlmostEqual(interval[0], mean - 1.96 / 20, delta=0.025)
        self.assertAlmostEqual(interval[1], mean + 1.96 / 20, delta=0.025)

    def test_bootstrap_is_seeded(self) -> None:
        measure = lambda w: float(w[0])  # noqa: E731
        self.assertEqual(bootstrap(9, measure), bootstrap(9, measure))
        self.assertIsNone(bootstrap(9, lambda w: None))


if __name__ == "__main__":
    unittest.main()
