"""llama.cpp's own HTTP server, on a free port of this machine, until stdin ends.

    python real-llm.py MODEL.gguf TEMPLATE.jinja

The first line of stdout is JSON: its address, and the versions of package and Python.
"""

import json
import os
import sys
from pathlib import Path

import xllamacpp


def main(model: str, template: str) -> None:
    """Serves the model in two slots of 1,024 tokens."""
    # Who asks goes first, also where everything is busy: else an answer is complete before it can be stopped.
    os.nice(10)
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.chat_template = Path(template).read_text()
    params.model_alias = {"real"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 2
    params.n_ctx = 2048
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.fit_params = False
    params.ui = False
    params.cache_ram_mib = 0
    params.endpoint_slots = True
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(json.dumps({"url": server.listening_address, "version": xllamacpp.__version__}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
