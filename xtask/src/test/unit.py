"""Runs the unittest files of a folder for `cargo xtask test`: one JSON line per finished test, as reporter.mjs writes."""

import json
import sys
import time
import traceback
import unittest


class Lines(unittest.TestResult):
    """Prints each test as it ends, once: a failed part of it (a subtest) is a failure of the test."""

    def startTest(self, test: unittest.TestCase) -> None:
        """Starts the clock."""
        super().startTest(test)
        self.began, self.problem, self.skip = time.monotonic(), "", None

    def stopTest(self, test: unittest.TestCase) -> None:
        """Prints the test."""
        super().stopTest(test)
        self.say(test.id(), time.monotonic() - self.began)

    def say(self, name: str, seconds: float) -> None:
        """One line."""
        line = {"name": name, "seconds": seconds, "passed": not self.problem, "skip": self.skip, "error": self.problem}
        print(json.dumps(line), file=OUT, flush=True)

    def note(self, test: object, problem: str = "", skip: str | None = None) -> None:
        """Keeps what happened. Outside a test (a class or module that cannot be set up) it is a line of its own."""
        inside = isinstance(test, unittest.TestCase)
        if not inside:
            self.began, self.problem, self.skip = time.monotonic(), "", None
        self.problem, self.skip = self.problem + problem, skip
        if not inside:
            self.say(str(test), 0.0)

    def addError(self, test: unittest.TestCase, err: tuple) -> None:
        """An exception."""
        self.note(test, "".join(traceback.format_exception(*err)))

    def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
        """A wrong assertion."""
        self.note(test, "".join(traceback.format_exception(*err)))

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: tuple | None) -> None:
        """A part of a test."""
        if err is not None:
            self.note(test, f"{subtest}\n" + "".join(traceback.format_exception(*err)))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """A skipped test, or a whole class of them."""
        self.note(test, skip=reason)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """A test that was expected to fail."""
        self.note(test, "it was expected to fail")


OUT = sys.stdout
sys.stdout = sys.stderr  # what a test prints is no result
unittest.defaultTestLoader.discover(sys.argv[1]).run(Lines())
