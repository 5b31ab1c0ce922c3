"""Writes a trained model as a GGUF file (F32, architecture phi3), and reads a checkpoint or a GGUF file back.

    python models/desk/export.py target/desk/desk.pt target/desk/tokenizer.json target/desk/desk-f32.gguf desk

Only this file knows the names of a GGUF file. Quantizing is `kinglet quantize`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np
import torch

from model import Model, Shape
from tokenizer import CONTROL, ROLES, TEMPLATE, Tokenizer

ARCH = "phi3"
TYPE = gguf.TokenType


def token_type(tokenizer: Tokenizer, i: int) -> TYPE:
    """Unknown, control, byte or ordinary piece."""
    if i == 0:
        return TYPE.UNKNOWN
    if i < len(CONTROL) or len(CONTROL) + 256 <= i < tokenizer.first:
        return TYPE.CONTROL
    return TYPE.BYTE if i < len(CONTROL) + 256 else TYPE.NORMAL


def write(model: Model, tokenizer: Tokenizer, path: Path, name: str) -> None:
    """The file: metadata, tokenizer with scores, chat template, weights as F32."""
    shape = model.shape
    out = gguf.GGUFWriter(path, ARCH)
    out.add_name(name)
    out.add_description("small task model for support-desk work; not a general assistant")
    out.add_license("apache-2.0 or mit")
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_context_length(shape.n_ctx)
    out.add_embedding_length(shape.n_embd)
    out.add_block_count(shape.n_layer)
    out.add_feed_forward_length(shape.n_ff)
    out.add_head_count(shape.n_head)
    out.add_head_count_kv(shape.n_head)
    out.add_layer_norm_rms_eps(shape.eps)
    out.add_rope_dimension_count(shape.n_embd // shape.n_head)
    out.add_rope_freq_base(shape.rope_base)
    out.add_rope_scaling_orig_ctx_len(shape.n_ctx)
    out.add_sliding_window(shape.n_ctx)
    out.add_vocab_size(shape.n_vocab)
    pieces = tokenizer.pieces
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list(pieces)
    out.add_token_scores([tokenizer.score(i) for i in range(len(pieces))])
    out.add_token_types([token_type(tokenizer, i) for i in range(len(pieces))])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(tokenizer.end)
    out.add_eot_token_id(tokenizer.end)
    out.add_add_bos_token(False)
    out.add_add_eos_token(False)
    out.add_add_space_prefix(True)
    out.add_chat_template(TEMPLATE)
    for key, value in model.state_dict().items():
        out.add_tensor(key, value.detach().float().cpu().numpy().copy())
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def load(path: Path, dropout: float = 0.0, tokenizer: Tokenizer | None = None) -> tuple[Model, Tokenizer]:
    """A model from a .pt checkpoint (its tokenizer is the given one) or from a .gguf file of any type."""
    if path.suffix == ".pt":
        state = torch.load(path, map_location="cpu", weights_only=True)
        model = Model(Shape(**state["shape"]), dropout)
        model.load_state_dict(state["model"])
        return model, tokenizer
    file = gguf.GGUFReader(path)
    arch = file.fields["general.architecture"].contents() if "general.architecture" in file.fields else "none"
    if arch != ARCH:
        raise SystemExit(f"{path}: architecture {arch}; only {ARCH} files of the shape of desk can be trained further")

    def value(key: str):
        return file.fields[key].contents()

    shape = Shape(
        n_vocab=len(value("tokenizer.ggml.tokens")),
        n_layer=value(f"{ARCH}.block_count"),
        n_embd=value(f"{ARCH}.embedding_length"),
        n_head=value(f"{ARCH}.attention.head_count"),
        n_ff=value(f"{ARCH}.feed_forward_length"),
        n_ctx=value(f"{ARCH}.context_length"),
        rope_base=value(f"{ARCH}.rope.freq_base"),
        eps=value(f"{ARCH}.attention.layer_norm_rms_epsilon"),
    )
    model = Model(shape, dropout)
    weights = {t.name: torch.from_numpy(np.array(gguf.quants.dequantize(t.data, t.tensor_type))) for t in file.tensors}
    model.load_state_dict(weights)
    return model, Tokenizer(value("tokenizer.ggml.tokens"))


if __name__ == "__main__":
    checkpoint, pieces, target, title = sys.argv[1:]
    known = Tokenizer.load(Path(pieces))
    write(load(Path(checkpoint), tokenizer=known)[0], known, Path(target), title)
