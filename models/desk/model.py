"""The network: a Phi-3 decoder (RMSNorm, rotary positions, SwiGLU, no biases, tied embedding), for training only.

Shapes: B sequences of T packed tokens, C = n_embd, H heads of size D = C / H. Weights are named and laid out as the GGUF
file names them, so that export.py only has to write them down: rotary pairs are (i, i + D/2), gate lies above up.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class Shape:
    """Sizes, named as GGUF names them. Rows of 256 values are what K-quants need."""

    n_vocab: int
    n_layer: int
    n_embd: int = 256
    n_head: int = 4
    n_ff: int = 768
    n_ctx: int = 1024
    rope_base: float = 100000.0
    eps: float = 1e-5

    def to_json(self) -> dict:
        return asdict(self)


class RmsNorm(nn.Module):
    """x / rms(x) * weight over the last axis."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


def rope(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates the pairs (i, i + D/2) of x [B, H, T, D] by the angles of cos, sin [B, 1, T, D/2]."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    """One layer: attention and a gated feed-forward, each added to the residual stream."""

    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        c, f = shape.n_embd, shape.n_ff
        self.n_head = shape.n_head
        self.attn_norm = RmsNorm(c, shape.eps)
        self.attn_qkv = nn.Linear(c, 3 * c, bias=False)
        self.attn_output = nn.Linear(c, c, bias=False)
        self.ffn_norm = RmsNorm(c, shape.eps)
        self.ffn_up = nn.Linear(c, 2 * f, bias=False)  # gate, then up
        self.ffn_down = nn.Linear(f, c, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, cos, sin, mask):
        b, t, c = x.shape
        q, k, v = self.attn_qkv(self.attn_norm(x)).view(b, t, 3, self.n_head, -1).permute(2, 0, 3, 1, 4)
        q, k = rope(q, cos, sin), rope(k, cos, sin)
        att = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.drop(self.attn_output(att.transpose(1, 2).reshape(b, t, c)))
        gate, up = self.ffn_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.drop(self.ffn_down(F.silu(gate) * up))


class Model(nn.Module):
    """Embedding, layers, final norm; the head is the embedding again."""

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.drop = nn.Dropout(dropout)
        self.blk = nn.ModuleList(Block(shape, dropout) for _ in range(shape.n_layer))
        self.output_norm = RmsNorm(shape.n_embd, shape.eps)
        d = shape.n_embd // shape.n_head
        freq = shape.rope_base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
        angle = torch.arange(shape.n_ctx, dtype=torch.float32)[:, None] * freq
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        nn.init.normal_(self.token_embd.weight, std=0.06)
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and "token_embd" not in name:
                # Uniform in fan-in; what is added to the residual stream starts small.
                last = name.endswith(("attn_output.weight", "ffn_down.weight"))
                scale = weight.shape[1] ** -0.5 / ((2 * shape.n_layer) ** 0.5 if last else 1.0)
                nn.init.normal_(weight, std=scale)

    def forward(self, ids, pos, mask):
        """ids, pos [B, T], mask [B, 1, T, T] (true: may look) -> states [B, T, C] before the head."""
        x = self.drop(self.token_embd(ids))
        cos, sin = self.cos[pos].unsqueeze(1).to(x.dtype), self.sin[pos].unsqueeze(1).to(x.dtype)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return self.output_norm(x)

    def head(self, states):
        """States [N, C] -> logits [N, n_vocab]."""
        return F.linear(states, self.token_embd.weight.to(states.dtype))
