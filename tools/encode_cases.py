#!/usr/bin/env python3
"""Writes tests/cases/encode.json: weights and the bytes that PyPI `gguf` (0.17 or newer) encodes them to.

    pip install gguf numpy && python3 tools/encode_cases.py

Only the formats that `gguf` encodes, which are those whose definition leaves no choice. Every case:
{"type", "name", "bits": hex of 32 f32 weights, little-endian, "bytes": hex of the encoded weights}.
"""
import json
import pathlib

import numpy as np
from gguf.constants import GGMLQuantizationType as T
from gguf.quants import quantize

FORMATS = [T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0]
WEIGHTS = 32


def inputs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Named rows of weights. No row's scale is so small that its inverse is infinite: there `gguf` has no answer."""
    normal = rng.standard_normal(WEIGHTS)
    outlier = normal * 0.01
    outlier[17] = -3.0
    step = np.arange(WEIGHTS) - WEIGHTS // 2
    return {
        "normal": normal,
        "normal, again": rng.standard_normal(WEIGHTS) * 0.02,
        "uniform": rng.uniform(-1, 1, WEIGHTS),
        "heavy tails": rng.standard_t(2, WEIGHTS),
        "zeros": np.zeros(WEIGHTS),
        "constant": np.full(WEIGHTS, 0.37),
        "negative constant": np.full(WEIGHTS, -0.37),
        "positive": np.abs(normal) + 1,
        "negative": -np.abs(normal) - 1,
        "one outlier": outlier,
        "both extremes alike": np.where(step % 2 == 0, 2.0, -2.0),
        "half steps": step * 0.5,
        "ties of 8 bits": np.append(step[1:] + 0.5, 127.0),
        "small": normal * 1e-6,
        "scale below half precision": normal * 1e-12,
        "large": np.clip(normal * 3e4, -65504, 65504),
    }


def main() -> None:
    """Encodes every input in every format."""
    cases = []
    for name, row in inputs(np.random.default_rng(4)).items():
        row = row.astype(np.float32)
        for t in FORMATS:
            with np.errstate(all="ignore"):
                out = quantize(row, t)
            cases.append({
                "type": t.name, "name": name,
                "bits": row.astype("<f4").tobytes().hex(), "bytes": out.tobytes().hex(),
            })
    path = pathlib.Path(__file__).parent.parent / "tests/cases/encode.json"
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(len(cases), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
