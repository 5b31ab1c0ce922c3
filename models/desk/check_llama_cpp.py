"""Holds kinglet against llama.cpp on a file: the same probabilities, and the same greedy answers? For development only.

    python models/desk/check_llama_cpp.py target/desk/desk-f32.gguf target/desk/sets/heldout-extract.jsonl

Needs llama-cpp-python. Both get the same token ids: rows of the task files with their answers, scored token by token,
and prompts without answers, continued greedily. Fails where a token's nll differs by more than --tolerance, or where
the likeliest token differs though it leads by more than twice that.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import llama_cpp
import numpy as np

import kinglet


class Llama:
    """A file in llama.cpp, on the CPU, with an F32 cache."""

    def __init__(self, path: Path, context: int) -> None:
        """Loads it; every position's logits are kept."""
        f32 = llama_cpp.GGML_TYPE_F32
        self.llama = llama_cpp.Llama(
            str(path), n_ctx=context, n_batch=context, logits_all=True, verbose=False, n_gpu_layers=0,
            type_k=f32, type_v=f32,
        )  # fmt: skip

    def logprobs(self, ids: list[int]) -> np.ndarray:
        """[n, n_vocab]: log-probabilities behind every token."""
        self.llama.reset()
        self.llama.eval(ids)
        logits = np.asarray(self.llama.scores[: len(ids)], dtype=np.float64)
        top = logits.max(axis=1, keepdims=True)
        return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))

    def greedy(self, ids: list[int], most: int) -> str:
        """The likeliest continuation up to a token that ends the turn."""
        self.llama.reset()
        self.llama.eval(ids)
        out: list[int] = []
        while len(out) < most:
            token = int(np.argmax(self.llama.scores[self.llama.n_tokens - 1]))
            if llama_cpp.llama_vocab_is_eog(self.llama._model.vocab, token):  # noqa: SLF001
                break
            out.append(token)
            self.llama.eval([token])
        return self.llama.detokenize(out).decode(errors="replace").strip()


def compare(theirs: np.ndarray, ours: dict, tolerance: float) -> tuple[float, float, int, int, int]:
    """Largest and summed difference of nll, likeliest tokens that agree, that clearly do not, and how many there are."""
    ids = ours["ids"]
    worst = total = 0.0
    same = apart = 0
    for i, (nll, argmax) in enumerate(zip(ours["nll"], ours["argmax"], strict=True)):
        row = theirs[i]
        off = abs(-row[ids[i + 1]] - nll)
        worst, total = max(worst, off), total + off
        if int(row.argmax()) == argmax:
            same += 1
        elif row.max() - row[argmax] > 2 * tolerance:
            apart += 1
    return worst, total, same, apart, len(ours["nll"])


def answers(model: Path, llama: Llama, rows: list[kinglet.Line], options: list[str]) -> int:
    """Prints greedy answers of both; returns how many differ."""
    prompts = kinglet.conversations(model, rows, answered=False)
    differ = 0
    for row, ids in zip(rows, prompts, strict=True):
        said = kinglet.lines(["generate", model, "--messages", json.dumps(row["messages"]), *options])[-1]
        ours, theirs = said["text"].strip(), llama.greedy(ids, 96)
        differ += ours != theirs
        print(("same   " if ours == theirs else "DIFFERS"), repr(ours), "" if ours == theirs else repr(theirs))
    return differ


def main() -> None:
    """Compares, prints the figures, and exits with 1 where they are too far apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sets", type=Path, nargs="+", help="task files")
    parser.add_argument("--rows", type=int, default=20, help="rows scored of each file")
    parser.add_argument("--answers", type=int, default=4, help="rows answered of each file")
    parser.add_argument("--exact", action="store_true", help="kinglet without 8-bit activations (for an F32 file)")
    parser.add_argument("--tolerance", type=float, help="of a nll (default: 0.01 with --exact, else 0.25)")
    args = parser.parse_args()
    tolerance = args.tolerance or (0.01 if args.exact else 0.25)
    options = ["--backend", "cpu", "--cache", "f32", *(["--exact"] if args.exact else [])]
    rows = [row for path in args.sets for row in kinglet.read(path, args.rows)]
    given = [{"ids": ids} for ids in kinglet.conversations(args.model, rows, answered=True)]
    llama = Llama(args.model, 1024)
    worst = total = 0.0
    same = apart = n = 0
    for ours in kinglet.lines(["score", args.model, *options], given):
        found = compare(llama.logprobs(ours["ids"]), ours, tolerance)
        worst = max(worst, found[0])
        total, same, apart, n = total + found[1], same + found[2], apart + found[3], n + found[4]
    print(f"{n} tokens of {len(rows)} rows: nll differs by at most {worst:.6f}, on average {total / n:.6f}")
    print(f"likeliest token the same in {same} of {n}; clearly another in {apart}; tolerance {tolerance}")
    asked = [row for path in args.sets for row in kinglet.read(path, args.answers)]
    differ = answers(args.model, llama, asked, options)
    print(f"greedy answers: {len(asked) - differ} of {len(asked)} are the same")
    if not worst <= tolerance or apart or math.isnan(total):
        sys.exit(1)


if __name__ == "__main__":
    main()
