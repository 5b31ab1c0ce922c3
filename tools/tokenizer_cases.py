"""Writes tests/cases/tokenizer.json: small seeded vocabularies and the ids that llama.cpp gives for texts.

    pip install llama-cpp-python==0.3.36 gguf && python tools/tokenizer_cases.py > tests/cases/tokenizer.json

Each vocabulary is built at random around one trait (tied scores, missing bytes, ...), written as a vocabulary-only
GGUF file and loaded by llama.cpp; the test builds the same metadata and must give the same ids.
"""
import ctypes
import json
import os
import random
import tempfile

import gguf
from llama_cpp import llama_cpp as llama

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

# One name of each family of pre-tokenizers (and some names with other defaults).
PRES = [
    "default", "llama-bpe", "dbrx", "glm4", "qwen2", "qwen35", "gpt-2", "smollm", "gpt-4o", "tekken", "deepseek-llm",
    "deepseek-coder", "deepseek-v3", "falcon", "bloom", "viking", "bailingmoe", "seed-coder",
]

SNIPPETS = [
    " ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", "a", "b", "The", "the", "tHE", "'s", "'LL", "don't", "1", "23", "4567",
    "²", "½", "é", "ß", "Ⅷ", "日本", "語", "한국", "กา", "नमस्ते", "🙂", "\u200d", "e\u0301", "\u00a0", "\u3000", "\u2028", "\x85", "!",
    "?!", "...", "--", "/", "://", "{}", "_", "<", "|", ">", "\x0b", "\x1c", "\x7f", "ǅ", "ʰ", "ſ", "“", "。", "，", "€",
    "^", "`", "~", "$", "+", "=", "ABC", "xYz", "мир", "ΑΒγ", "٣", "return", "\u0378",
]

TRAINING = "the quick brown fox doesn't jump over 1234 lazy dogs. The end!\n\n  return x_1 == 22; // ok\n" * 2


def byte_chars():
    """The printable character that spells each byte in byte-level vocabularies."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spelled, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            spelled[byte] = chr(byte)
        else:
            spelled[byte] = chr(0x100 + extra)
            extra += 1
    return spelled


def spm(rng, alphabet, pieces, levels=None, fallback=True, special=()):
    """A SentencePiece-style vocabulary over the characters of `alphabet`; `levels`: distinct scores, or None for all."""
    tokens = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    if fallback:
        tokens += [(f"<0x{b:02X}>", 0.0, BYTE) for b in range(256)]
    tokens += [(c, -1000.0, NORMAL) for c in alphabet if rng.random() < 0.9 or not fallback]
    known = {t[0] for t in tokens}
    while len(known) < len(tokens) + pieces:
        known.add("".join(rng.choice(alphabet) for _ in range(rng.choice([2, 2, 2, 3, 3, 4, 5]))))
    fresh = sorted(known - {t[0] for t in tokens})
    rng.shuffle(fresh)
    for i, piece in enumerate(fresh):
        tokens.append((piece, float(-(i + 1) if levels is None else -rng.randrange(levels)), NORMAL))
    tokens += [(text, 0.0, kind) for text, kind in special if text not in known]
    return {"model": "llama", "tokens": [t[0] for t in tokens], "scores": [t[1] for t in tokens], "types": [t[2] for t in tokens]}


def bpe(rng, pre, merges, drop_bytes=0, drop_products=0, special=()):
    """A byte-level vocabulary whose merges are drawn from neighbours in a text, as training would."""
    spelled = byte_chars()
    words = ["".join(spelled[b] for b in w.encode()) for w in (TRAINING + "".join(SNIPPETS) + "日本語 мир").split(" ")]
    words = [list("Ġ" + w if i else w) for i, w in enumerate(words) if w]
    tokens = [spelled[b] for b in range(256)]
    rng.shuffle(tokens)
    tokens = tokens[drop_bytes:]
    rules, known = [], set(tokens)
    for _ in range(merges):
        word = rng.choice([w for w in words if len(w) > 1])
        at = rng.randrange(len(word) - 1)
        left, right = word[at], word[at + 1]
        rules.append(f"{left} {right}")
        if left + right not in known:
            known.add(left + right)
            if rng.random() >= drop_products:
                tokens.append(left + right)
        for w in words:
            i = 0
            while i + 1 < len(w):
                if w[i] == left and w[i + 1] == right:
                    w[i:i + 2] = [left + right]
                i += 1
    types = [NORMAL] * len(tokens)
    for text, kind in special:
        if text in tokens:
            types[tokens.index(text)] = kind
        else:
            tokens.append(text)
            types.append(kind)
    return {"model": "gpt2", "pre": pre, "tokens": tokens, "types": types, "merges": rules}


SPECIAL = [("<|end|>", CONTROL), ("<|user|>", CONTROL), ("<|us", USER), ("==", USER), ("<tool>", USER), ("[PAD]", UNKNOWN)]


def vocabularies(rng):
    """Name, vocabulary, snippets of which its texts are made."""
    small = ["a", "b", "▁"]
    yield "spm distinct scores", spm(rng, list("abcde▁é日"), 60, special=SPECIAL), None
    yield "spm tied scores", spm(rng, list("abc▁"), 60, levels=3), ["a", "b", "c", " ", "aa", "ab", "ba", "x"]
    yield "spm one score", spm(rng, small, 40, levels=1), ["a", "b", " ", "aa"]
    yield "spm two letters", spm(rng, small, 70), ["a", "b", " ", "aa", "bab"]
    no_bytes = spm(rng, list("abc▁<|>sendr"), 50, fallback=False, special=[("<|end|>", CONTROL)])
    yield "spm no bytes", no_bytes, ["a", "b", "c", " ", "<", "|", ">", "end", "<|end|>", "s"]
    yield "spm no prefix", {**spm(rng, list("abc▁"), 40, special=SPECIAL), "add_space_prefix": False, "add_eos": True}, None
    phi3 = spm(rng, list("abc▁\n"), 40, special=[*SPECIAL, ("<|endoftext|>", CONTROL)])
    yield "spm phi-3", {**phi3, "name": "Phi-3 mini"}, None
    yield "spm no bos", {**spm(rng, list("abc▁"), 30), "add_bos": False}, ["a", "b", " "]
    for pre in PRES:
        yield f"bpe {pre}", bpe(rng, pre, 120, special=SPECIAL), None
    yield "bpe few bytes", bpe(rng, "gpt-2", 60, drop_bytes=120), None
    yield "bpe few products", bpe(rng, "qwen2", 100, drop_products=0.4), None
    yield "bpe add bos", {**bpe(rng, "qwen2", 40), "add_bos": True, "add_eos": True, "bos": 3, "eos": 7}, None


def text_of(rng, vocab, snippets):
    """A random text of snippets, pieces of the vocabulary and stray characters."""
    parts = []
    for _ in range(rng.choice([1, 2, 3, 5, 8, 12])):
        kind = rng.random()
        if snippets and kind < 0.9:
            parts.append(rng.choice(snippets))
        elif snippets:
            parts.append(rng.choice(snippets) * rng.randrange(2, 7))
        elif kind < 0.6:
            parts.append(rng.choice(SNIPPETS))
        elif kind < 0.8:
            parts.append(rng.choice(SPECIAL)[0])
        elif kind < 0.95:
            parts.append(rng.choice(vocab["tokens"]).replace("▁", " ").replace("Ġ", " "))
        else:
            parts.append(chr(rng.choice([rng.randrange(0xA0, 0x2FFF), rng.randrange(0x1F300, 0x1F700)])))
    return "".join(parts)


def write(vocab, path):
    """A vocabulary-only GGUF file."""
    w = gguf.GGUFWriter(path, "llama")
    w.add_name(vocab.get("name", "test"))
    w.add_tokenizer_model(vocab["model"])
    w.add_token_list(vocab["tokens"])
    w.add_token_types(vocab["types"])
    if "scores" in vocab:
        w.add_token_scores(vocab["scores"])
    if "pre" in vocab:
        w.add_tokenizer_pre(vocab["pre"])
        w.add_token_merges(vocab["merges"])
    for role in ("bos", "eos"):
        if role in vocab:
            w.add_uint32(f"tokenizer.ggml.{role}_token_id", vocab[role])
    for key in ("add_space_prefix", "add_bos", "add_eos"):
        if key in vocab:
            name = "add_space_prefix" if key == "add_space_prefix" else key + "_token"
            w.add_bool(f"tokenizer.ggml.{name}", vocab[key])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


class Reference:
    """llama.cpp's tokenizer of a vocabulary."""

    def __init__(self, vocab):
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            write(vocab, file.name)
            params = llama.llama_model_default_params()
            params.vocab_only = True
            self.model = llama.llama_model_load_from_file(file.name.encode(), params)
        assert self.model, "llama.cpp refuses the vocabulary"
        self.vocab = llama.llama_model_get_vocab(self.model)

    def encode(self, text, add, parse):
        raw = text.encode()
        room = len(raw) + 16
        ids = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.vocab, raw, len(raw), ids, room, add, parse)
        assert count >= 0
        return list(ids[:count])

    def markup(self, token):
        return llama.llama_vocab_get_attr(self.vocab, token) & (llama.LLAMA_TOKEN_ATTR_UNKNOWN | llama.LLAMA_TOKEN_ATTR_CONTROL)


def quiet():
    """Silences llama.cpp; the result must stay alive."""
    callback = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(callback, ctypes.c_void_p(0))
    return callback


def cases(seed, texts):
    """All vocabularies of a seed with `texts` texts each."""
    rng = random.Random(seed)
    for name, vocab, snippets in vocabularies(rng):
        reference = Reference(vocab)
        rows = []
        while len(rows) < texts:
            text = text_of(rng, vocab, snippets)
            parse, add = rng.random() < 0.5, rng.random() < 0.3
            ids = reference.encode(text, add, parse)
            plain = reference.encode(text, False, parse)
            if not parse and any(reference.markup(i) for i in plain):
                continue  # llama.cpp lets merges make markup of text; kinglet does not
            rows.append({"text": text, "parse": parse, "add": add, "ids": ids})
        llama.llama_model_free(reference.model)
        yield {"name": name, "vocab": vocab, "cases": rows}


if __name__ == "__main__":
    keep = quiet()
    seed = int(os.environ.get("SEED", "20"))
    vocabs = list(cases(seed, int(os.environ.get("TEXTS", "14"))))
    about = {"reference": "llama_tokenize of llama.cpp in llama-cpp-python 0.3.36", "seed": seed}
    print(json.dumps({**about, "vocabularies": vocabs}, ensure_ascii=True, separators=(",", ":")))
