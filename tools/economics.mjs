// The economics, shown, in three parts that are never mixed: docs/economics.md has what they print.
//
//   node tools/economics.mjs quality     real outcomes of a weak and a strong model, with prices: money per right answer
//   node tools/economics.mjs plumbing    a day with two toy models and a real server: that all accounts agree
//   node tools/economics.mjs simulated   the same day with an oracle of stated accuracy in the remote model's place
//
// Options of all: --data DIR, the folder with data/routing and data/intents (default $KINGLET_SHARED, or ../shared). Of `quality`:
// --prices FILE, --replicates N, --kinglet FILE (the native tool). Of the days: --queries N, --seed N, --rule quarter|escalate
// (docs/routing.md, escalation.conservative), --out FILE (the recorded day), --check FILE (judges a recorded day and asks nothing).
// `plumbing` needs KINGLET_REAL_PYTHON and KINGLET_RELAY, as tests/web/real-remote.test.mjs does; `simulated` takes
// --accuracy 0.9 and --output-tokens 40.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = { type: 'string' };
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { data: text, prices: text, replicates: text, kinglet: text, queries: text, seed: text, out: text, check: text, rule: text, accuracy: text, 'output-tokens': text },
});

/** An option that is a number. */
function number(name, standard, least, most) {
  const value = values[name] === undefined ? standard : Number(values[name]);
  if (!(value >= least && value <= most)) throw new Error(`--${name}: expected ${least} to ${most}, got ${values[name]}`);
  return value;
}

const data = resolve(values.data ?? process.env.KINGLET_SHARED ?? resolve(root, '../shared'));
const [part] = positionals;
if (part === 'quality') {
  const { quality } = await import('./economics_quality.mjs');
  const replicates = number('replicates', 1000, 10, 10_000);
  console.log(quality({ data, prices: values.prices ?? `${root}tests/cases/economics_prices.json`, tool: values.kinglet, replicates }));
} else if (part === 'plumbing' || part === 'simulated') {
  const { day } = await import('./economics_day.mjs');
  const { judge } = await import('./economics_check.mjs');
  const [queries, seed] = [number('queries', 2000, 1, 20_000), number('seed', 7, 0, 2 ** 31)];
  const oracle = { accuracy: number('accuracy', 0.9, 0, 1), outputTokens: number('output-tokens', 40, 1, 1000) };
  const recorded = values.check ?? (await day({ part, data, queries, seed, ...oracle, rule: values.rule, out: values.out }));
  console.error(`the day: ${recorded}`);
  const { text: report, problems } = await judge(recorded);
  console.log(report);
  process.exitCode = problems.length === 0 ? 0 : 1;
} else {
  console.error('expected quality, plumbing or simulated; the head of tools/economics.mjs says what they are');
  process.exitCode = 2;
}
