"""Writes tests/cases/embeddings.json: embeddings of a shared model by llama.cpp, pooled by mean and by last token.

Run: python tools/embedding_cases.py ../shared/data/models/stories260K-phi3-f32.gguf (needs llama-cpp-python)
"""

import json
import pathlib
import sys

import llama_cpp

TEXTS = ["Once upon a time", "The cat sat on the mat, and the dog looked at it with big eyes.", "a"]
POOLING = {"mean": llama_cpp.LLAMA_POOLING_TYPE_MEAN, "last": llama_cpp.LLAMA_POOLING_TYPE_LAST}


def main(path: str) -> None:
    cases = {"model": pathlib.Path(path).name, "texts": TEXTS}
    for name, pooling in POOLING.items():
        model = llama_cpp.Llama(path, embedding=True, pooling_type=pooling, n_ctx=128, n_threads=1, verbose=False)
        cases["ids"] = [model.tokenize(text.encode(), add_bos=True, special=False) for text in TEXTS]
        cases[name] = [[round(value, 7) for value in model.embed(text, normalize=True)] for text in TEXTS]
    out = pathlib.Path(__file__).parent.parent / "tests/cases/embeddings.json"
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in cases.items())
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


main(sys.argv[1])
