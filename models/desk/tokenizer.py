"""The tokenizer: how it is trained, and an encoder that cuts text exactly as SentencePiece-style GGUF files say.

A piece is a run of lower-case letters (with the blank before it, written U+2581), a capital with the lower-case letters
after it, a single digit or any other single character. Capitals and digits never swallow the blank, so a name or an
order number has the same pieces in a message, in JSON and in an answer: copying is copying.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

BLANK = "\u2581"
N_VOCAB = 7936
CONTROL = ("<unk>", "<s>", "</s>")
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>")
UNIT = re.compile(rf"{BLANK}?[a-z]+|[A-Z][a-z]*|.", re.DOTALL)
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"


def units(text: str) -> list[str]:
    """The parts of a text that no piece crosses; a blank is put in front, as the engine does behind control tokens."""
    return UNIT.findall(BLANK + text.replace(" ", BLANK))


def train(texts: Iterable[str], words: Iterable[str], n_vocab: int = N_VOCAB) -> list[str]:
    """Byte-pair merges over the units of `texts`, `words` counted once each. Returns the pieces in the order of ids."""
    from tokenizers import Tokenizer as Crate
    from tokenizers import models, pre_tokenizers, trainers

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(units(text))
    counts.update(BLANK + word for word in words)
    first = [*CONTROL, *(f"<0x{i:02X}>" for i in range(256)), *ROLES]
    # The crate merges within what the pre-tokenizer gives; every unit is repeated as often as it was seen, up to a bound.
    crate = Crate(models.BPE())
    crate.pre_tokenizer = pre_tokenizers.Split("\n", "removed")
    trainer = trainers.BpeTrainer(vocab_size=n_vocab - len(first), show_progress=False, min_frequency=2)
    kept = ((unit, n) for unit, n in counts.items() if unit.strip() and "\n" not in unit)
    crate.train_from_iterator(("\n".join([unit] * min(n, 4000)) for unit, n in sorted(kept)), trainer)
    vocab = sorted(crate.get_vocab(), key=crate.get_vocab().get)
    return [*first, *vocab]


class Tokenizer:
    """Encodes by merging, again and again, the neighbours whose joint piece has the highest score (the leftmost first)."""

    def __init__(self, pieces: list[str]):
        self.pieces = pieces
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.first = len(CONTROL) + 256 + len(ROLES)
        self.cache: dict[str, list[int]] = {}
        self.end = self.ids["<|end|>"]
        self.user = self.ids["<|user|>"]
        self.assistant = self.ids["<|assistant|>"]

    @staticmethod
    def load(path: Path) -> Tokenizer:
        """Reads the pieces that `save` wrote."""
        return Tokenizer(json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Writes the pieces as one JSON array."""
        path.write_text(json.dumps(self.pieces, ensure_ascii=False), encoding="utf-8")

    def score(self, i: int) -> float:
        """Of a piece: earlier merges win."""
        return float(-i) if i >= self.first else 0.0

    def unit(self, unit: str) -> list[int]:
        """The ids of one unit; what has no piece becomes bytes."""
        known = self.cache.get(unit)
        if known is not None:
            return known
        parts = list(unit)
        while True:
            best = min(
                ((self.ids[a + b], i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in self.ids),
                default=None,
            )
            if best is None:
                break
            i = best[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        out: list[int] = []
        for part in parts:
            if part in self.ids:
                out.append(self.ids[part])
            else:
                out.extend(len(CONTROL) + byte for byte in part.encode("utf-8"))
        if len(self.cache) < 400_000:
            self.cache[unit] = out
        return out

    def encode(self, text: str, prefix: bool = True) -> list[int]:
        """Ids of plain text. `prefix`: a blank in front, as behind a control token; without it text continues text."""
        found = units(text) if prefix else UNIT.findall(text.replace(" ", BLANK))
        return [i for unit in found for i in self.unit(unit)]

    def chat(self, messages: list[dict[str, str]]) -> list[int]:
        """Ids of a conversation up to and with `<|assistant|>`."""
        out: list[int] = []
        for m in messages:
            out += [self.ids[f"<|{m['role']}|>"], *self.encode(m["content"]), self.end]
        return [*out, self.assistant]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids, control tokens left out, without the blank in front."""
        data = b""
        for i in ids:
            if len(CONTROL) <= i < len(CONTROL) + 256:
                data += bytes([i - len(CONTROL)])
            elif i >= self.first:
                data += self.pieces[i].replace(BLANK, " ").encode("utf-8")
        return data.decode("utf-8", "replace").removeprefix(" ")
