"""Perplexity of the expected answers of task files: what quantization costs, on the tokens that matter.

    python models/desk/perplexity.py target/desk/desk-q8_0.gguf target/desk/sets/heldout-*.jsonl --out DIR/perplexity.json

Prompts are given, so only the tokens of the answer and its end count. `kinglet score` computes.
"""

import argparse
import json
import math
from pathlib import Path

import kinglet


def main() -> None:
    """Scores the rows, writes and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=100, help="rows of each file")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = [row for path in args.sets for row in kinglet.read(path, args.rows)]
    prompts = kinglet.conversations(args.model, rows, answered=False)
    whole = kinglet.conversations(args.model, rows, answered=True)
    scored = kinglet.lines(["score", args.model, "--backend", "cpu"], [{"ids": ids} for ids in whole])
    nll: list[float] = []
    for prompt, ids, line in zip(prompts, whole, scored, strict=True):
        if ids[: len(prompt)] != prompt:
            raise ValueError("the prompt with its answer does not begin like the prompt alone")
        nll += line["nll"][len(prompt) - 1 :]
    result = {"perplexity": math.exp(sum(nll) / len(nll)), "tokens": len(nll), "rows": len(rows)}
    print(json.dumps(result))
    if args.out:
        args.out.write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
