"""Native llama.cpp's speed, for the column beside `cargo xtask bench --backend cpu --llama-cpp PYTHON`.

    python tools/llama_cpp_speed.py FILE THREADS PROMPT_TOKENS GENERATE ROUNDS

Needs llama-cpp-python, built for this machine. As llama-bench does: random tokens, no sampling, the first round warms
up. Prints one line of JSON: {"version", "prefill_tokens_per_s", "decode_tokens_per_s"} (medians).
"""

import ctypes
import json
import random
import statistics
import sys
import time

import llama_cpp as lc


@lc.llama_log_callback
def quiet(level, text, data):
    pass


def main():
    path = sys.argv[1]
    threads, prompt_tokens, generate, rounds = map(int, sys.argv[2:6])
    lc.llama_log_set(quiet, ctypes.c_void_p(0))
    lc.llama_backend_init()
    model_params = lc.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = lc.llama_model_load_from_file(path.encode(), model_params)
    assert model, f"llama.cpp cannot load {path}"
    params = lc.llama_context_default_params()
    params.n_ctx = 2048
    params.n_batch = params.n_ubatch = 512
    params.n_threads = params.n_threads_batch = threads
    context = lc.llama_init_from_model(model, params)
    assert context, "llama.cpp made no context"
    n_vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
    rng = random.Random(1)

    def decode(count):
        tokens = (lc.llama_token * count)(*(rng.randrange(n_vocab) for _ in range(count)))
        assert lc.llama_decode(context, lc.llama_batch_get_one(tokens, count)) == 0
        lc.llama_synchronize(context)

    prefill, steps = [], []
    for _ in range(rounds + 1):
        lc.llama_memory_clear(lc.llama_get_memory(context), True)
        begin = time.perf_counter()
        decode(prompt_tokens)
        middle = time.perf_counter()
        for _ in range(generate):
            decode(1)
        prefill.append(prompt_tokens / (middle - begin))
        steps.append(generate / (time.perf_counter() - middle))
    figures = {
        "version": f"llama-cpp-python {lc.__version__}",
        "prefill_tokens_per_s": statistics.median(prefill[1:]),
        "decode_tokens_per_s": statistics.median(steps[1:]),
    }
    print(json.dumps(figures))


main()
