"""The prompts that the page is held to (tests/cases/desk_prompts.jsonl) are still those of the builders."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import desk_prompts  # noqa: E402


class Prompts(unittest.TestCase):
    """The file and the builders."""

    def test_the_file_is_what_the_builders_write(self) -> None:
        self.assertEqual(desk_prompts.stale(), [])


if __name__ == "__main__":
    unittest.main()
