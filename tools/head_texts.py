"""Writes the texts of CLINC150 and Banking77 for tools/head_lift.mjs, one file for each set and side.

    python tools/head_texts.py --out target/heads

Lines are {"id", "text", "label"}; labels out of scope are "none of these". Training texts come in an order that a hash of the
text decides, so that the first so many of a label are a draw that anybody can repeat.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models" / "desk"))

from data import public  # noqa: E402
from data.row import NONE  # noqa: E402

SETS = {"clinc": public.clinc, "banking": public.banking}
MOST = 200
"""Training texts of a label, at most (CLINC150 has 100, and fewer after those that repeat a later split)."""


def main() -> None:
    """Writes six files and says how many lines each has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("target/heads"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, read in SETS.items():
        data = read()
        for side in ("train", "steer", "report"):
            rows = list(data[side])
            if side == "train":
                rows.sort(key=lambda row: hashlib.sha256(row[0].encode()).hexdigest())
            else:
                rows += [(text, NONE) for text in data.get(f"oos_{side}", [])]
            seen: dict[str, int] = {}
            lines = []
            for index, (text, label) in enumerate(rows):
                seen[label] = seen.get(label, 0) + 1
                if side != "train" or seen[label] <= MOST:
                    lines.append(json.dumps({"id": f"{name}-{side}-{index:04}", "text": text, "label": label}))
            (out / f"{name}-{side}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            fewest = min(seen.values())
            print(f"{name}-{side}: {len(lines)} texts, {len(seen)} labels, {fewest} to {max(seen.values())} of each")


if __name__ == "__main__":
    main()
