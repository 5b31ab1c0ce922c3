// The bench of the GPU (benches/gpu): what is wrong gets no figure, what it writes has every field, its page is what its results
// say. No browser; the kernels are measured by the native tool.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { explain, kernelsMs } from '../../benches/gpu/explain.mjs';
import { modelAt } from '../../benches/gpu/model.mjs';
import { fastest, label, rendered, results } from '../../benches/gpu/report.mjs';
import { nativeTool } from '../../tools/economics_quality.mjs';
import { shared } from './support/browser.mjs';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');
const LAVAPIPE = '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json';
const MODEL = shared('models/stories260K-p768-phi3-q4_k_m.gguf');
const tool = nativeTool();
const noTool = tool && existsSync(tool) ? false : 'no native tool: cargo build -p kinglet-cli';
const skip = noTool || (existsSync(LAVAPIPE) ? false : 'no lavapipe') || (MODEL ? false : 'no shared data');

/** Kernels and a model of milliseconds. */
const ASK = {
  command: 'cargo xtask bench --runner native',
  commit: 'abc',
  runners: [{ runner: 'native', adapter: 'lavapipe', driver: LAVAPIPE }],
  kernels: { formats: ['Q4_0'], matrices: [['matmul', 64, 48], ['gate_up', 64, 64]], prefill: 3, contexts: [9], heads: 2, rounds: 3, batch_ms: 1, budget_ms: 1, rotate: 1 << 17 },
  model: MODEL,
  bytes_per_token: 1e6,
  contexts: [0],
  prompt: 8,
  generate: 3,
  rounds: 1,
  validated: 2,
  tool,
};

/** The exit status and what was printed. */
function bench(ask) {
  const script = fileURLToPath(new URL('benches/gpu/run.mjs', ROOT));
  return new Promise((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(ask)], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

/** Every field of a result that somebody may want to compare with another. */
const FIELDS = ['command', 'commit', 'date', 'version', 'machine.processor', 'file', 'file_bytes', 'context', 'results.0.runner', 'results.0.adapter', 'results.0.driver', 'results.0.others_processors'];
const KERNELS = ['adapter', 'software', 'abilities', 'plan.rounds', 'empty_wait_ms', 'peaks.dispatch.median', 'kernels.0.stage', 'kernels.0.tuning.gemv.reduce', 'kernels.0.shaders.0', 'kernels.0.valid.max', 'kernels.0.ms.median', 'kernels.0.gb_per_s', 'kernels.0.of_read', 'kernels.0.bytes'];
const ENGINE = ['load_ms', 'info.adapter', 'peak_memory.native.peak_rss', 'per_token.dispatches', 'per_token.submits', 'per_token.created', 'prompts.8.prefill_tokens_per_s', 'prompts.8.decode_tokens_per_s', 'prompts.2.first_ms', 'validation.mean'];
const at = (value, path) => path.split('.').reduce((found, key) => found?.[key], value);
const lacking = (value, paths) => paths.filter((path) => at(value, path) === undefined || at(value, path) === null);

test('a run has every field', { skip }, async () => {
  const { code, stdout, stderr } = await bench(ASK);
  assert.equal(code, 0, stderr);
  const found = JSON.parse(stdout);
  const [result] = found.results;
  assert.deepEqual([...lacking(found, FIELDS), ...lacking(result.kernels, KERNELS), ...lacking(result.model.engines.kinglet, ENGINE)], []);
  assert.ok(result.explained.expected_ms > 0 && result.explained.ratio > 0);
});

test('a run of something broken fails, and has no figures', { skip }, async () => {
  const { code, stdout, stderr } = await bench({ ...ASK, broken: true });
  assert.equal(code, 1);
  assert.match(stderr, /WRONG gate_up Q4_0/);
  const [result] = JSON.parse(stdout).results;
  for (const kernel of result.kernels.kernels) assert.ok(kernel.wrong && !kernel.ms && !kernel.gb_per_s, JSON.stringify(kernel));
  for (const peak of Object.values(result.kernels.peaks)) assert.ok(peak.wrong && !peak.median, JSON.stringify(peak));
  const { validation, prompts } = result.model.engines.kinglet;
  assert.ok(validation.problem && !prompts);
});

/** A place whose engines answer as told: `lists` by the engine's name, `speed` in tokens a second. */
function place(lists, speed) {
  const calls = [];
  const complete = ({ as, request: { prompt, n, top } }) => {
    const tokens = prompt.split(' ').length + 1;
    if (top) return { top: [lists[as]] };
    const first_ms = tokens;
    return { prompt_tokens: tokens, completion_tokens: n, cached_tokens: 1, first_ms, last_ms: first_ms + (1000 * (n - 1)) / speed[as], text: as };
  };
  let tokens = 0;
  const host = {
    model: '/model',
    memory: async () => ({}),
    async call(name, args = {}) {
      calls.push([name, args.as]);
      if (name === 'complete') tokens += args.request.top ? 0 : args.request.n;
      if (name === 'complete') return complete(args);
      if (name === 'stats') return { dispatches: 165 * tokens + 7 };
      return { load_ms: 1, info: { adapter: 'a' } };
    },
  };
  return { host, calls };
}

test('only engines that agree with the reference are timed, in turns', async () => {
  const list = (off) => Array.from({ length: 10 }, (_, i) => ({ token: `t${i}`, logprob: -i / 10 + off }));
  const ask = { n_ctx: 512, against: '/before', peer: true, prompt: 12, contexts: [0], generate: 4, rounds: 6 };
  const lists = { kinglet: list(0), before: list(0.01), 'wllama gpu': list(3), 'wllama cpu': list(-0.01) };
  const { host, calls } = place(lists, { kinglet: 30, before: 10, 'wllama cpu': 20 });
  const { engines } = await modelAt(host, ask, { prompts: ['abc'], reference: [list(0)], say() {} });
  assert.ok(engines['wllama gpu'].validation.problem && !engines['wllama gpu'].prompts && !engines['wllama gpu'].per_token);
  assert.equal(calls.filter(([name, as]) => name === 'complete' && as === 'wllama gpu').length, 1);
  const found = engines.before.prompts[12];
  assert.ok(Math.abs(found.kinglet_is_faster.decode.median - 3) < 1e-9 && found.kinglet_is_faster.decode.n === 6);
  assert.equal(found.decode_tokens_per_s.interval_95.length, 2);
  assert.equal(engines.kinglet.per_token.dispatches, 165);
  const broken = await modelAt(place(lists, {}).host, { ...ask, broken: true }, { prompts: ['abc'], reference: [list(3), list(0)], say() {} });
  assert.ok(Object.values(broken.engines).every(({ validation, prompts }) => validation.problem && !prompts));
});

test('an engine that computes more or less than it was asked for gives no time', async () => {
  const { host } = place({ kinglet: [{ token: 't', logprob: -1 }] }, { kinglet: 1 });
  const call = host.call;
  host.call = async (name, args) => ({ ...(await call(name, args)), ...(name === 'complete' && !args.request.top ? { completion_tokens: 3 } : {}) });
  const run = modelAt(host, { n_ctx: 512, prompt: 4, contexts: [], generate: 4, rounds: 1 }, { prompts: ['abc'], reference: [[{ token: 't', logprob: -1 }]], say() {} });
  await assert.rejects(run, /asked for 4 \+ 5 tokens/);
});

test('the model of a token is the sum of its parts', () => {
  const peaks = { 'read a': { median: 50 }, 'read b': { median: 100 }, dispatch: { median: 0.005 }, answer: { median: 0.5 } };
  const engine = { per_token: { dispatches: 165 }, prompts: { 128: { decode_tokens_per_s: 40 }, 2: { decode_tokens_per_s: { median: 50 } } } };
  const found = explain({ kernels: { peaks, kernels: [] }, model: { engines: { kinglet: engine } } }, { bytes_per_token: 1e9 });
  assert.equal(found.bytes_ms, 10);
  assert.ok(Math.abs(found.expected_ms - 11.325) < 1e-9 && found.measured_ms === 20 && found.kernels_ms === null);
  assert.equal(explain({ kernels: { peaks, kernels: [] } }, { bytes_per_token: 1e9 }), null);
  const shapes = [['matmul', 3072, 9216, 'Q5_K'], ['matmul_add', 3072, 3072, 'Q4_K'], ['gate_up', 3072, 16384, 'Q4_K'], ['matmul_add', 8192, 3072, 'Q4_K'], ['matmul_add', 8192, 3072, 'Q6_K'], ['head', 3072, 32064, 'Q6_K']];
  const kernels = shapes.map(([stage, cols, rows, format]) => ({ stage, cols, rows, format, tokens: 1, ms: { median: 1 } }));
  assert.equal(kernelsMs({ kernels }), null);
  kernels.push({ stage: 'attention', tokens: 1, ms: { median: 1 } });
  assert.equal(kernelsMs({ kernels }), 32 * 3 + 32 + 1 + 32);
});

test('the fastest way of a kernel is shown; one that is wrong in every way stays', () => {
  const kernel = (stage, ms) => ({ stage, cols: 1, rows: 2, format: 'Q4_0', tokens: 1, ...(ms ? { ms: { median: ms } } : { wrong: 'it is' }) });
  const found = fastest([kernel('a', 3), kernel('a', 1), kernel('a', 2), kernel('a'), kernel('b')]);
  assert.deepEqual(found.map(({ stage, ms }) => [stage, ms?.median]), [['a', 1], ['b', undefined]]);
});

test('the page says what the results say, always in the same bytes', () => {
  const page = read('docs/benchmarks.md');
  const files = results();
  const { text, plots } = rendered(page, files);
  assert.equal(text, page, 'node benches/gpu/report.mjs writes another page');
  assert.deepEqual(rendered(page, results()), { text, plots });
  for (const [name, svg] of Object.entries(plots)) assert.equal(read(`docs/benchmarks/${name}`), svg, name);
  for (const [name, found] of files) {
    for (const { kernels, model } of found.results) {
      for (const kernel of fastest(kernels?.kernels ?? [])) {
        const row = page.split('\n').filter((line) => line.startsWith(`| ${label(kernel)} |`));
        assert.ok(row.some((line) => line.includes(`| ${Number(kernel.ms.median.toPrecision(3))} |`)), `${name}: ${label(kernel)}`);
      }
      for (const { prompts } of Object.values(model?.engines ?? {})) {
        for (const { decode_tokens_per_s: rate } of Object.values(prompts ?? {})) assert.ok(page.includes(`| ${Number((rate.median ?? rate).toPrecision(3))} |`), name);
      }
    }
  }
  const [[, one]] = files.length > 0 ? files : [[]];
  if (one) assert.notEqual(rendered(page, [['gpu-x', { ...one, commit: 'changed' }]]).text, page);
  assert.throws(() => rendered('no place for results', files));
});

test('the page names only files that are there', () => {
  const page = read('docs/benchmarks.md');
  const named = [...page.matchAll(/`((?:benches|src|docs|xtask)\/[\w./-]+)`/g)].map(([, path]) => path);
  const linked = [...page.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path]) => `docs/${path}`);
  assert.ok(named.length > 2 && linked.length > 0);
  assert.deepEqual([...named, ...linked].filter((path) => !existsSync(new URL(path, ROOT))), []);
});
