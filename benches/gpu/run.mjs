// node benches/gpu/run.mjs JSON: measures kernels and a model at each place that JSON names, prints one JSON. For
// `cargo xtask bench --runner …`, which says what JSON holds (xtask/src/bench/gpu.rs); docs/benchmarks.md says what is measured.
// Progress goes to standard error. What computes something else than the native CPU backend gets no figure, and the run fails.
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { compare, words } from '../../www/bench/figures.js';
import { watchProcessors } from '../cpu/processes.mjs';
import { wllamaVersion } from '../cpu/server.mjs';
import { explain } from './explain.mjs';
import { modelAt } from './model.mjs';
import * as native from './native.mjs';
import { open } from './places.mjs';

/** Prompts of the validation, and their tokens. */
const [VALIDATED, SHORT] = [6, 16];
/** Most context of the files that are written for this. */
const MOST = 4096;

const say = (text) => process.stderr.write(`${text}\n`);
const asked = JSON.parse(process.argv[2]);
const needed = Math.max(asked.prompt, ...asked.contexts) + asked.generate + 8;
const ask = { ...asked, n_ctx: Math.min(MOST, Math.max(512, Math.ceil(needed / 256) * 256)) };
const prompts = Array.from({ length: ask.validated ?? VALIDATED }, (_, i) => words(SHORT, 1_000_000 + i));

/** Everything at one place. */
async function at(place, reference) {
  const watch = watchProcessors();
  const others = () => ({ others_processors: watch().others });
  const found = place.runner === 'native' ? { ...(await natively(place, reference)), ...others() } : await hosted(place, reference, others);
  return { ...place, driver: place.driver && basename(place.driver), ...found };
}

const plan = () => ({ ...ask.kernels, ...(ask.broken ? { broken: true } : {}) });

async function natively(place, reference) {
  const found = {};
  if (ask.kernels) found.kernels = await native.kernels(ask, place, plan());
  if (ask.model) {
    const validation = compare(await native.likely(ask, prompts, 'gpu', place), ask.broken ? reference.toReversed() : reference);
    found.model = { engines: { kinglet: { validation } } };
    const [engine] = Object.values(found.model.engines);
    if (validation.problem) return found;
    for (const tokens of [...new Set([ask.prompt, ...ask.contexts.map((n) => Math.max(n, 2))])]) {
      const run = await native.model(ask, place, tokens);
      const { prefill_tokens_per_s, decode_tokens_per_s, time_to_first_token_ms: first_ms, load_ms, peak_memory_bytes, backend } = run;
      const counts = ['dispatches', 'submits', 'uploaded_bytes', 'created'].map((name) => [name, run[`${name}_per_token`]]);
      Object.assign(engine, { info: backend, load_ms, peak_memory: { native: { peak_rss: peak_memory_bytes } }, per_token: Object.fromEntries(counts) });
      (engine.prompts ??= {})[tokens] = { prefill_tokens_per_s, decode_tokens_per_s, first_ms };
      say(`  ${tokens} tokens: ${first_ms.toFixed(0)} ms to the first, ${decode_tokens_per_s.toFixed(2)} tokens/s`);
    }
  }
  return found;
}

/** `others` is asked while the browser runs: what it computed is not known of it when it is gone. */
async function hosted(place, reference, others) {
  const host = await open(ask, place);
  try {
    const found = { versions: host.versions, about: await host.call('about') };
    if (host.adapter) found.hidden_adapter = host.adapter;
    if (ask.kernels) {
      const firefox = place.runner === 'firefox'; // answers come ten times a second: longer batches
      found.kernels = await host.call('kernels', { plan: { ...plan(), ...(firefox ? { batch_ms: 1000, budget_ms: 8000 } : {}) } });
    }
    if (ask.model) found.model = await modelAt(host, ask, { prompts, reference, say });
    return { ...found, ...others() };
  } finally {
    await host.close();
  }
}

/** What is wrong in a result: names of what has no figure because it computed something else. */
function wrong(result) {
  const kernels = (result.kernels?.kernels ?? []).filter((kernel) => kernel.wrong).map((kernel) => `${kernel.stage} ${kernel.format ?? kernel.context}: ${kernel.wrong}`);
  const peaks = Object.entries(result.kernels?.peaks ?? {}).filter(([, peak]) => peak.wrong).map(([name, peak]) => `${name}: ${peak.wrong}`);
  const engines = Object.entries(result.model?.engines ?? {}).filter(([name, engine]) => !name.startsWith('wllama') && (engine.validation?.problem || engine.failed));
  return [...kernels, ...peaks, ...engines.map(([name, engine]) => `${name}: ${engine.validation?.problem ?? engine.failed}`)];
}

try {
  let reference;
  if (ask.model && ask.reference !== 'page') {
    say('the reference: the native CPU backend');
    reference = await native.likely(ask, prompts);
  }
  const results = [];
  for (const place of ask.runners) {
    say(`${place.runner} on ${place.adapter}`);
    const result = await at(place, reference);
    results.push({ ...result, explained: explain(result, ask) });
  }
  const about = {
    command: ask.command,
    explained: 'docs/benchmarks.md',
    date: new Date().toISOString(),
    commit: ask.commit,
    version: JSON.parse(readFileSync(new URL('../../pkg/package.json', import.meta.url))).version,
    machine: { processor: cpus()[0]?.model, processors: cpus().length, memory: totalmem() },
    ...(ask.peer ? { wllama: wllamaVersion() } : {}),
    ...(ask.model ? { file: basename(ask.model), file_bytes: statSync(ask.model).size, bytes_per_token: ask.bytes_per_token, context: ask.n_ctx, reference: `${ask.reference ?? 'native'} CPU backend` } : {}),
  };
  const rounded = (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value);
  console.log(JSON.stringify({ ...about, results }, rounded));
  const problems = results.flatMap(wrong);
  for (const problem of problems) say(`WRONG ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
} catch (error) {
  say(String(error.stack ?? error));
  process.exitCode = 1;
}
