"""A decoder in NumPy (float64), written from the papers: the second opinion of make.py, and its sliding window."""

import math

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rms(x, gain, eps=1e-5):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * gain


def angles(model, n, n_ctx):
    """[n, n_rot/2] angles and the factor on cos and sin."""
    hp, extra = model.hp, model.hp.get("extra", {})
    half = hp["n_rot"] // 2
    freq = hp.get("rope_base", 10000.0) ** (-np.arange(half) * 2.0 / hp["n_rot"])
    kind, magnitude = extra.get("rope.scaling.type"), 1.0
    if "rope_freqs.weight" in model.tensors:
        freq = freq / model.tensors["rope_freqs.weight"]
    if "rope_factors_long.weight" in model.tensors:
        is_long = n_ctx > extra["rope.scaling.original_context_length"]
        freq = freq / model.tensors["rope_factors_long.weight" if is_long else "rope_factors_short.weight"]
        magnitude = extra["rope.scaling.attn_factor"]
    if kind == "linear":
        freq = freq / extra["rope.scaling.factor"]
    if kind == "yarn":
        # Peng et al. 2023, section 3.2 and 3.4, with beta_fast 32 and beta_slow 1.
        factor, original, base = extra["rope.scaling.factor"], extra["rope.scaling.original_context_length"], hp.get("rope_base", 10000.0)

        def dim(rotations):
            return hp["n_rot"] * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(base))

        low, high = max(0.0, math.floor(dim(32.0))), min(hp["n_rot"] - 1.0, math.ceil(dim(1.0)))
        ramp = 1.0 - np.clip((np.arange(half) - low) / max(0.001, high - low), 0.0, 1.0)
        freq = freq / factor * (1 - ramp) + freq * ramp
        magnitude = 1.0 + 0.1 * math.log(factor)
    return np.outer(np.arange(n), freq), magnitude


def rotate(x, theta, magnitude, n_rot, interleaved):
    """x [n, heads, head_dim]; the first n_rot elements rotate."""
    c, s = np.cos(theta)[:, None] * magnitude, np.sin(theta)[:, None] * magnitude
    y = x.copy()
    if interleaved:
        a, b = x[..., 0:n_rot:2], x[..., 1:n_rot:2]
        y[..., 0:n_rot:2], y[..., 1:n_rot:2] = a * c - b * s, a * s + b * c
    else:
        h = n_rot // 2
        a, b = x[..., :h], x[..., h:n_rot]
        y[..., :h], y[..., h:n_rot] = a * c - b * s, a * s + b * c
    return y


def logits(model, tokens, n_ctx, window=False):
    """[n, n_vocab] for all positions at once."""
    hp = model.hp
    w = {k: v.astype(np.float64) for k, v in model.tensors.items()}
    n, hd, heads, kv = len(tokens), hp["head_dim"], hp["n_head"], hp["n_head_kv"]
    q_cols, kv_cols = heads * hd, kv * hd
    theta, magnitude = angles(model, n, n_ctx)
    i, j = np.arange(n)[:, None], np.arange(n)[None]
    visible = j <= i
    if window:
        visible &= j > i - hp["extra"]["attention.sliding_window"]
    x = w["token_embd.weight"][tokens]
    for layer in range(hp["n_layer"]):
        b = f"blk.{layer}."
        h = rms(x, w[b + "attn_norm.weight"])
        if hp.get("fused"):
            qkv = h @ w[b + "attn_qkv.weight"].T
        else:
            qkv = np.concatenate([h @ w[b + f"attn_{p}.weight"].T + w.get(b + f"attn_{p}.bias", 0.0) for p in "qkv"], axis=1)
        q = qkv[:, :q_cols].reshape(n, heads, hd)
        k = qkv[:, q_cols : q_cols + kv_cols].reshape(n, kv, hd)
        v = qkv[:, q_cols + kv_cols :].reshape(n, kv, hd)
        if hp.get("head_norms"):
            q, k = rms(q, w[b + "attn_q_norm.weight"]), rms(k, w[b + "attn_k_norm.weight"])
        interleaved = model.arch == "llama"
        q = rotate(q, theta, magnitude, hp["n_rot"], interleaved)
        k = rotate(k, theta, magnitude, hp["n_rot"], interleaved)
        k, v = np.repeat(k, heads // kv, axis=1), np.repeat(v, heads // kv, axis=1)
        score = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(hd)
        att = softmax(np.where(visible[None], score, -np.inf))
        x = x + np.einsum("hij,jhd->ihd", att, v).reshape(n, q_cols) @ w[b + "attn_output.weight"].T
        h = rms(x, w[b + "ffn_norm.weight"])
        if hp.get("fused"):
            gate, up = np.split(h @ w[b + "ffn_up.weight"].T, 2, axis=1)
        else:
            gate, up = h @ w[b + "ffn_gate.weight"].T, h @ w[b + "ffn_up.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w[b + "ffn_down.weight"].T
    return rms(x, w["output_norm.weight"]) @ w.get("output.weight", w["token_embd.weight"]).T


def nll_argmax(rows, tokens):
    p = softmax(rows[:-1])
    return -np.log(p[np.arange(len(tokens) - 1), tokens[1:]]), rows[:-1].argmax(axis=1)


def greedy(model, tokens, n_ctx, count, window=False):
    """Logits over `tokens`, then a greedy continuation and its margins."""
    first = logits(model, tokens, n_ctx, window)
    ids, out, margins, rows = list(tokens), [], [], first
    for _ in range(count):
        order = np.argsort(-rows[-1], kind="stable")
        out.append(int(order[0]))
        margins.append(float(rows[-1][order[0]] - rows[-1][order[1]]))
        ids.append(out[-1])
        rows = logits(model, ids, n_ctx, window)
    return first, out, margins
