// Signals of doubt in headless Chromium with the real engine: the numbers of another implementation, where they stand, the
// rule that ends an answer, and what is refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
const path = (name) => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url));
const golden = JSON.parse(readFileSync(path('qwen2.signals.json'), 'utf8'));
const identity = JSON.parse(readFileSync(path('identity.json'), 'utf8'));
/** The same bound as natively (tests/it/session_signals.rs): the reference is float64, the engine f32. */
const ANOTHER = 5e-4;

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer(new Map([['qwen2.gguf', fileModel(path('qwen2.gguf'))]]));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function inPage(script, args = {}) {
  const { page, close } = await openPage(browser, server.origin);
  try {
    return await page.evaluate(script, args);
  } finally {
    await close();
  }
}

test('signals are those of another implementation, whole and streamed', { skip }, async () => {
  const { own, chunks, without, rates, binding } = await inPage(
    async ({ prompt }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const options = { model: '/models/qwen2.gguf', backend: 'cpu', exact: true, cacheType: 'f32', context: 128 };
      const kinglet = await createKinglet(options);
      const request = { prompt, max_tokens: 40, temperature: 0, logit_bias: { 2: -100 }, kinglet: { signals: true } };
      const { kinglet: own } = await kinglet.completions.create(request);
      const chunks = [];
      for await (const chunk of await kinglet.completions.create({ ...request, stream: true })) chunks.push(chunk.kinglet);
      const { kinglet: without } = await kinglet.completions.create({ ...request, kinglet: {} });
      const { prefill_tokens_per_s, decode_tokens_per_s, decode_ms } = own.timings;
      const { binding } = kinglet.info;
      return { own, chunks, without, binding, rates: [prefill_tokens_per_s > 0, (decode_tokens_per_s * decode_ms) / 1000] };
    },
    { prompt: golden.prompt },
  );
  assert.deepEqual(binding, identity.qwen2, 'the same model as natively, and to another implementation');
  const { signals } = own;
  for (const [name, want] of Object.entries(golden.signals)) {
    assert.ok(Math.abs(signals[name] - want) <= ANOTHER, `${name}: ${signals[name]} for ${want}`);
  }
  assert.deepEqual([signals.version, signals.origin, signals.tokens], [1, 'measured', 40]);
  assert.deepEqual([signals.truncated, signals.empty, signals.agreement, signals.grammar_pressure], [true, false, null, null]);
  assert.equal(own.aborted, undefined);
  assert.ok(chunks.slice(0, -1).every((kinglet) => kinglet === undefined), 'on the chunk that ends the answer');
  assert.deepEqual(chunks.at(-1).signals, signals, 'bit for bit the same again');
  assert.deepEqual(Object.keys(without), ['timings'], 'nobody asks, nothing is said');
  assert.ok(rates[0] && Math.abs(rates[1] - 39) < 1e-6, `${rates}`);
});

test('doubt ends an answer early, samples are compared, and a wrong rule is named', { skip }, async () => {
  const { aborted, samples, values, params } = await inPage(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model: '/models/qwen2.gguf', backend: 'cpu' });
    const request = { prompt: 'Once upon a time', max_tokens: 20, temperature: 0, logit_bias: { 2: -100 } };
    const ask = (own, more = {}) => kinglet.completions.create({ ...request, ...more, kinglet: own });
    const stopped = await ask({ abort: { window_below: 0, grace: 3 } });
    const aborted = [stopped.kinglet.aborted, stopped.choices[0].finish_reason, stopped.usage.completion_tokens];
    const three = await ask({ signals: true }, { n: 3 });
    const samples = [three.kinglet.signals.agreement, three.kinglet.signals.samples];
    const schema = { type: 'object', properties: { a: { enum: ['x', 'y'] } }, required: ['a'], additionalProperties: false };
    const response_format = { type: 'json_schema', json_schema: { name: 'a', schema } };
    const { kinglet: { signals } } = await ask({ signals: true }, { response_format, logit_bias: null, max_tokens: 100 });
    const values = [signals.parse_ok, signals.forced_tokens > 0, signals.grammar_pressure > 0, signals.anchor_logprob < 0];
    const params = [];
    for (const own of [{ signals: 1 }, { abort: {} }, { abort: { window_below: 1 } }, { abort: { window_below: -1, x: 1 } }]) {
      params.push(await ask(own).catch(({ code, detail }) => `${code} ${detail.param}`));
    }
    return { aborted, samples, values, params };
  });
  assert.deepEqual(aborted, ['mid_abort', 'stop', 3]);
  assert.deepEqual(samples, [1, 3]);
  assert.deepEqual(values, [true, true, true, true]);
  assert.deepEqual(params, [
    'invalid_request kinglet.signals',
    'invalid_request kinglet.abort.window_below',
    'invalid_request kinglet.abort.window_below',
    'invalid_request kinglet.abort.x',
  ]);
});
