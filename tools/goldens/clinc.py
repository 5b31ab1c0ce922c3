"""A hundred rows of CLINC150's report part, and what desk says of them natively: tests/goldens/clinc-100.json.

    python tools/goldens/clinc.py KINGLET     # the native tool; needs ../shared; models/desk/tasksets.py makes the rows

The rows are drawn with seed 100 from all of the part, texts out of scope among them; no text is copied, a row is a place in
clinc150_train_val.json.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models" / "desk"))

from data import public, shared  # noqa: E402
from tasksets import intent_rows  # noqa: E402

SEED, ROWS = 100, 100
SIGNALS = ("label_max", "label_margin", "label_mass", "label_none", "mean_logprob", "prompt_tokens")


def main():
    raw = json.loads(shared.path("intents/clinc150_train_val.json").read_text(encoding="utf-8"))
    places = {(side, public.one_line(text)): at for side in ("val", "oos_val") for at, (text, _) in enumerate(raw[side])}
    rows = intent_rows("clinc", "report")
    chosen = [rows[i] for i in sorted(random.Random(SEED).sample(range(len(rows)), ROWS))]
    with tempfile.TemporaryDirectory() as folder:
        tasks = pathlib.Path(folder) / "tasks.jsonl"
        tasks.write_text("".join(row.to_json() + "\n" for row in chosen), encoding="utf-8")
        command = [sys.argv[1], "eval", tasks, "--model", ROOT / "models/desk/desk.gguf", "--backend", "cpu", "--threads", "1"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    items = [json.loads(line) for line in said.splitlines()][:ROWS]
    out = []
    for row, item in zip(chosen, items):
        assert row.id == item["id"]
        text = row.prompt.partition("\nmessage: ")[2]
        side = "val" if row.known else "oos_val"
        out.append({"side": side, "at": places[side, text], "right": item["correct"], "label": item["answer"],
                    **{name: item["signals"][name] for name in SIGNALS}})
    lines = ",\n".join(json.dumps(one) for one in out)
    labels = json.dumps(public.clinc()["labels"])
    (ROOT / "tests/goldens/clinc-100.json").write_text(f'{{"labels": {labels},\n"rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
