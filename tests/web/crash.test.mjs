// A crash of the Wasm module where the engine runs in the caller's thread (host "here", service workers): nothing ends the
// thread, so the next request must find another instance. In Node, and in Chromium in the middle of a step.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { launch, missing, notBuilt, openPage } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';

const MODEL = fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url));
const REQUEST = { prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 };
const TEXT = '\ufffd{\ufffdviiiiirrrr%%'; // see browsers.test.mjs

/** The instance's memory, as large as it can be, so that the module gets no more of it: the next larger text is a trap. */
function exhausted(memory) {
  memory.grow(65536 - memory.buffer.byteLength / 65536);
  return new WeakRef(memory);
}

/** Whether what is behind the reference can be collected. */
async function collected(reference) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  for (let i = 0; i < 50 && reference.deref() !== undefined; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  return reference.deref() === undefined;
}

test('in Node: all engines of the thread end with their instance, and each comes back with its next request', { skip: notBuilt() ?? false, timeout: 300_000 }, async () => {
  const { createKinglet } = await import('../../pkg/dist/index.js');
  const glue = await import('../../pkg/wasm/kinglet.js');
  const model = new Blob([readFileSync(MODEL)]);
  const wasm = readFileSync(new URL('../../pkg/wasm/kinglet_bg.wasm', import.meta.url)).buffer;
  const told = [];
  const open = (name) =>
    createKinglet({ model, host: 'here', backend: 'cpu', cacheType: 'f32', wasm, onNotice: ({ code }) => told.push(`${name} ${code}`) });
  const [one, other] = await Promise.all([open('one'), open('other')]);
  const answer = async (engine) => (await engine.completions.create(REQUEST)).choices[0].text;
  assert.deepEqual(await Promise.all([answer(one), answer(other)]), [TEXT, TEXT]);

  for (const round of [1, 2]) {
    const stream = (await other.completions.create({ ...REQUEST, max_tokens: 200, stream: true }))[Symbol.asyncIterator]();
    await stream.next();
    const old = exhausted((await glue.default()).memory);
    await assert.rejects(one.tokenize('x'.repeat(1 << 26)), { code: 'worker_failed', message: /the engine crashed \(RuntimeError/ });
    await assert.rejects(async () => { while (!(await stream.next()).done); }, { code: 'worker_failed' });
    assert.equal(told.length, 2 * (round - 1));

    assert.deepEqual(await Promise.all([answer(one), answer(other)]), [TEXT, TEXT], `round ${round}`);
    assert.deepEqual(told.slice(-2).sort(), ['one worker_restarted', 'other worker_restarted']);
    assert.ok(await collected(old), 'the crashed memory is still referenced');
    const { wasm_memory } = await one.stats();
    assert.equal((await glue.default()).memory.buffer.byteLength, wasm_memory, 'they share the new instance');
  }
  one.dispose();
  other.dispose();
});

const skip = missing() ?? false;
let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
  server.models.set('llama3.gguf', fileModel(MODEL));
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** On the page: what the crash in the middle of a step, of loading or of answering, does to two engines. */
async function crashes(request) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const open = () => createKinglet({ model: '/models/llama3.gguf', host: 'here', backend: 'cpu', cacheType: 'f32' });
  const answer = async (engine) => (await engine.completions.create(request)).choices[0].text;
  const failure = (work) => work.then(() => 'none', ({ code, message }) => `${code}: ${message}`);
  // The module asks for the time while it works: what is thrown there goes through its frames as a trap does.
  const { now } = Performance.prototype;
  const broken = async (work) => {
    Performance.prototype.now = () => {
      Performance.prototype.now = now;
      throw new WebAssembly.RuntimeError('a stand-in for a trap');
    };
    try {
      return await failure(work());
    } finally {
      Performance.prototype.now = now;
    }
  };
  const [one, other] = [await open(), await open()];
  const glue = await import(`/pkg/wasm/${one.info.module === 'relaxed' ? 'kinglet_relaxed' : 'kinglet'}.js`);
  const { memory } = await glue.default();
  const first = await answer(one);
  const waiting = (await other.completions.create({ ...request, max_tokens: 200, stream: true }))[Symbol.asyncIterator]();
  await waiting.next();
  const answering = await broken(() => answer(one));
  const along = await failure((async () => { while (!(await waiting.next()).done); })());
  const texts = await Promise.all([answer(one), answer(other)]);
  const fresh = (await glue.default()).memory;
  return { first, answering, along, texts, fresh: fresh !== memory };
}

test('in Chromium: a crash in the middle of a step', { skip, timeout: 300_000 }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const { first, answering, along, texts, fresh } = await page.evaluate(crashes, REQUEST);
  assert.equal(first, TEXT);
  for (const failure of [answering, along]) assert.match(failure, /^worker_failed: the worker failed: .*a stand-in for a trap/);
  assert.deepEqual(texts, [TEXT, TEXT]);
  assert.ok(fresh);
  await close();
});
