"""Makes rows of `kinglet route` from items of `kinglet eval`: of the signals only those that a calibration of labels looks at.

    python3 tools/route_pool.py clinc-report.jsonl > tests/cases/route/clinc_desk.jsonl

The items: `desk` in the real engine on the report part of CLINC150 (`models/desk/tasksets.py` writes the set, and
`kinglet eval clinc-report.jsonl --model desk --backend cpu --out …` answers it). route/tests/calibration/pool.rs takes the
rows as a population. No text of the set is in them: `class` says only whether a text was out of scope.
"""

import json
import sys
from pathlib import Path

SIGNALS = ("label_max", "label_margin", "min_logprob")
NONE = "none of these"


def main() -> None:
    """Prints one row for each item."""
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        if "expected" not in item:
            continue  # the closing summary
        row = {
            "id": item["id"].removeprefix("clinc-report-"),
            "task": "intent",
            "local_ok": item["correct"],
            "class": "out" if item["expected"] == NONE else "in",
            "label_source": "exact",
            "signals": {"version": 1, "origin": "measured", **{name: item["signals"][name] for name in SIGNALS}},
        }
        print(json.dumps(row, separators=(",", ":")))


if __name__ == "__main__":
    main()
