"""The signals of one greedy answer of the model qwen2, computed without kinglet: logits of reference.py (NumPy, float64).

    python tools/goldens/signals.py         # needs numpy and gguf of requirements.txt; writes tests/goldens/qwen2.signals.json

Definitions are those of docs/signals.md, written down a second time; quantiles are those of the sorted list.
"""

import json
import math
import pathlib
import types

import gguf
import numpy as np

import reference

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens"
PROMPT = [1, 88, 263, 195, 102, 40, 219, 113]
TOKENS, END, N_CTX, WINDOW = 40, 2, 128, 16


def read(name):
    """What reference.py wants to know of a file."""
    reader = gguf.GGUFReader(GOLDENS / f"{name}.gguf")
    number = {key: field.parts[field.data[0]][0] for key, field in reader.fields.items() if len(field.data) == 1}
    of = lambda key: number[f"{name}.{key}"].item()
    heads = of("attention.head_count")
    head_dim = of("embedding_length") // heads
    hp = dict(n_layer=of("block_count"), n_head=heads, n_head_kv=of("attention.head_count_kv"), head_dim=head_dim,
              n_rot=head_dim, rope_base=of("rope.freq_base"))
    return types.SimpleNamespace(arch=name, hp=hp, tensors={t.name: np.array(t.data) for t in reader.tensors})


def main():
    model = read("qwen2")
    tokens, l, margin, entropy = list(PROMPT), [], [], []
    for _ in range(TOKENS):
        row = reference.logits(model, tokens, N_CTX)[-1]
        log_p = row - row.max()
        log_p -= math.log(np.exp(log_p).sum())
        row[END] = -math.inf  # banned, which signals do not see
        token = int(row.argmax())
        best = np.sort(log_p)[::-1]
        l.append(float(log_p[token]))
        margin.append(float(best[0] - best[1]))
        entropy.append(float(-(np.exp(log_p) * log_p).sum()))
        tokens.append(token)
    answer = tokens[len(PROMPT):]
    grams = [tuple(answer[i:i + 4]) for i in range(TOKENS - 3)]
    rising = sorted(-x for x in l)
    signals = {"mean_logprob": np.mean(l), "min_logprob": min(l), "first_logprob": l[0],
               "window_logprob": min(np.mean(l[i:i + WINDOW]) for i in range(TOKENS - WINDOW + 1)),
               "mean_margin": np.mean(margin), "min_margin": min(margin), "first_margin": margin[0],
               "mean_entropy": np.mean(entropy), "max_entropy": max(entropy),
               "repetition": 1 - len(set(grams)) / len(grams)}
    quantiles = {f"q{q:02}_logprob": -rising[math.ceil((100 - q) * TOKENS / 100) - 1] for q in (5, 10, 25, 50)}
    rounded = lambda numbers: {name: round(float(x), 7) for name, x in numbers.items()}
    found = {"prompt": PROMPT, "tokens": answer, "signals": rounded(signals), "quantiles": rounded(quantiles)}
    (GOLDENS / "qwen2.signals.json").write_text(json.dumps(found) + "\n")


main()
