// What the engine's side does when the GPU is lost, without a browser: the real client and server over a MessageChannel, with
// a stand-in for the Wasm engine that loses its device when told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKinglet } from '../../pkg/dist/index.js';
import { Host } from '../../pkg/dist/serve.js';
import { opener } from '../../pkg/dist/open.js';
import { Trials } from '../../pkg/dist/truth.js';

const lost = () => ({ code: 'gpu_lost', message: 'the GPU device was lost: a test', detail: {} });

/** Emits the words of the prompt; at the steps in `losses` the device is lost, and nothing works until it is restored. */
class Fragile {
  log = [];
  step = 0;
  broken = false;
  announced = [];
  constructor(losses, { chunks = 0, restore = () => undefined } = {}) {
    Object.assign(this, { losses, chunks, onRestore: restore });
  }
  work(name) {
    this.log.push(name);
    if (this.losses.includes(this.step++)) this.broken = true;
    if (this.broken) throw lost();
  }
  start(_, { prompt }) {
    this.words = prompt.split(' ');
    this.left = this.chunks;
  }
  async prefill() {
    if (this.words === undefined) return false;
    this.work('prefill');
    return this.left-- > 0;
  }
  async next() {
    this.work('next');
    const text = this.words?.shift();
    return text === undefined ? undefined : { text, finish_reason: this.words.length === 0 ? 'stop' : null };
  }
  async restore() {
    this.log.push('restore');
    await this.onRestore(this);
    Object.assign(this, { broken: false, left: this.chunks });
    this.announced.push({ code: 'gpu_restored', message: 'restored', detail: {} });
  }
  notices() {
    return this.announced.splice(0);
  }
  abort() {
    this.log.push('abort');
    this.words = undefined;
  }
  info() {
    return { backend: this.log.includes('restore') ? 'cpu' : 'gpu', model: 'stand-in' };
  }
}

async function connect(t, engine) {
  const notices = [];
  const { port1, port2 } = new MessageChannel();
  new Host(async () => engine).connect(port2);
  t.after(() => port1.close());
  const worker = {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type, listener) => port1.addEventListener(type, listener),
    start: () => port1.start(),
    terminate: () => port1.close(),
  };
  const kinglet = await createKinglet({ model: 'http://localhost/m.gguf', worker, onNotice: ({ code }) => notices.push(code) });
  const ask = (prompt, more) => kinglet.completions.create({ prompt, ...more }).then((answer) => answer.choices[0].text);
  return { kinglet, notices, ask };
}

test('a loss at any step: the text is whole, the notices come in order, and info says what has changed', async (t) => {
  for (let step = 0; step < 8; step++) {
    const engine = new Fragile([step], { chunks: 2 });
    const { kinglet, notices, ask } = await connect(t, engine);
    assert.equal(kinglet.info.backend, 'gpu');
    assert.equal(await ask('a b c'), 'abc', `lost at step ${step}: ${engine.log}`);
    assert.deepEqual(notices, ['gpu_lost', 'gpu_restored']);
    assert.equal(kinglet.info.backend, 'cpu');
    const after = engine.log.slice(engine.log.indexOf('restore') + 1);
    assert.equal(after[0], 'prefill', 'what was computed comes first, chunk by chunk');
  }
});

test('a loss while the lost one is being made good, and none where nothing can be restored', async (t) => {
  const engine = new Fragile([3, 4, 6], { chunks: 2 });
  const { ask, notices } = await connect(t, engine);
  assert.equal(await ask('a b c'), 'abc');
  assert.deepEqual(notices, ['gpu_lost', 'gpu_restored', 'gpu_lost', 'gpu_restored', 'gpu_lost', 'gpu_restored']);

  const old = new Fragile([2]);
  old.restore = undefined;
  const without = await connect(t, old);
  await assert.rejects(without.ask('a b c'), { code: 'gpu_lost' });
});

test('a model that cannot be had again is the error of the call; the next call tries again', async (t) => {
  let offline = true;
  const restore = () => {
    if (offline) throw { code: 'http', message: 'fetching failed', detail: {} };
  };
  const { ask, notices } = await connect(t, new Fragile([3], { restore }));
  await assert.rejects(ask('a b c'), { code: 'http' });
  offline = false;
  assert.equal(await ask('d e'), 'de');
  assert.deepEqual(notices, ['gpu_lost', 'gpu_lost', 'gpu_restored']);
});

test('an abort is heard between the pieces of what is computed again', async (t) => {
  const controller = new AbortController();
  const engine = new Fragile([4], { chunks: 50, restore: () => setTimeout(() => controller.abort(), 5) });
  const { ask } = await connect(t, engine);
  await assert.rejects(ask('a b c', { signal: controller.signal }), { code: 'aborted' });
  const again = engine.log.slice(engine.log.indexOf('restore'));
  assert.ok(again.filter((call) => call === 'prefill').length < 50, `${again}`);
  assert.equal(await ask('d'), 'd');
});

test('an abort is heard while the model is loaded again; the next request loads it once more', async (t) => {
  const controller = new AbortController();
  let stop;
  const engine = new Fragile([3], {
    restore: () => {
      if (stop !== undefined) return;
      setTimeout(() => controller.abort(), 5);
      return new Promise((_, reject) => (stop = () => reject({ code: 'aborted', message: 'it was', detail: {} })));
    },
  });
  const { abort } = engine;
  engine.abort = () => {
    stop?.();
    abort.call(engine);
  };
  const { ask, notices } = await connect(t, engine);
  await assert.rejects(ask('a b c', { signal: controller.signal }), { code: 'aborted' });
  assert.equal(await ask('d e'), 'de');
  assert.deepEqual(notices, ['gpu_lost', 'gpu_lost', 'gpu_restored']);
});

/** An engine as `opener` makes it of a stand-in for the Wasm module; `raw.restore` is the test's, `gpu.name` the GPU's. */
async function opened(t) {
  const gpu = { name: 'old', learned: [] };
  const info = () => ({ vendor: gpu.name, architecture: '', device: '', description: '' });
  const navigator = { hardwareConcurrency: 1, gpu: { requestAdapter: async () => ({ info: info() }) } };
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: navigator });
  t.after(() => (before ? Object.defineProperty(globalThis, 'navigator', before) : delete globalThis.navigator));
  t.mock.method(Trials.prototype, 'add', async function (names) {
    gpu.learned.push([this.key.split('\n')[0], ...names]);
  });
  const raw = {
    info: () => ({ backend: 'gpu' }),
    stats: () => ({}),
    abort: () => undefined,
    tried: () => ({ tried: ['matmul'], ms: 1 }),
  };
  const glue = {
    default: async () => ({ memory: { buffer: new ArrayBuffer(8) } }),
    version: () => '1',
    self_test: () => true,
    load: async (readers, options) => {
      raw.readers = readers;
      raw.loading?.(options);
      return raw;
    },
  };
  const browser = { validate: () => true, glue: { relaxed: async () => glue, baseline: async () => glue } };
  const open = opener({ host: 'here', browser });
  const args = { sources: [{ kind: 'blob', blob: new Blob(['a model']) }], reading: {}, options: { backend: 'auto' } };
  const opening = (options) => ({ ...args, options: { ...args.options, ...options } });
  return { gpu, raw, open: (options = {}) => open(opening(options), () => undefined, () => undefined, new AbortController().signal) };
}

test('what is remembered of a GPU was tried on it', async (t) => {
  const { gpu, raw, open } = await opened(t);
  const engine = await open();
  assert.deepEqual(gpu.learned.splice(0), [['old', 'matmul']]);
  gpu.name = 'new';
  raw.restore = async () => engine.abort(); // the old engine stays, and what it says is of the old GPU
  await engine.restore();
  assert.deepEqual([gpu.learned.splice(0), engine.info().adapter], [[], 'old']);
  raw.restore = async () => undefined;
  await engine.restore();
  assert.deepEqual([gpu.learned.splice(0), engine.info().adapter], [[['new', 'matmul']], 'new']);
  raw.loading = () => (gpu.name = 'another'); // the new one is lost during the load
  await open();
  assert.deepEqual(gpu.learned, []);
});

test('the variants that were measured are remembered, and asked for where nothing else is', async (t) => {
  const { gpu, raw, open } = await opened(t);
  const [MEASURED, FORCED] = [{ measured: true }, { forced: true }];
  const kept = new Map();
  t.mock.method(Trials.prototype, 'tune', async function (tuning) {
    kept.set(this.key.split('\n')[0], tuning);
  });
  t.mock.method(Trials.prototype, 'tuning', async function () {
    return kept.get(this.key.split('\n')[0]);
  });
  const said = [];
  raw.loading = (options) => said.push(options.tuning);
  const tuned = (source) => (raw.tried = () => ({ tried: [], ms: 1, tuned: { source, tuning: MEASURED } }));
  tuned('table');
  await open();
  assert.equal(kept.size, 0, 'a table needs no memory');
  tuned('measured');
  await open();
  tuned('given');
  const engine = await open();
  await open({ tuning: 'off' });
  await open({ tuning: FORCED });
  assert.deepEqual([said, [...kept]], [['auto', 'auto', MEASURED, 'off', FORCED], [['old', MEASURED]]]);
  gpu.name = 'new';
  raw.restore = async (tested, tuning) => said.push(tuning);
  await engine.restore();
  assert.equal(said.at(-1), 'auto', 'another GPU');
});

test('what a restore could not read is no error of the next one', async (t) => {
  const { raw, open } = await opened(t);
  const engine = await open();
  raw.restore = () => raw.readers[0].read(0, 100);
  await assert.rejects(engine.restore(), { code: 'truncated' });
  raw.restore = async () => {
    throw lost();
  };
  await assert.rejects(engine.restore(), { code: 'gpu_lost' });
});

test('without a database nothing is remembered, and nothing fails', async () => {
  const trials = new Trials('an adapter', '1.0.0');
  await trials.add(['matmul Q4_K']);
  assert.deepEqual(await trials.passed(), []);
});
