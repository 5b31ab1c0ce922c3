// What a head gains: accuracy and AUROC on CLINC150 and Banking77 with 10, 50 and more examples of each label, by the package's
// own module for decisions, over states that the native engine gives.
//
//   python tools/head_texts.py --out target/heads
//   for f in target/heads/*.jsonl; do kinglet embed desk --backend cpu < $f > $f.states; done
//   node tools/head_lift.mjs target/heads SIDES [C …]        SIDES: steer (for choosing), or steer,report (once)
//
// Prints one line for each set, number of examples, C and side; with one C, writes what the head of the most examples says of
// every text to target/heads/SET-SIDE.head.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { routeModule } from '../pkg/dist/route/lazy.js';

const [folder, sides, ...strengths] = process.argv.slice(2);
const EACH = [10, 50, 200];
const NONE = 'none of these';
const RESAMPLES = 1000;
const lines = (name) => readFileSync(`${folder}/${name}`, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const BINDING = JSON.stringify({ model_hash: 'desk', quantization: 'Q6_K', tokenizer_hash: '', state: 'mean' });

/** Texts with their states. */
function load(set, which) {
  const states = lines(`${set}-${which}.jsonl.states`);
  return lines(`${set}-${which}.jsonl`).map((row, i) => ({ ...row, state: Float32Array.from(states[i].embedding) }));
}

function wilson(k, n) {
  const z = 1.959963984540054;
  const middle = (k / n + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt(((k / n) * (1 - k / n)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return [middle - half, middle + half];
}

/** The chance that a right answer scores above a wrong one; `draw`: indices. */
function auroc(items, draw) {
  const order = draw.map((i) => items[i]).toSorted((a, b) => a.max - b.max);
  let [wins, wrong, right] = [0, 0, 0];
  for (let i = 0; i < order.length; ) {
    let [up, down, j] = [0, 0, i];
    for (; j < order.length && order[j].max === order[i].max; j++) order[j].ok ? up++ : down++;
    wins += up * (wrong + down / 2);
    [wrong, right, i] = [wrong + down, right + up, j];
  }
  return wins / (wrong * right);
}

function interval(items) {
  let state = 20n;
  const random = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number(state >> 33n) / 2 ** 31;
  };
  const values = Array.from({ length: RESAMPLES }, () => auroc(items, items.map(() => Math.floor(random() * items.length)))).toSorted((a, b) => a - b);
  return [values[Math.round(0.025 * (RESAMPLES - 1))], values[Math.round(0.975 * (RESAMPLES - 1))]];
}

const glue = await routeModule();
const percent = (x) => (100 * x).toFixed(1);
for (const set of ['clinc', 'banking']) {
  const train = load(set, 'train');
  const tests = sides.split(',').map((side) => [side, load(set, side)]);
  const labels = [...new Set(train.map(({ label }) => label))].sort();
  for (const each of EACH) {
    const seen = new Map();
    const chosen = train.filter(({ label }) => seen.set(label, (seen.get(label) ?? 0) + 1).get(label) <= each);
    const states = new Float32Array(chosen.flatMap(({ state }) => [...state]));
    const indices = Uint32Array.from(chosen, ({ label }) => labels.indexOf(label));
    for (const c of strengths.length > 0 ? strengths.map(Number) : [0.1]) {
      const begun = performance.now();
      const text = glue.fit_head(states, indices, labels, BINDING, JSON.stringify({ c }));
      const seconds = (performance.now() - begun) / 1000;
      const head = new glue.Head(text, BINDING);
      for (const [side, test] of tests) {
        const items = test.map(({ id, label, state }) => {
          const shares = head.predict(state);
          const order = shares.toSorted().reverse();
          const said = labels[shares.indexOf(order[0])];
          return { id, label, said, ok: said === label, max: order[0], margin: order[0] - order[1] };
        });
        const inside = items.filter(({ label }) => label !== NONE);
        const right = inside.filter(({ ok }) => ok).length;
        const fewest = Math.min(...seen.values(), each);
        console.log(
          `${set}-${side} ${fewest === each ? each : `${fewest} to ${each}`} of each (${chosen.length}), C ${c}: in scope ${percent(right / inside.length)} ` +
            `(${wilson(right, inside.length).map(percent).join(' to ')}) of ${inside.length}; AUROC of head_max over all ${items.length} ` +
            `${auroc(items, items.map((_, i) => i)).toFixed(3)} (${interval(items).map((x) => x.toFixed(3)).join(' to ')}); ` +
            `${(text.length / 1000).toFixed(0)} KB, fitted in ${seconds.toFixed(1)} s`,
        );
        if (strengths.length === 1) {
          writeFileSync(`${folder}/${set}-${side}.head.json`, JSON.stringify(items));
        }
      }
    }
  }
}
