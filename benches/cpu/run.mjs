// node benches/cpu/run.mjs JSON: measures one file with one number of threads, prints one JSON line. For
// `cargo xtask bench --backend cpu`, which says what JSON holds (xtask/src/bench/cpu.rs) and what is measured
// (docs/benchmarking.md). Progress goes to standard error.
import { cpus, totalmem } from 'node:os';
import { open } from './browser.mjs';
import { compare, paired, spread, words } from '../../www/bench/figures.js';
import { memory, watchProcessors } from './processes.mjs';
import { brokenModel, startServer, wllamaVersion } from './server.mjs';
import { fileModel } from '../../tests/web/support/server.mjs';

const ask = JSON.parse(process.argv[2]);
const ENGINES = ['kinglet', 'wllama'];
/** Tokens of the prompt whose reading is timed, and of the prompts of the validation. */
const PROMPT = 128;
const [VALIDATED, SHORT, BEST] = [8, 16, 10];

const say = (text) => process.stderr.write(`${text}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let seed = 1;

const models = new Map([['model.gguf', fileModel(ask.file)]]);
if (ask.broken) models.set('broken.gguf', brokenModel(ask.file, [0.5, 0.55]));
const server = await startServer(models);
const options = (name) => ({
  model: name === 'kinglet' && ask.broken ? '/models/broken.gguf' : '/models/model.gguf',
  threads: ask.threads,
  context: ask.context,
});

/** One request; an engine that computed more or less than it was asked for gives no time. */
async function complete(browser, name, { tokens, n, prompt = words(tokens, seed) }) {
  const watch = watchProcessors();
  const run = await browser.complete(name, { prompt, n });
  const { prompt_tokens, completion_tokens, cached_tokens } = run;
  if (prompt_tokens !== tokens || completion_tokens !== n || cached_tokens > 1) {
    const made = `${prompt_tokens} (${cached_tokens} cached) + ${completion_tokens}`;
    throw new Error(`${name}: asked for ${tokens} + ${n} tokens, it computed ${made}`);
  }
  const { others, seconds } = watch();
  return { ...run, others, processor_s: seconds };
}

/** Each engine alone in a fresh browser, several times: load time and memory. */
async function alone() {
  const found = { load_ms: { kinglet: [], wllama: [] }, memory: {} };
  for (let round = 0; round < ask.loads; round++) {
    for (const name of ENGINES) {
      const browser = await open(server.origin);
      try {
        found.load_ms[name].push((await browser.load(name, options(name))).load_ms);
        await complete(browser, name, { tokens: 64, n: 4 });
        found.memory[name] = memory();
      } finally {
        await browser.close();
      }
      say(`  ${name} alone: loaded in ${found.load_ms[name].at(-1).toFixed(0)} ms`);
    }
  }
  const rounds = found.load_ms.kinglet.map((ms, i) => ({ kinglet: ms, wllama: found.load_ms.wllama[i] }));
  return { load_ms: paired(rounds), memory: found.memory };
}

/** Both engines must find the same tokens likely; else nothing is timed. */
async function validate(browser) {
  const lists = { kinglet: [], wllama: [] };
  for (let i = 0; i < VALIDATED; i++) {
    const prompt = words(SHORT, 1_000_000 + i);
    for (const name of ENGINES) {
      lists[name].push(...(await browser.complete(name, { prompt, n: 1, top: BEST })).top);
    }
  }
  const found = compare(lists.kinglet, lists.wllama);
  const { problem, compared, same_best, max, mean } = found;
  say(`  ${compared} log-probabilities compared: differ by ${mean?.toFixed(4)} on average, ${max?.toFixed(3)} at most; the best token is the same ${same_best} times of ${VALIDATED}`);
  if (problem) throw new Error(`kinglet and wllama do not compute the same: ${problem}; nothing is timed`);
  return found;
}

/** Alternating runs; who is first alternates too. Stops early, after one round at least, when `budget` seconds are over. */
async function alternate(browser, { tokens, n, rounds, budget = Infinity, only = ENGINES }) {
  const runs = [];
  const begin = Date.now();
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && ((Date.now() - begin) / 1000) * ((round + 1) / round) > budget) break;
    seed++;
    const run = { others: 0 };
    for (const name of round % 2 === 0 ? only : [...only].reverse()) {
      run[name] = await complete(browser, name, { tokens, n });
      run.others = Math.max(run.others, run[name].others);
    }
    runs.push(run);
    say(`  ${tokens} + ${n} tokens, round ${round + 1}: ${only.map((name) => `${name} ${run[name].first_ms.toFixed(0)} + ${(run[name].last_ms - run[name].first_ms).toFixed(0)} ms`).join(', ')}; ${run.others.toFixed(2)} processors busy elsewhere`);
  }
  return runs;
}

const rates = (runs, of) => paired(runs.map((run) => Object.fromEntries(ENGINES.map((name) => [name, run[name] && of(run[name])]))));

/** Time to first token; who would take longer than the budget for one run is left out. */
async function firstTokens(browser, prefill) {
  const found = {};
  for (const tokens of ask.first_token_prompts) {
    const seconds = (name) => tokens / prefill[name].median;
    const only = ENGINES.filter((name) => seconds(name) < ask.budget_s);
    const left_out = ENGINES.filter((name) => !only.includes(name)).map((name) => `${name}: about ${seconds(name).toFixed(0)} s`);
    const runs = await alternate(browser, { tokens, n: 1, rounds: ask.rounds, budget: ask.budget_s, only });
    found[tokens] = { ...rates(runs, (run) => run.first_ms), ...(left_out.length > 0 ? { left_out } : {}) };
  }
  return found;
}

async function together() {
  const browser = await open(server.origin);
  try {
    const info = {};
    for (const name of ENGINES) info[name] = (await browser.load(name, options(name))).info;
    const validation = await validate(browser);
    if (ask.validate_only) return { info, validation };
    for (const name of ENGINES) await complete(browser, name, { tokens: PROMPT, n: 4 }); // warms up
    // Threads of an idle engine that spin would slow the other one down.
    await sleep(500);
    const watch = watchProcessors();
    await sleep(1000);
    const idle = watch();
    if (idle.own > 0.1) say(`  ${idle.own.toFixed(2)} processors busy although both engines are idle`);
    const runs = await alternate(browser, { tokens: PROMPT, n: ask.generate, rounds: ask.rounds });
    const prefill = rates(runs, (run) => (PROMPT / run.first_ms) * 1000);
    const decode = rates(runs, (run) => ((run.completion_tokens - 1) / (run.last_ms - run.first_ms)) * 1000);
    const gb_per_s = (name) => (decode[name].median * ask.bytes_per_token) / 1e9;
    return {
      chromium: browser.version,
      info,
      validation,
      idle_processors: idle.own,
      others_processors: spread(runs.map((run) => run.others)),
      same_text: runs.filter((run) => run.kinglet.text === run.wllama.text).length,
      prefill_tokens_per_s: prefill,
      decode_tokens_per_s: decode,
      processor_s: rates(runs, (run) => run.processor_s),
      decode_gb_per_s: { kinglet: gb_per_s('kinglet'), wllama: gb_per_s('wllama') },
      first_token_ms: await firstTokens(browser, prefill),
    };
  } finally {
    await browser.close();
  }
}

/** In a browser of its own: the meters take memory. */
async function speeds() {
  const browser = await open(server.origin);
  try {
    return await browser.speeds(ask.matrices);
  } finally {
    await browser.close();
  }
}

try {
  const found = await together();
  const rest = ask.validate_only ? {} : { ...(await alone()), speeds: await speeds() };
  const machine = { processor: cpus()[0]?.model, processors: cpus().length, memory: totalmem() };
  const about = { date: new Date().toISOString(), machine, wllama: wllamaVersion() };
  const rounded = (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value);
  console.log(JSON.stringify({ ...about, ...found, ...rest }, rounded));
} catch (error) {
  say(String(error.message ?? error));
  process.exitCode = 1;
} finally {
  await server.close();
}
