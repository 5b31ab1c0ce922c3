// node benches/grammar.mjs '{"rounds", "tool", "vocabularies", "places"}': by how much grammars slow decode down. A model whose step takes
// about 10 ms of one core, with the tokens of real models; free text and answers under grammars in turn, with the same
// sampler. Natively and in Wasm (Node) it is the processor's time that counts: nothing computes beside it there, and others
// on the machine do not count. On Chromium's GPU it is the clock: masks are computed while the GPU computes. Prints one JSON
// line; `cargo xtask bench --grammar` calls it, docs/structured.md says what came out.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, openPage } from '../tests/web/support/browser.mjs';
import { llamaModel, tokenizerOf } from '../tests/web/support/gguf.mjs';
import { nodeKinglet } from '../tests/web/support/node-engine.mjs';
import { fileModel, startServer } from '../tests/web/support/server.mjs';
import { interval, median } from '../www/bench/figures.js';

const { rounds, tool, vocabularies, places } = JSON.parse(process.argv[2]);
const CONTEXT = 256;
const TOKENS = 32;

const row = { type: 'object', properties: { name: { type: 'string', maxLength: 8 }, n: { type: 'integer' } }, required: ['name', 'n'], additionalProperties: false };
const list = (items) => ({ response_format: { type: 'json_schema', json_schema: { schema: { type: 'array', minItems: 60, items } } } });
/** What is asked for; free text comes first. None of it ends early. */
const WAYS = { free: {}, 'a long string': { kinglet: { regex: '"[^"\\\\\\x00-\\x1f]{2000}"' } }, 'rows of a table': list(row), 'a list of any JSON': list({}) };
const SAMPLERS = { greedy: { temperature: 0 }, sampled: { temperature: 0.8, seed: 1, kinglet: { top_k: 40 } } };
/** All ways with the first sampler, then with the second. */
const REQUESTS = Object.values(SAMPLERS).flatMap((sampler) => Object.values(WAYS).map((way) => ({
  prompt: 'a',
  max_tokens: TOKENS,
  ...sampler,
  ...way,
  kinglet: { ...sampler.kinglet, ...way.kinglet },
})));

/** Rounds of all requests in turn, after one to warm up: milliseconds per token from the first to the last. Runs on the page, too. */
async function inTurn({ kinglet, rounds, requests, now }) {
  const all = [];
  for (let round = 0; round <= rounds; round++) {
    const times = [];
    for (const request of requests) {
      let [begun, pieces] = [0, 0];
      for await (const piece of await kinglet.completions.create({ ...request, stream: true })) {
        begun ||= now();
        pieces += Number(piece.choices.length > 0);
      }
      // A token that is no whole character gives no piece of its own; an answer that ended would give far fewer.
      if (pieces < request.max_tokens - 1) throw new Error(`an answer of ${pieces} pieces: ${JSON.stringify(request)}`);
      times.push((now() - begun) / (request.max_tokens - 1));
    }
    if (round > 0) all.push(times);
  }
  return all;
}

const PAGE = `globalThis.measure = async (asked) => {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const kinglet = await createKinglet({ model: '/models/model.gguf', backend: 'gpu', context: asked.context, store: 'none' });
  const { adapter } = kinglet.info;
  const rounds = await (${inTurn})({ ...asked, kinglet, now: () => performance.now() });
  kinglet.dispose();
  return { adapter, rounds };
}`;

/** Where it runs, with what clock, and how: from the path of the model to `{ adapter, rounds }`. */
const PLACES = {
  'native cpu, processor time': (file) => {
    const requests = join(folder, 'requests.jsonl');
    writeFileSync(requests, REQUESTS.map((request) => JSON.stringify(request)).join('\n'));
    const args = ['bench', file, '--backend', 'cpu', '--threads', '1', '--ctx', CONTEXT, '--requests', requests, '--repeat', rounds];
    return JSON.parse(execFileSync(tool, args.map(String)));
  },
  'wasm cpu, processor time': async (file) => {
    const { kinglet, close } = await nodeKinglet(file, { context: CONTEXT });
    const now = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1000;
    const found = { adapter: kinglet.info.adapter, rounds: await inTurn({ kinglet, rounds, requests: REQUESTS, now }) };
    close();
    return found;
  },
  'browser gpu, clock': async (file) => {
    server.models.set('model.gguf', fileModel(file));
    const { page, close } = await openPage(browser, server.origin);
    await page.evaluate(PAGE);
    const found = await page.evaluate((asked) => globalThis.measure(asked), { rounds, requests: REQUESTS, context: CONTEXT });
    await close();
    return found;
  },
};

/** Medians, and by how much each way is slower than free text in the same round. */
function figures({ adapter, rounds }) {
  const ways = Object.keys(WAYS);
  const of = (sampler) => Object.fromEntries(ways.map((way, i) => {
    const at = sampler * ways.length;
    const ms_per_token = median(rounds.map((times) => times[at + i]));
    const slower = rounds.map((times) => 100 * (times[at + i] / times[at] - 1));
    return [way, i === 0 ? { ms_per_token } : { ms_per_token, slower_percent: median(slower), interval_95: interval(slower) }];
  }));
  return { adapter, ...Object.fromEntries(Object.keys(SAMPLERS).map((name, i) => [name, of(i)])) };
}

const folder = mkdtempSync(join(tmpdir(), 'kinglet-grammar-'));
const server = await startServer();
const browser = await launch();
const cells = {};
try {
  for (const { name, path } of vocabularies) {
    const tokenizer = tokenizerOf(readFileSync(path));
    const model = llamaModel({ n_embd: 1024, n_ff: 4096, n_layer: 8, n_ctx: CONTEXT, tokenizer });
    const parts = [];
    for await (const part of model.stream(0, model.size)) parts.push(part);
    const file = join(folder, 'model.gguf');
    writeFileSync(file, Buffer.concat(parts));
    const cell = (cells[`${tokenizer.n_vocab} tokens of ${name}`] = {});
    for (const [place, measure] of Object.entries(PLACES)) {
      if (places && !places.includes(place.split(' ')[0])) continue;
      cell[place] = figures(await measure(file));
      console.error(`${tokenizer.n_vocab} tokens, ${place}: ${JSON.stringify(cell[place])}`);
    }
  }
} finally {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true });
}
console.log(JSON.stringify({ chromium: browser.version(), tokens: TOKENS, rounds, vocabularies: cells }));
