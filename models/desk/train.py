"""Trains `desk` and `desk-nano` from nothing, or fine-tunes a finished model on your own rows.

    python models/desk/train.py --name desk --out target/desk              # the recipe of the model card
    python models/desk/train.py --name desk-nano --teacher target/desk/desk.pt --out target/desk
    python models/desk/train.py --data mine.jsonl --from models/desk/desk.gguf --name mine --out target/mine
    python models/desk/train.py --smoke --out target/smoke                 # seconds: does the pipeline run at all

Writes NAME.pt, NAME-f32.gguf, NAME.log.jsonl. Interrupted runs go on from NAME.pt with --resume.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import batches
import drills
import export
import glove
from model import Model, Shape
from pack import IGNORE, pack
from tokenizer import Tokenizer

HERE = Path(__file__).resolve().parent


@dataclass
class Stage:
    """A part of a run: sequences of `length` tokens, `rows` of them at once, `micro` times per step."""

    steps: int
    length: int
    rows: int
    micro: int
    whole: float
    """The chance that a public label list is offered whole (150 or 77 labels)."""
    drills: float = 0.0
    """Share of tokens that are exercises in copying."""


@dataclass
class Recipe:
    """All numbers of a run that are not the data's."""

    layers: int
    stages: list[Stage]
    lr_matrix: float = 0.01
    lr_other: float = 0.0006
    warmup: int = 60
    dropout: float = 0.05
    public: float = 0.45
    """Share of tokens from the public classification sets."""
    reading: float = 0.2
    """Share of the messages' own tokens that count: all of them would double the cost of a step."""
    seed: int = 1


RECIPES = {
    "desk": Recipe(
        5, [Stage(150, 192, 16, 1, 0.0, 1.0), Stage(4600, 256, 16, 1, 0.0, 0.12), Stage(1200, 768, 6, 1, 0.6, 0.03)]
    ),
    "desk-nano": Recipe(
        2, [Stage(150, 192, 16, 1, 0.0, 1.0), Stage(750, 256, 16, 1, 0.0, 0.12), Stage(250, 768, 6, 1, 0.6, 0.03)]
    ),
    # Minutes: what the soak trains, to see that copying is learnt.
    "short": Recipe(
        2, [Stage(250, 192, 16, 1, 0.0, 1.0), Stage(60, 256, 16, 1, 0.0, 0.12), Stage(15, 768, 6, 1, 0.6, 0.03)]
    ),
    "smoke": Recipe(1, [Stage(6, 320, 2, 1, 0.0, 0.1), Stage(2, 768, 1, 1, 0.6)], warmup=2),
}


OWN_LENGTH = 768
"""Tokens of a sequence when a user's own rows are learnt."""
ESTIMATE = 200
"""After so many steps the whole run's duration is estimated from their speed (evaluations not counted)."""


def masks(batch: dict[str, np.ndarray], device: str) -> dict[str, torch.Tensor]:
    """The arrays as tensors, and the mask [B, 1, T, T]: earlier tokens of the own segment and of the shared one."""
    t = {key: torch.from_numpy(value).to(device) for key, value in batch.items()}
    own, pre = t.pop("own"), t.pop("pre")
    look = (own[:, :, None] == own[:, None, :]) | (pre[:, :, None] == own[:, None, :])
    t["mask"] = (look & torch.ones(look.shape[1:], dtype=torch.bool, device=device).tril()).unsqueeze(1)
    return t


def optimizers(model: Model, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "token_embd" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() == 1 or "token_embd" in n]
    return [
        torch.optim.Muon(matrices, lr=recipe.lr_matrix, weight_decay=0.05, momentum=0.95),
        torch.optim.AdamW(others, lr=recipe.lr_other, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the full learning rate: a ramp, a plateau, and a straight way down over the last 60 %."""
    if step < warmup:
        return (step + 1) / warmup
    return min(1.0, (steps - step) / (0.6 * steps))


def loss_of(model, forward, t: dict, teacher: Model | None, share: float, reading: float) -> torch.Tensor:
    """Weighted cross-entropy of the answers' tokens and of some of the messages' (a share of `reading`, by chance);
    with a teacher, mixed with the distance from its distribution."""
    counts = (t["item"] != IGNORE) | (torch.rand(t["item"].shape, device=t["item"].device) < reading)
    places = ((t["target"] != IGNORE) & counts).reshape(-1).nonzero().squeeze(1)
    target, weight = t["target"].reshape(-1)[places], t["weight"].reshape(-1)[places]
    with torch.autocast(t["ids"].device.type, torch.bfloat16):
        states = forward(t["ids"], t["pos"], t["mask"]).reshape(-1, model.shape.n_embd)[places]
        logits = model.head(states).float()
    loss = F.cross_entropy(logits, target, reduction="none")
    if teacher is not None:
        with torch.no_grad(), torch.autocast(t["ids"].device.type, torch.bfloat16):
            states = teacher(t["ids"], t["pos"], t["mask"]).reshape(-1, teacher.shape.n_embd)[places]
            soft = teacher.head(states).float().log_softmax(-1)
        apart = F.kl_div(logits.log_softmax(-1), soft, log_target=True, reduction="none").sum(-1)
        loss = (1 - share) * loss + share * apart
    return (loss * weight).sum() / weight.sum()


@torch.no_grad()
def evaluate(model: Model, items, length: int, device: str) -> float:
    """Share of the items whose every answer token is the likeliest one: what greedy decoding would get exactly right."""
    model.eval()
    right = total = 0
    for arrays, named in pack(iter(items), length, 4):
        t = masks(arrays, device)
        places = (t["item"] != IGNORE).reshape(-1).nonzero().squeeze(1)
        with torch.autocast(device, torch.bfloat16):
            states = model(t["ids"], t["pos"], t["mask"]).reshape(-1, model.shape.n_embd)[places]
            best = model.head(states).argmax(-1)
        wrong = set(t["item"].reshape(-1)[places][best != t["target"].reshape(-1)[places]].tolist())
        right += len(named) - len(wrong)
        total += len(named)
    model.train()
    return right / max(1, total)


def run(args, model: Model, recipe: Recipe, source: batches.Source, checks: dict, teacher: Model | None) -> None:
    """The training loop: steps, log, checkpoints."""
    device, log = args.device, (args.out / f"{args.name}.log.jsonl").open("a" if args.resume else "w", encoding="utf-8")
    forward = torch.compile(model, dynamic=False) if args.compile else model
    opts = optimizers(model, recipe)
    base = [[g["lr"] for g in o.param_groups] for o in opts]
    steps = sum(stage.steps for stage in recipe.stages)
    saved = args.out / f"{args.name}.pt"
    step = tokens = 0
    if args.resume and saved.exists():
        state = torch.load(saved, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        for opt, known in zip(opts, state["optimizers"]):
            opt.load_state_dict(known)
        step, tokens = state["step"], state["tokens"]
    began, until, resumed = time.time(), 0, tokens
    for number, stage in enumerate(recipe.stages):
        until += stage.steps
        rng = random.Random(f"{recipe.seed}:{number}:{step}")
        stream = pack(source.stream(stage.whole, stage.drills, rng), stage.length, stage.rows)
        while step < until:
            share = rate(step, steps, recipe.warmup)
            for opt, lrs in zip(opts, base):
                for group, lr in zip(opt.param_groups, lrs):
                    group["lr"] = lr * share
            total = 0.0
            for _ in range(stage.micro):
                arrays, _ = next(stream)
                tokens += int((arrays["own"] != IGNORE).sum())
                loss = loss_of(model, forward, masks(arrays, device), teacher, args.soft, recipe.reading) / stage.micro
                loss.backward()
                total += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for opt in opts:
                opt.step()
                opt.zero_grad(set_to_none=True)
            step += 1
            if step % 10 == 0 or step == steps:
                write(log, step=step, tokens=tokens, seconds=round(time.time() - began, 1), loss=round(total, 4), lr=share)
            if step == ESTIMATE:
                places = sum(stage.steps * stage.length * stage.rows * stage.micro for stage in recipe.stages)
                minutes = (time.time() - began) / 60 * places / max(1, tokens - resumed)
                write(log, step=step, estimated_minutes=round(minutes, 1))
            if step % args.every == 0 or step == steps:
                for name, items in checks.items():
                    write(log, step=step, tokens=tokens, set=name, accuracy=round(evaluate(model, items, 768, device), 4))
                state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in opts]}
                torch.save({**state, "step": step, "tokens": tokens, "shape": model.shape.to_json()}, saved)


def write(log, **fields) -> None:
    """One line of the log, also on the terminal."""
    line = json.dumps(fields)
    print(line, flush=True)
    log.write(line + "\n")
    log.flush()


def main() -> None:
    """Reads the command line and runs one recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="desk")
    parser.add_argument("--out", type=Path, default=Path("target/desk"))
    parser.add_argument("--data", type=Path, help="your own rows: {text, label} or {messages, answer} a line")
    parser.add_argument("--from", dest="start", type=Path, help="a .gguf or .pt to start from (with --data)")
    parser.add_argument("--teacher", type=Path, help="a .pt to distil from")
    parser.add_argument("--soft", type=float, default=0.7, help="weight of the teacher's distribution")
    parser.add_argument("--steps", type=int, help="with --data: how many steps (default: by the number of rows)")
    parser.add_argument("--rows", type=int, default=120_000, help="generated rows")
    parser.add_argument("--every", type=int, default=500, help="steps between evaluations and checkpoints")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.smoke:
        args.rows, args.every, args.compile = 300, 1000, False
    recipe = RECIPES["smoke" if args.smoke else args.name if args.name in RECIPES else "desk"]
    torch.manual_seed(recipe.seed)

    if args.data:
        known = Tokenizer.load(HERE / "tokenizer.json")  # of a .pt; a .gguf brings its own
        model, tokenizer = export.load(args.start or HERE / "desk.gguf", recipe.dropout, known)
        source = batches.own_rows(args.data, tokenizer, args.rows, OWN_LENGTH)
        steps = args.steps or max(60, min(600, 3 * source.own_count // 40))
        recipe = Recipe(model.shape.n_layer, [Stage(steps, OWN_LENGTH, 5, 1, 0.3)], lr_matrix=0.002, lr_other=0.0004, warmup=10)
        args.compile = False
    else:
        tokenizer = batches.tokenizer(args.out, HERE / "tokenizer.json", smoke=args.smoke)
        source = batches.everything(tokenizer, args.rows, recipe, None if args.smoke else glove.load(args.out))
        model = Model(Shape(n_vocab=len(tokenizer.pieces), n_layer=recipe.layers), recipe.dropout)
        if source.vectors is not None:
            batches.start_embedding(model, tokenizer, source.vectors)
        drills.start(model)
    model.to(args.device).train()
    teacher = None
    if args.teacher:
        teacher, _ = export.load(args.teacher, tokenizer=tokenizer)
        teacher.to(args.device).eval()
    run(args, model, recipe, source, source.checks(args.smoke), teacher)
    export.write(model, tokenizer, args.out / f"{args.name}-f32.gguf", args.name)


if __name__ == "__main__":
    main()
