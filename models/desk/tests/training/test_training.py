"""What training stands on: packing, the start of copying, drills, the loss. Needs the packages of requirements.txt."""

import random
import sys
import unittest
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HERE))

import batches  # noqa: E402
import drills  # noqa: E402
import train  # noqa: E402
from model import Model, Shape, rope  # noqa: E402
from pack import IGNORE, Group, Item, pack  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402


def tokenizer() -> Tokenizer:
    """The committed one."""
    return Tokenizer.load(HERE / "tokenizer.json")


def small(n_vocab: int, layers: int = 2) -> Model:
    """A model with random weights."""
    torch.manual_seed(1)
    return Model(Shape(n_vocab=n_vocab, n_layer=layers)).eval()


def split(ids: list[int], marks: list[list[int]]) -> list[list[int]]:
    """The runs of ids between marks."""
    parts, at = [[]], 0
    while at < len(ids):
        mark = next((m for m in marks if ids[at : at + len(m)] == m), None)
        if mark is None:
            parts[-1].append(ids[at])
            at += 1
        else:
            parts.append([])
            at += len(mark)
    return parts


def alone(model: Model, ids: list[int]) -> torch.Tensor:
    """The states of one sequence by itself."""
    n = len(ids)
    with torch.no_grad():
        return model(torch.tensor([ids]), torch.arange(n)[None], torch.ones(1, 1, n, n).tril().bool())[0]


class Packing(unittest.TestCase):
    """Rows share sequences and must not notice."""

    def setUp(self):
        rng = random.Random(2)
        self.some = lambda n: [rng.randrange(300, 900) for _ in range(n)]
        self.things = [
            Item(self.some(7), self.some(3), 0),
            Group(self.some(9), [Item(self.some(5), self.some(2), 0), Item(self.some(4), self.some(4), 0)]),
            Item(self.some(6), self.some(2), 1),
        ]

    def test_a_packed_row_is_computed_as_if_it_stood_alone(self):
        model = small(1000)
        [(arrays, items)] = list(pack(iter(self.things), 64, 1))
        self.assertEqual(len(items), 4)
        t = train.masks(arrays, "cpu")
        with torch.no_grad():
            packed = model(t["ids"], t["pos"], t["mask"])[0]
        prefix = {1: self.things[1].prefix, 2: self.things[1].prefix}
        for n, item in enumerate(items):
            found = packed[t["item"][0] == n]
            ids = prefix.get(n, []) + item.prompt + item.answer[:-1]
            expected = alone(model, ids)[-len(item.answer) :]
            self.assertLess((found - expected).abs().max().item(), 1e-4)
        # The comparison can fail: without the mask, neighbours show.
        with torch.no_grad():
            mixed = model(t["ids"], t["pos"], torch.ones_like(t["mask"]).tril())[0]
        self.assertGreater((mixed - packed)[t["item"][0] == 3].abs().max().item(), 0.01)

    def test_targets_are_the_answers_and_the_messages_own_next_tokens(self):
        [(arrays, items)] = list(pack(iter(self.things), 64, 1))
        for n, item in enumerate(items):
            at = arrays["item"][0] == n
            self.assertEqual(arrays["target"][0][at].tolist(), item.answer)
        first = self.things[0]
        self.assertEqual(arrays["target"][0][: len(first.prompt) - 1].tolist(), first.prompt[1:])
        # A shared list of labels is no text to learn by heart.
        begin = len(first.prompt) + len(first.answer) - 1
        self.assertTrue((arrays["target"][0][begin : begin + 9] == IGNORE).all())

    def test_accuracy_counts_answers_only(self):
        model = small(1000)
        ids = self.some(8)
        best = []
        for _ in range(3):
            best.append(int(model.head(alone(model, ids + best)[-1:]).argmax()))
        self.assertEqual(train.evaluate(model, [Item(ids, best, 0)], 32, "cpu"), 1.0)
        wrong = [best[0], (best[1] + 1) % 1000, best[2]]
        self.assertEqual(train.evaluate(model, [Item(ids, wrong, 0)], 32, "cpu"), 0.0)


class Copying(unittest.TestCase):
    """Heads that start by hand, and exercises."""

    def attention(self, model: Model, ids: list[int], layer: int) -> torch.Tensor:
        """Weights [H, T, T] of a layer."""
        n = len(ids)
        mask = torch.ones(n, n).tril().bool()
        cos, sin = model.cos[:n][None, None], model.sin[:n][None, None]
        with torch.no_grad():
            x = model.token_embd(torch.tensor([ids]))
            for block in model.blk[:layer]:
                x = block(x, cos, sin, mask)
            block = model.blk[layer]
            qkv = block.attn_qkv(block.attn_norm(x)).view(1, n, 3, block.n_head, -1).permute(2, 0, 3, 1, 4)
            q, k = rope(qkv[0], cos, sin), rope(qkv[1], cos, sin)
            scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
            return scores.masked_fill(~mask, -1e9).softmax(-1)[0]

    def test_two_layers_start_as_previous_token_and_as_what_followed(self):
        rng = random.Random(3)
        said = [rng.randrange(300, 4000) for _ in range(24)]
        at = torch.arange(25, 48)
        model = small(4000)
        chance = self.attention(model, said * 2, 1)[:, at, at - 23].mean(1).max()
        drills.start(model)
        before = self.attention(model, said * 2, 0)[:, at, at - 1].mean(1)
        follows = self.attention(model, said * 2, 1)[:, at, at - 23].mean(1)
        self.assertGreater(before[: drills.HEADS].min(), 0.5)
        self.assertGreater(follows[: drills.HEADS].min(), 1.5 * chance)

    def answerable(self, made: drills.Drills, row: Item) -> bool:
        """Whether every key and value of the answer stands in the prompt as it is."""
        begin, ends = made.tokenizer.encode('{"'), [*made.part('"}'), made.tokenizer.end]
        self.assertEqual(row.answer[: len(begin)], begin)
        self.assertEqual(row.answer[-len(ends) :], ends)
        parts = split(row.answer[len(begin) : -len(ends)], [made.part('": "'), made.part('", "')])
        self.assertEqual(len(parts) % 2, 0)
        return all(any(row.prompt[i : i + len(p)] == p for i in range(len(row.prompt))) for p in parts)

    def test_drills_can_be_answered_from_the_prompt(self):
        known = tokenizer()
        made = drills.Drills(known, 0.3)
        rng = random.Random(4)
        for _ in range(200):
            row = made.lookup(rng)
            self.assertTrue(self.answerable(made, row))
            other = made.lookup(rng)
            self.assertFalse(self.answerable(made, Item(row.prompt, other.answer, 1)))
            row = made.repeat(rng)
            self.assertEqual(row.prompt[1:-2], row.answer[:-1])


class Loss(unittest.TestCase):
    """Steps go down, and a teacher pulls."""

    def test_steps_make_the_loss_smaller(self):
        known = tokenizer()
        model = small(len(known.pieces)).train()
        rows = batches.generated(60, 1, ("filter",))[:12]
        items = [batches.item(known, [{"role": "user", "content": r.prompt}], r.answer, r.task) for r in rows]
        [(arrays, _)] = list(pack(iter(items), 1024, 1))
        t = train.masks(arrays, "cpu")
        opts = train.optimizers(model, train.RECIPES["smoke"])
        losses = []
        for _ in range(4):
            loss = train.loss_of(model, model, t, None, 0.0, 0.0)
            loss.backward()
            losses.append(float(loss.detach()))
            for opt in opts:
                opt.step()
                opt.zero_grad(set_to_none=True)
        self.assertLess(losses[-1], losses[0] - 0.5)
        teacher = small(len(known.pieces)).eval()
        with torch.no_grad():
            far = train.loss_of(model, model, t, teacher, 1.0, 0.0)
            same = train.loss_of(model.eval(), model, t, model, 1.0, 0.0)
        self.assertLess(abs(float(same)), 1e-3)
        self.assertGreater(float(far), 0.1)


if __name__ == "__main__":
    unittest.main()
