#!/usr/bin/env python3
"""Writes tests/cases/quant.json: blocks of every format and their weights as PyPI `gguf` (0.17 or newer) decodes them.

    pip install gguf numpy && python3 tools/quant_cases.py

Every case: {"type", "name", "bytes": hex of whole blocks, "bits": hex of the f32 weights, little-endian}.
Quants are seeded random bytes; the f16 scales of each block are set to the named extreme.
"""
import json
import pathlib

import numpy as np
from gguf.constants import GGMLQuantizationType as T
from gguf.quants import dequantize

# format -> (block bytes, byte offsets of its f16 scales)
BLOCKS = {
    T.Q4_0: (18, [0]), T.Q4_1: (20, [0, 2]), T.Q5_0: (22, [0]), T.Q5_1: (24, [0, 2]), T.Q8_0: (34, [0]),
    T.Q2_K: (84, [80, 82]), T.Q3_K: (110, [108]), T.Q4_K: (144, [0, 2]), T.Q5_K: (176, [0, 2]), T.Q6_K: (210, [208]),
}
SCALES = {
    "random": None, "zero": 0x0000, "negative zero": 0x8000, "one": 0x3C00, "negative": 0xB555,
    "smallest subnormal": 0x0001, "largest subnormal": 0x83FF, "smallest normal": 0x0400, "largest": 0x7BFF,
}
FLOATS = {
    T.F32: [0, 0x80000000, 1, 0x807FFFFF, 0x00800000, 0x3F800000, 0xC2F6E979, 0x7F7FFFFF],
    T.F16: [0, 0x8000, 1, 0x83FF, 0x0400, 0x3C00, 0xB555, 0x7BFF],
    T.BF16: [0, 0x8000, 1, 0x807F, 0x0080, 0x3F80, 0xC2F7, 0x7F7F],
}


def case(t, name, raw):
    with np.errstate(all="ignore"):
        out = np.asarray(dequantize(raw, t), dtype=np.float32)
    return {"type": t.name, "name": name, "bytes": raw.tobytes().hex(), "bits": out.astype("<f4").tobytes().hex()}


def main():
    rng = np.random.default_rng(2)
    cases = []
    for t, (size, offsets) in BLOCKS.items():
        for name, scale in SCALES.items():
            raw = rng.integers(0, 256, size, dtype=np.uint8)
            for at in offsets:
                # "random" keeps the exponent moderate: no infinities or NaN among the weights
                bits = scale if scale is not None else int(rng.integers(0x1000, 0x4000))
                raw[at], raw[at + 1] = bits & 255, bits >> 8
            cases.append(case(t, name, raw))
    for t, bits in FLOATS.items():
        raw = np.array(bits, dtype="<u4" if t == T.F32 else "<u2").view(np.uint8)
        cases.append(case(t, "extremes", raw))
    out = pathlib.Path(__file__).parent.parent / "tests/cases/quant.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(f"{len(cases)} cases, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
