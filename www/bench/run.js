// The measurement: loads, validates, then times in alternating rounds. No page, no engine of its own: both are handed in.

import { interval, paired, spread } from './figures.js';
import { prompt, seeded } from './prompts.js';
import { validate } from './validate.js';

/** An answer of fewer tokens gives no speed. */
const LEAST_TOKENS = 3;
/** Fresh prompts that are tried when a model ends its answer too early. */
const TRIES = 4;

/**
 * Measures `engines` (one or two, kinglet first) on `model`. `settings`: `{gpu, threads, context, prompts: [tokens, …], generate, rounds,
 * seed}`. `say({phase, done, of, engine?})` hears how far it is; `signal` stops it, with what was measured until then.
 *
 * Returns `{load_ms, info, memory, validation, cases, stopped, problem}`; a `problem` is why nothing was timed.
 */
export async function run(engines, model, settings, { say, signal }) {
  const { gpu, threads, context, seed } = settings;
  const result = { load_ms: {}, info: {}, memory: {}, validation: undefined, cases: [], stopped: false, problem: undefined };
  const random = seeded(seed);
  const order = random() < 0.5 ? [...engines] : [...engines].reverse();
  try {
    for (const [i, engine] of order.entries()) {
      say({ phase: 'load', done: i, of: order.length, engine: engine.name });
      signal.throwIfAborted();
      const begun = performance.now();
      result.info[engine.name] = await engine.load({ model, threads, context, gpu });
      result.load_ms[engine.name] = performance.now() - begun;
    }
    if (engines.length > 1) {
      const onStep = (done) => say({ phase: 'validate', done, of: 1 });
      result.validation = await validate(engines, { seed, signal, onStep });
      result.problem = result.validation.problem;
    }
    for (const tokens of result.problem ? [] : settings.prompts) {
      const measured = { prompt_tokens: tokens, rounds: [] };
      result.cases.push(measured); // filled as it goes: what is stopped is kept
      await measure(engines, measured, settings, { say, signal, random });
    }
    for (const engine of engines) result.memory[engine.name] = await engine.memory();
  } catch (error) {
    if (!signal.aborted) throw error;
    result.stopped = true;
  }
  for (const measured of result.cases) Object.assign(measured, summary(measured.rounds));
  return result;
}

/** Rounds of one length of prompt; who is first is drawn once, and alternates. */
async function measure(engines, { prompt_tokens, rounds }, settings, { say, signal, random }) {
  const first = random() < 0.5 ? 0 : 1;
  // A round that does not count: caches, compilers and clocks of the processor settle.
  for (let i = -1; i < settings.rounds; i++) {
    const turn = (i + 1 + first) % 2 === 0 ? engines : [...engines].reverse();
    let round;
    for (let tries = 0; tries < TRIES && round === undefined; tries++) {
      const text = await prompt(prompt_tokens, Math.floor(random() * 2 ** 32), engines[0].count);
      const runs = [];
      for (const engine of turn) {
        signal.throwIfAborted();
        say({ phase: 'time', prompt_tokens, done: Math.max(i, 0), of: settings.rounds, engine: engine.name });
        const got = await engine.complete({ prompt: text, n: settings.generate, signal });
        if (got.completion_tokens < LEAST_TOKENS) break;
        runs.push([engine.name, figures(got)]);
      }
      if (runs.length === engines.length) round = Object.fromEntries(runs);
    }
    if (i >= 0 && round) rounds.push(round);
  }
  if (rounds.length === 0) throw new Error(`the model ends its answers within ${LEAST_TOKENS} tokens: nothing can be timed`);
}

/** Of one request. */
function figures({ text, prompt_tokens, completion_tokens, cached_tokens, first_ms, last_ms }) {
  return {
    text,
    prompt_tokens,
    completion_tokens,
    first_token_ms: first_ms,
    prefill_tokens_per_s: ((prompt_tokens - cached_tokens) / first_ms) * 1000,
    decode_tokens_per_s: ((completion_tokens - 1) / (last_ms - first_ms)) * 1000,
  };
}

/** What the rounds say: medians, and of the ratio within a round an interval, where there are rounds enough for one. */
export function summary(rounds) {
  const of = (key) => {
    const values = rounds.map(({ kinglet, wllama }) => ({ kinglet: kinglet?.[key], wllama: wllama?.[key] }));
    const ratios = values.map(({ kinglet, wllama }) => kinglet / wllama).filter(Number.isFinite);
    return { ...paired(values), ratio: spread(ratios), ratio_interval_95: interval(ratios) };
  };
  const texts = rounds.filter(({ wllama }) => wllama !== undefined);
  return {
    decode_tokens_per_s: of('decode_tokens_per_s'),
    prefill_tokens_per_s: of('prefill_tokens_per_s'),
    first_token_ms: of('first_token_ms'),
    same_text: texts.length > 0 ? { rounds: texts.length, same: texts.filter(({ kinglet, wllama }) => kinglet.text === wllama.text).length } : undefined,
  };
}
