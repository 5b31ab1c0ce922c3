"""The same phi3 model in Hugging Face transformers: the reference for the sliding window, which llama.cpp ignores."""

import torch
from transformers import Phi3Config, Phi3ForCausalLM


def logits(model, tokens, window):
    """[n, n_vocab] in float64, eager attention."""
    hp = model.hp
    config = Phi3Config(
        vocab_size=model.tensors["token_embd.weight"].shape[0],
        hidden_size=hp["n_embd"],
        intermediate_size=hp["n_ff"],
        num_hidden_layers=hp["n_layer"],
        num_attention_heads=hp["n_head"],
        num_key_value_heads=hp["n_head_kv"],
        max_position_embeddings=hp["n_ctx_train"],
        rms_norm_eps=1e-5,
        sliding_window=window,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    net = Phi3ForCausalLM(config).to(torch.float64).eval()
    names = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    for i in range(hp["n_layer"]):
        ours, theirs = f"blk.{i}.", f"model.layers.{i}."
        names[ours + "attn_norm.weight"] = theirs + "input_layernorm.weight"
        names[ours + "attn_qkv.weight"] = theirs + "self_attn.qkv_proj.weight"
        names[ours + "attn_output.weight"] = theirs + "self_attn.o_proj.weight"
        names[ours + "ffn_norm.weight"] = theirs + "post_attention_layernorm.weight"
        names[ours + "ffn_up.weight"] = theirs + "mlp.gate_up_proj.weight"
        names[ours + "ffn_down.weight"] = theirs + "mlp.down_proj.weight"
    state = {names[k]: torch.from_numpy(v.astype("float64")) for k, v in model.tensors.items()}
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    net.load_state_dict(state, strict=True)
    with torch.no_grad():
        return net(torch.tensor([tokens])).logits[0].numpy()
