"""What a calibration is bound to (src/model/identity.rs), computed without kinglet.

    python tools/goldens/identity.py        # needs nothing; writes tests/goldens/identity.json
"""

import hashlib
import json
import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Model, and its files in order.
MODELS = {
    "qwen2": ["tests/goldens/qwen2.gguf"],
    "split": [f"tests/goldens/split-0000{i}-of-00003.gguf" for i in (1, 2, 3)],
    "desk": ["models/desk/desk.gguf"],
}
STRIDE, SAMPLE = 4096, 64
#: general.file_type of those above.
FILE_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 7: "Q8_0", 15: "Q4_K_M", 18: "Q6_K"}
#: GGUF's types of one value: struct's letters.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
#: Weights and bytes of a block by ggml type.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34), 12: (256, 144), 14: (256, 210), 30: (1, 2)}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, letter):
        size = struct.calcsize(letter)
        self.at += size
        return struct.unpack_from("<" + letter, self.data, self.at - size)[0]

    def string(self):
        size = self.scalar("Q")
        self.at += size
        return self.data[self.at - size:self.at]

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, count = self.scalar("I"), self.scalar("Q")
            return [self.value(kind) for _ in range(count)]
        return self.scalar(SCALARS[kind])


def read(path):
    """Header, metadata with the bytes of each entry, and tensors as (offset in the file, bytes)."""
    r = Reader(path.read_bytes())
    r.at = 8
    tensors, entries = r.scalar("Q"), r.scalar("Q")
    metadata = {}
    for _ in range(entries):
        begun = r.at
        key = r.string().decode()
        metadata[key] = (r.value(r.scalar("I")), r.data[begun:r.at])
    places = []
    for _ in range(tensors):
        r.string()
        shape = [r.scalar("Q") for _ in range(r.scalar("I"))]
        kind, offset = r.scalar("I"), r.scalar("Q")
        weights = 1
        for n in shape:
            weights *= n
        per, size = BLOCKS[kind]
        places.append((offset, weights // per * size))
    header = r.data[:r.at]
    alignment = metadata.get("general.alignment", (32, b""))[0]
    data = -(-r.at // alignment) * alignment
    return header, metadata, [r.data[data + at:data + at + size] for at, size in sorted(places)]


def identity(paths):
    files = [read(ROOT / path) for path in paths]
    model = hashlib.sha256()
    for header, _, _ in files:
        model.update(hashlib.sha256(header).digest())
    for _, _, tensors in files:
        for tensor in tensors:
            for at in range(0, len(tensor), STRIDE):
                model.update(tensor[at:at + SAMPLE])
    metadata = files[0][1]
    tokenizer = b"".join(raw for key, (_, raw) in metadata.items()
                         if key.startswith("tokenizer.") and not key.startswith("tokenizer.chat_template"))
    template = metadata.get("tokenizer.chat_template", (None, b""))[0]
    return {
        "model_hash": model.hexdigest(),
        "quantization": FILE_TYPES[metadata["general.file_type"][0]],
        "tokenizer_hash": hashlib.sha256(tokenizer).hexdigest(),
        "template_hash": "none" if template is None else hashlib.sha256(template).hexdigest(),
        "signal_version": 1,
    }


if __name__ == "__main__":
    found = {name: identity(paths) for name, paths in MODELS.items()}
    (ROOT / "tests/goldens/identity.json").write_text(json.dumps(found, indent=2) + "\n")
