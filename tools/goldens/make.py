"""Makes the tiny models of tests/goldens: one feature each, seeded weights, and what llama.cpp computes with them.

    python tools/goldens/make.py            # needs requirements.txt; writes tests/goldens/

Weights are F32 so that the reference has no rounding of its own beyond f32 sums; a golden then needs a tolerance of
only a few 1e-4. Every model is random but *loud*: its projections are scaled so that positions, windows and biases
change the answer. llama.cpp is the reference everywhere except for the sliding window of phi3, which llama.cpp
switches off: there the reference is Hugging Face transformers (hugging.py, float64). A decoder of our own in NumPy
(reference.py) is the second opinion on every golden: this script stops where the two disagree.
"""

import json
import pathlib

import gguf
import llama_cpp
import numpy as np
import transformers

import hugging
import reference

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens"
N_VOCAB = 288
AGREE = 2e-3  # largest difference of a nll between llama.cpp (f32) and reference.py (f64)


def vocabulary():
    """<unk>, <s>, </s>, 256 bytes, then pieces: enough for any text, small enough to commit."""
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"<0x{b:02X}>", 0.0, 6) for b in range(256)]
    common = ["\u2581", "e", "t", "a", "o", "i", "n", "s", "h", "r", "d", "l", "u", "th", "he", "in", "er", "\u2581t", "\u2581a", "the"]
    pieces += [(p, -float(i + 1), 1) for i, p in enumerate(common)]
    pieces += [(f"<|x{i}|>", 0.0, 3) for i in range(N_VOCAB - len(pieces))]
    return pieces


class Model:
    """Seeded weights by GGUF name, and the metadata that goes with them."""

    def __init__(self, name, arch, seed, **hp):
        self.name, self.arch, self.hp = name, arch, hp
        self.rng = np.random.default_rng(seed)
        self.tensors = {}
        d, hd = hp["n_embd"], hp["head_dim"]
        q, kv, ff = hp["n_head"] * hd, hp["n_head_kv"] * hd, hp["n_ff"]
        self.add("token_embd.weight", (N_VOCAB, d), 1.0)
        for i in range(hp["n_layer"]):
            b = f"blk.{i}."
            self.norm(b + "attn_norm.weight", d)
            if hp.get("fused"):
                self.add(b + "attn_qkv.weight", (q + 2 * kv, d), 1.6 / d**0.5)
                self.add(b + "ffn_up.weight", (2 * ff, d), 1.4 / d**0.5)
            else:
                self.add(b + "attn_q.weight", (q, d), 1.6 / d**0.5)
                self.add(b + "attn_k.weight", (kv, d), 1.6 / d**0.5)
                self.add(b + "attn_v.weight", (kv, d), 1.6 / d**0.5)
                self.add(b + "ffn_gate.weight", (ff, d), 1.4 / d**0.5)
                self.add(b + "ffn_up.weight", (ff, d), 1.4 / d**0.5)
            if hp.get("bias"):
                for part, n in (("q", q), ("k", kv), ("v", kv)):
                    self.add(b + f"attn_{part}.bias", (n,), 0.8)
            if hp.get("head_norms"):
                self.norm(b + "attn_q_norm.weight", hd)
                self.norm(b + "attn_k_norm.weight", hd)
            self.add(b + "attn_output.weight", (d, q), 1.5 / q**0.5)
            self.norm(b + "ffn_norm.weight", d)
            self.add(b + "ffn_down.weight", (d, ff), 1.5 / ff**0.5)
        self.norm("output_norm.weight", d)
        if not hp.get("tied"):
            self.add("output.weight", (N_VOCAB, d), 2.0 / d**0.5)
        else:
            self.tensors["token_embd.weight"] *= np.float32(2.0 / d**0.5)

    def add(self, name, shape, std):
        self.tensors[name] = (self.rng.standard_normal(shape) * std).astype(np.float32)

    def norm(self, name, n):
        self.tensors[name] = (1.0 + 0.3 * self.rng.standard_normal(n)).astype(np.float32)

    def write(self, path, tensors=None, split=None, metadata=True):
        """One GGUF v3 file; `split` = (number, count, tensors in all) makes it a part of a split model."""
        hp = self.hp
        w = gguf.GGUFWriter(path, self.arch)
        if metadata:
            w.add_name(self.name)
            w.add_context_length(hp["n_ctx_train"])
            w.add_embedding_length(hp["n_embd"])
            w.add_block_count(hp["n_layer"])
            w.add_feed_forward_length(hp["n_ff"])
            w.add_head_count(hp["n_head"])
            w.add_head_count_kv(hp["n_head_kv"])
            w.add_layer_norm_rms_eps(1e-5)
            w.add_rope_dimension_count(hp["n_rot"])
            w.add_rope_freq_base(hp.get("rope_base", 10000.0))
            w.add_vocab_size(N_VOCAB)
            w.add_file_type(0)
            if hp["head_dim"] * hp["n_head"] != hp["n_embd"]:
                w.add_key_length(hp["head_dim"])
                w.add_value_length(hp["head_dim"])
            for key, value in hp.get("extra", {}).items():
                getattr(w, f"add_{type(value).__name__.replace('str', 'string').replace('int', 'uint32').replace('float', 'float32')}")(
                    f"{self.arch}.{key}", value
                )
            pieces = vocabulary()
            w.add_tokenizer_model("llama")
            w.add_tokenizer_pre("default")
            w.add_token_list([p[0].encode() for p in pieces])
            w.add_token_scores([p[1] for p in pieces])
            w.add_token_types([p[2] for p in pieces])
            w.add_bos_token_id(1)
            w.add_eos_token_id(2)
            w.add_unk_token_id(0)
            w.add_add_bos_token(True)
            w.add_add_eos_token(False)
        if split:
            w.add_uint16("split.no", split[0])
            w.add_uint16("split.count", split[1])
            w.add_int32("split.tensors.count", split[2])
        for name, data in (tensors if tensors is not None else self.tensors).items():
            w.add_tensor(name, data)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()


def llama_run(path, tokens, n_ctx, n_greedy):
    """llama.cpp: nll and argmax of each next token, and a greedy continuation. F32 cache, one thread."""
    llm = llama_cpp.Llama(
        str(path), n_ctx=n_ctx, n_batch=n_ctx, n_ubatch=n_ctx, logits_all=True, n_threads=1, n_threads_batch=1,
        type_k=0, type_v=0, flash_attn=False, verbose=False,
    )
    assert llm.n_ctx() == n_ctx, (llm.n_ctx(), n_ctx)
    llm.eval(tokens)
    logits = np.array(llm.scores[: len(tokens)], dtype=np.float64)
    greedy, margins = [], []
    last = logits[-1]
    for _ in range(n_greedy):
        order = np.argsort(-last, kind="stable")
        greedy.append(int(order[0]))
        margins.append(float(last[order[0]] - last[order[1]]))
        llm.eval([greedy[-1]])
        last = np.array(llm.scores[llm.n_tokens - 1], dtype=np.float64)
    return logits, greedy, margins


def summary(logits, greedy, margins, tokens, n_ctx):
    nll, argmax = reference.nll_argmax(logits, tokens)
    assert reference.softmax(logits).max() > 0.1, "the model is too flat to be a test"
    return {
        "n_ctx": n_ctx,
        "tokens": [int(t) for t in tokens],
        "nll": [round(float(x), 5) for x in nll],
        "argmax": [int(x) for x in argmax],
        "greedy": greedy,
        "min_top1_margin": round(min(margins), 5) if margins else None,
    }


def text_tokens(seed, n):
    rng = np.random.default_rng(seed)
    return [1] + [int(t) for t in rng.integers(3, 279, n - 1)]


BASE = dict(n_embd=32, n_layer=2, n_head=4, n_head_kv=4, head_dim=8, n_ff=48, n_rot=8, n_ctx_train=512)


def models():
    """name -> (model, [(n_ctx, number of tokens)], feature)"""
    longrope = {"rope.scaling.original_context_length": 256, "rope.scaling.attn_factor": 1.19}
    lr = Model("longrope", "phi3", 4, fused=True, extra=longrope, **BASE)
    lr.tensors["rope_factors_long.weight"] = np.linspace(1.5, 24.0, 4, dtype=np.float32)
    lr.tensors["rope_factors_short.weight"] = np.linspace(1.0, 1.6, 4, dtype=np.float32)
    l3 = Model("llama3-scaling", "llama", 5, tied=True, **BASE)
    l3.tensors["rope_freqs.weight"] = np.array([1.0, 1.7, 5.0, 8.0], dtype=np.float32)
    partial = dict(BASE, head_dim=16, n_rot=12, n_head=4, n_head_kv=2, n_embd=64)
    wide = dict(BASE, head_dim=16, n_rot=16, n_head=4, n_head_kv=2)  # heads wider than n_embd / n_head
    yarn = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 64}
    linear = {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}
    return {
        "qwen2": (Model("qwen2", "qwen2", 1, bias=True, tied=True, **dict(BASE, n_head_kv=2)), [(256, 96)], "qkv bias, GQA, tied output"),
        "qwen3": (Model("qwen3", "qwen3", 2, head_norms=True, rope_base=1e6, **wide), [(256, 96)], "q/k norm, head_dim from metadata"),
        "phi4mini": (Model("four-mini", "phi3", 3, fused=True, tied=True, **partial), [(256, 96)], "GQA, partial rotary, tied output"),
        "longrope": (lr, [(512, 300), (256, 96)], "long factors past the original context, short factors within"),
        "llama3": (l3, [(256, 96)], "rope_freqs"),
        "linear": (Model("linear", "llama", 7, extra=linear, tied=True, **BASE), [(256, 96)], "linear rope scaling"),
        "yarn": (Model("yarn", "qwen2", 8, bias=True, extra=yarn, tied=True, **BASE), [(256, 200)], "YaRN"),
        "window": (Model("window", "phi3", 6, fused=True, tied=True, extra={"attention.sliding_window": 24}, **BASE), [(256, 96)], "sliding window"),
    }


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (model, runs, feature) in models().items():
        path = OUT / f"{name}.gguf"
        model.write(path)
        golden = {"feature": feature, "reference": f"llama.cpp in llama-cpp-python {llama_cpp.__version__}", "runs": []}
        for n_ctx, n in runs:
            tokens = text_tokens(len(name) + n, n)
            logits, greedy, margins = llama_run(path, tokens, n_ctx, 16)
            own = reference.logits(model, tokens, n_ctx)
            difference = np.abs(reference.nll_argmax(own, tokens)[0] - reference.nll_argmax(logits, tokens)[0]).max()
            assert difference < AGREE, f"{name}: reference.py and llama.cpp differ by {difference}"
            if name == "window":
                golden["ignoring_window"] = summary(logits, greedy, margins, tokens, n_ctx)
                golden["reference"] = f"transformers {transformers.__version__}; ignoring_window: {golden['reference']}"
                _, greedy, margins = reference.greedy(model, tokens, n_ctx, 16, window=True)
                logits = hugging.logits(model, tokens, model.hp["extra"]["attention.sliding_window"])
                difference = np.abs(logits - reference.logits(model, tokens, n_ctx, window=True)).max()
                assert difference < AGREE, f"{name}: reference.py and transformers differ by {difference}"
            golden["runs"].append(summary(logits, greedy, margins, tokens, n_ctx))
            print(f"{name:10} n_ctx {n_ctx} tokens {n} max nll difference {difference:.1e} size {path.stat().st_size}")
        (OUT / f"{name}.golden.json").write_text(json.dumps(golden) + "\n")
        if name == "qwen2":
            split(model)


def split(model):
    """The qwen2 model again, in three files as llama-gguf-split lays them out: metadata in the first."""
    names = list(model.tensors)
    cuts = [0, 1, len(names) // 2, len(names)]
    for i in range(3):
        part = {n: model.tensors[n] for n in names[cuts[i] : cuts[i + 1]]}
        model.write(OUT / f"split-{i + 1:05}-of-00003.gguf", part, (i, 3, len(names)), metadata=i == 0)


if __name__ == "__main__":
    main()
