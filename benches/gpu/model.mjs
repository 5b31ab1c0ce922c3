// One file at one place: every engine validated, then timed in turns.
import { compare, interval, spread, words } from '../../www/bench/figures.js';

/** Tokens that lists of the likeliest have. */
const BEST = 10;
/** Tokens of the runs that count dispatches, and of the shorter runs that they are compared with. */
const [MORE, FEW] = [18, 2];

/**
 * `{ engines, ratio }`: by engine its load time, validation, counts for each token, and by length of prompt the spread of rates;
 * `ratio` of the first two engines, within rounds. Without a `reference` the CPU backend on the page is it.
 */
export async function modelAt(host, ask, { prompts, reference, say }) {
  const engines = {};
  const ready = [];
  reference ??= await onPage(host, ask, prompts);
  for (const [name, kind, options] of wanted(ask)) {
    const found = (engines[name] = {});
    try {
      Object.assign(found, await host.call('load', { as: name, kind, options: { model: host.model, context: ask.n_ctx, threads: 1, ...options } }));
      found.validation = compare(await likeliest(host, name, prompts), ask.broken ? reference.toReversed() : reference);
    } catch (error) {
      found.failed = String(error.message ?? error).split('\n').slice(0, 6).join('\n');
    }
    const { failed, validation } = found;
    say(`  ${name}: ${failed ?? validation.problem ?? `agrees, ${validation.mean.toFixed(4)} on average`}; loaded in ${found.load_ms?.toFixed(0)} ms`);
    if (!failed && !validation.problem) ready.push(name);
  }
  for (const name of ready) engines[name].per_token = await counted(host, name);
  for (const tokens of new Set([ask.prompt, ...ask.contexts.map((n) => Math.max(n, 2))])) {
    await alternate(host, ask, { engines, ready, tokens, say });
  }
  const peak_memory = await host.memory();
  for (const name of ready) await host.call('dispose', { as: name });
  return { engines, peak_memory };
}

/** Name, kind and options of each engine. */
function wanted(ask) {
  const found = [['kinglet', 'kinglet', { gpu: true }]];
  if (ask.against) found.push(['before', 'against', { gpu: true }]);
  if (ask.peer) found.push(['wllama gpu', 'wllama', { gpu: true }], ['wllama cpu', 'wllama', { gpu: false }]);
  return found;
}

async function likeliest(host, as, prompts) {
  const lists = [];
  for (const prompt of prompts) lists.push(...(await host.call('complete', { as, request: { prompt, n: 1, top: BEST } })).top);
  return lists;
}

/** What the package's CPU backend says there: the reference where the native one is not asked. */
async function onPage(host, ask, prompts) {
  const as = 'reference';
  await host.call('load', { as, kind: ask.against ? 'against' : 'kinglet', options: { model: host.model, context: ask.n_ctx, threads: 1, gpu: false } });
  const lists = await likeliest(host, as, prompts);
  await host.call('dispose', { as });
  return lists;
}

/** What the engine counts for one more token, where it counts: dispatches, submits and the like. */
async function counted(host, as) {
  const run = async (n, seed) => {
    await host.call('complete', { as, request: { prompt: words(8, seed), n } });
    return host.call('stats', { as });
  };
  const all = [await run(FEW, 31), await run(FEW, 32), await run(MORE, 33)];
  if (all.includes(null)) return null;
  const numbers = Object.keys(all[0]).filter((name) => typeof all[0][name] === 'number');
  const each = (name) => (all[2][name] - all[1][name] - (all[1][name] - all[0][name])) / (MORE - FEW);
  return Object.fromEntries(numbers.map((name) => [name, each(name)]));
}

let seed = 100;

/** Rounds in which every engine continues the same new prompt; who begins changes. */
async function alternate(host, ask, { engines, ready, tokens, say }) {
  const rounds = [];
  for (let round = 0; round <= ask.rounds; round++) {
    seed++;
    const runs = {};
    for (const name of round % 2 === 0 ? ready : [...ready].reverse()) {
      const n = ask.generate + 1;
      const run = await host.call('complete', { as: name, request: { prompt: words(tokens, seed), n } });
      if (run.prompt_tokens !== tokens || run.completion_tokens !== n || run.cached_tokens > 1) {
        throw new Error(`${name}: asked for ${tokens} + ${n} tokens, computed ${run.prompt_tokens} (${run.cached_tokens} cached) + ${run.completion_tokens}`);
      }
      runs[name] = { first_ms: run.first_ms, prefill: (1000 * tokens) / run.first_ms, decode: (1000 * (n - 1)) / (run.last_ms - run.first_ms), text: run.text };
    }
    if (round > 0) rounds.push(runs); // the first warms up
  }
  for (const name of ready) {
    const of = (field) => rounds.map((runs) => runs[name][field]);
    const figures = (values) => ({ ...spread(values), interval_95: interval(values) });
    const found = { prefill_tokens_per_s: figures(of('prefill')), decode_tokens_per_s: figures(of('decode')), first_ms: figures(of('first_ms')) };
    if (name !== 'kinglet' && ready.includes('kinglet')) {
      const ratio = (field) => spread(rounds.map((runs) => runs.kinglet[field] / runs[name][field]));
      found.kinglet_is_faster = { prefill: ratio('prefill'), decode: ratio('decode') };
      found.same_text = rounds.filter((runs) => runs[name].text === runs.kinglet.text).length;
    }
    (engines[name].prompts ??= {})[tokens] = found;
    say(`  ${name}, ${tokens} tokens: prefill ${found.prefill_tokens_per_s.median.toFixed(2)}, decode ${found.decode_tokens_per_s.median.toFixed(3)} tokens/s`);
  }
}
