// The GPU path when the GPU misbehaves, in Chromium: devices that are destroyed at any moment, memory that is refused, a
// compiler that is wrong; and that many chats leave nothing behind.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, missing, openPage, shared } from './support/browser.mjs';
import { llamaModel } from './support/gguf.mjs';
import { residentMemory } from './support/processes.mjs';
import { bytesModel, fileModel, startServer } from './support/server.mjs';
import { eventually, steady } from './support/wait.mjs';

const NAME = 'stories260K-phi3-f32';
const path = shared(`models/${NAME}.gguf`);
const skip = missing() ?? (path ? false : 'no shared data');
const golden = path && JSON.parse(readFileSync(shared(`models/${NAME}.golden.json`), 'utf8')).llama_cpp.generations[1];
const MODEL = `/models/${NAME}.gguf`;
const WORKER = '/pkg/dist/worker.js';
const SOAK = process.env.KINGLET_SOAK !== undefined;
const count = (small, large) => (SOAK ? large : small);

/** Its weights show in the memory of a process, and take a while to load. */
const heavy = llamaModel({ n_embd: 1024, n_ff: 2048, n_layer: 4 });

let server;
let browser;
const scripts = new Map();
before(async () => {
  if (skip) return;
  const models = new Map([
    [`${NAME}.gguf`, fileModel(path)],
    ['wide.gguf', bytesModel(wide(readFileSync(path)))],
    ['heavy.gguf', heavy],
  ]);
  server = await startServer(models, { scripts, isolated: true });
  browser = await launch(['--enable-blink-features=ForceEagerMeasureMemory']);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The same model that says it was trained with four times the context: room for a smaller one. */
function wide(bytes) {
  const key = 'phi3.context_length';
  const at = bytes.indexOf(key) + key.length + 4; // behind its type
  bytes.writeUInt32LE(4 * bytes.readUInt32LE(at), at);
  return bytes;
}

/** In a worker: the database of what is known of a GPU is waited for as long as a slow machine takes, and not a second (pkg/src/truth.ts). */
const PATIENT = '{ const wait = globalThis.setTimeout; globalThis.setTimeout = (work, ms, ...args) => wait(work, ms === 1000 ? 60_000 : ms, ...args); }';

/** Runs `script(args)` on a page; its workers run `fault(...given)` before they do anything. */
async function inPage(script, args = {}, fault = () => undefined, ...given) {
  scripts.set(WORKER, `\n;${PATIENT}(${fault})(...${JSON.stringify(given)});`);
  const { page, complaints, close } = await openPage(browser, server.origin);
  page.setDefaultTimeout(120_000);
  try {
    return { ...(await page.evaluate(script, { model: MODEL, ...args })), complaints };
  } finally {
    await close();
    scripts.delete(WORKER);
  }
}

/**
 * In the worker: the n-th device is destroyed at its `plan[n].at`-th call of GPUQueue.submit, GPUQueue.writeBuffer or
 * GPUBuffer.mapAsync, before or after the call; and when the page says so, which hears when that is done.
 */
function destroyer(plan) {
  const requestDevice = GPUAdapter.prototype.requestDevice;
  let current;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    current = { device, fate: plan.shift(), calls: 0 };
    return device;
  };
  for (const [type, name] of [[GPUQueue, 'submit'], [GPUQueue, 'writeBuffer'], [GPUBuffer, 'mapAsync']]) {
    const real = type.prototype[name];
    type.prototype[name] = function (...args) {
      const due = current?.fate?.call === name && current.calls++ === current.fate.at;
      if (due && current.fate.before) current.device.destroy();
      const result = real.apply(this, args);
      if (due) current.device.destroy();
      return result;
    };
  }
  const channel = new BroadcastChannel('gpu');
  channel.onmessage = () => {
    current.device.destroy();
    channel.postMessage('destroyed');
  };
}

/** On the page: the answer to one greedy prompt, and what was heard. */
async function answer({ model, prompt, max_tokens = 64, options = {} }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const notices = [];
  const kinglet = await createKinglet({ model, backend: 'gpu', cacheType: 'f32', ...options, onNotice: (n) => notices.push(n) });
  const loaded = await kinglet.stats();
  let text = '';
  for await (const chunk of await kinglet.completions.create({ prompt, max_tokens, temperature: 0, stream: true })) {
    text += chunk.choices[0].text;
  }
  const { info } = kinglet;
  const stats = await kinglet.stats();
  kinglet.dispose();
  return { text, notices, info, loaded, stats };
}

/** On the page: the error of a load. */
async function refusal({ model, options = {} }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const notices = [];
  try {
    await createKinglet({ model, backend: 'gpu', ...options, onNotice: (n) => notices.push(n) });
  } catch (error) {
    return { code: error.code, message: error.message, detail: error.detail, notices };
  }
  return {};
}

/** On the page: what is said before anything is loaded. */
async function beforehand({ model }) {
  const { availability } = await import('/pkg/dist/index.js');
  return availability({ model, backend: 'gpu', cacheType: 'f32', store: 'none' });
}

const codes = (notices) => notices.map((notice) => notice.code);

/** Numbers below `n`, the same in every run. */
function numbers(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

test('a device destroyed at random moments: the text is the undisturbed one, and the caller does nothing', { skip }, async () => {
  const undisturbed = await inPage(answer, { prompt: golden.prompt }, steady);
  assert.equal(undisturbed.text, golden.text);
  assert.deepEqual(codes(undisturbed.notices), []);
  const [loading, all] = [undisturbed.loaded.submits, undisturbed.stats.submits];
  const below = numbers(5);
  let mid = 0;
  for (let round = 0; round < count(3, 50); round++) {
    const fate = () => {
      const call = ['submit', 'writeBuffer', 'mapAsync'][below(3)];
      const at = call === 'mapAsync' ? 1 + below(60) : loading + below(all - loading);
      return { call, at, before: below(2) === 0 };
    };
    const plan = round % 3 === 2 ? [fate(), fate()] : [fate()];
    const { text, notices, info } = await inPage(answer, { prompt: golden.prompt }, `(plan) => ((${steady})(), (${destroyer})(plan))`, plan);
    assert.equal(text, golden.text, JSON.stringify({ round, plan, notices }));
    assert.equal(info.backend, 'gpu');
    mid += codes(notices).filter((code) => code === 'gpu_restored').length;
  }
  console.log(`devices lost in answers, and replaced: ${mid}`);
  assert.ok(mid >= count(2, 40), `${mid} losses`);
});

test('a device destroyed while the model loads, and while nothing happens', { skip }, async () => {
  const loading = await inPage(answer, { prompt: golden.prompt }, destroyer, [{ call: 'writeBuffer', at: 40, before: true }]);
  assert.equal(loading.text, golden.text);
  assert.deepEqual(codes(loading.notices), ['gpu_lost']);

  const idle = async ({ model, prompt }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const notices = [];
    const kinglet = await createKinglet({ model, backend: 'gpu', cacheType: 'f32', onNotice: ({ code }) => notices.push(code) });
    const ask = async () => (await kinglet.completions.create({ prompt, max_tokens: 64, temperature: 0 })).choices[0].text;
    const texts = [await ask()];
    const channel = new BroadcastChannel('gpu');
    channel.postMessage('destroy');
    await new Promise((resolve) => (channel.onmessage = resolve));
    await new Promise((resolve) => setTimeout(resolve, 200));
    texts.push(await ask());
    kinglet.dispose();
    return { texts, notices };
  };
  const { texts, notices } = await inPage(idle, { prompt: golden.prompt }, destroyer, []);
  assert.deepEqual(texts, [golden.text, golden.text]);
  assert.deepEqual(notices, ['gpu_lost', 'gpu_restored']);
});

/** In the worker: the second device, once it has taken something in, takes no more until the request was aborted, however late that comes. */
function held() {
  const requestDevice = GPUAdapter.prototype.requestDevice;
  let devices = 0;
  GPUAdapter.prototype.requestDevice = function (...args) {
    devices += 1;
    return requestDevice.apply(this, args);
  };
  const { postMessage } = globalThis;
  let told = false;
  globalThis.postMessage = (message, ...more) => {
    told ||= devices === 2 && message.progress?.phase === 'upload' && message.progress.loaded > 0;
    postMessage.call(globalThis, message, ...more);
  };
  const aborted = new Promise((resolve) => addEventListener('message', ({ data }) => data.call === 'abort' && resolve()));
  const { onSubmittedWorkDone } = GPUQueue.prototype;
  GPUQueue.prototype.onSubmittedWorkDone = async function () {
    if (told) await aborted;
    return onSubmittedWorkDone.call(this);
  };
}

test('an abort while the model is loaded again ends that; the next request has the GPU again', { skip }, async () => {
  const twice = async ({ model, prompt, when }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const notices = [];
    const controller = new AbortController();
    const kinglet = await createKinglet({
      model,
      backend: 'gpu',
      context: 64,
      onNotice: ({ code }) => {
        notices.push(code);
        if (when === 'at once') controller.abort();
      },
      onProgress: ({ phase, loaded }) => {
        if (notices.length > 0 && phase === when && loaded > 0) controller.abort();
      },
    });
    const ask = (more) => kinglet.completions.create({ prompt, max_tokens: 12, temperature: 0, ...more });
    const channel = new BroadcastChannel('gpu');
    let pieces = 0;
    let first = 'answered';
    try {
      for await (const _ of await ask({ stream: true, signal: controller.signal })) {
        if (++pieces !== 2) continue;
        channel.postMessage('destroy');
        await new Promise((resolve) => (channel.onmessage = resolve)); // or all is answered before
      }
    } catch (error) {
      first = error.code;
    }
    const text = (await ask()).choices[0].text;
    kinglet.dispose();
    return { first, pieces, text, notices };
  };
  const args = { model: '/models/heavy.gguf', prompt: 'once' };
  const undisturbed = await inPage(answer, { ...args, max_tokens: 12, options: { context: 64, cacheType: 'f16' } });
  for (const when of ['at once', 'upload']) {
    const { first, pieces, text, notices } = await inPage(twice, { ...args, when }, `() => ((${held})(), (${destroyer})([]))`);
    assert.equal(first, 'aborted', when);
    assert.ok(pieces >= 2, `${pieces}`);
    assert.equal(text, undisturbed.text);
    assert.deepEqual(notices, ['gpu_lost', 'gpu_lost', 'gpu_restored'], `${when}: what was aborted did not end, and began again`);
  }
});

/** In the worker: the first device is destroyed at its submit `at`; from then on the adapter is another one. */
function undocked(at) {
  const requestDevice = GPUAdapter.prototype.requestDevice;
  let devices = 0;
  let gone = false;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    devices += 1;
    let submits = 0;
    const { submit } = GPUQueue.prototype;
    const doomed = devices === 1;
    device.queue.submit = (...commands) => {
      if (doomed && submits++ === at) {
        gone = true;
        device.destroy();
      }
      return submit.apply(device.queue, commands);
    };
    return device;
  };
  Object.defineProperty(GPUAdapter.prototype, 'info', {
    get: () => ({ vendor: '', architecture: '', device: '', description: `${gone ? 'built-in' : 'docked'} SwiftShader` }),
  });
}

/** On the page: the answer, and what is remembered of each adapter. */
async function answerAndKnown({ answer, ...args }) {
  const result = await (0, eval)(`(${answer})`)(args);
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await settled(indexedDB.open('kinglet-gpu'));
  const store = database.transaction('passed').objectStore('passed');
  const [keys, names] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
  return { ...result, known: keys.map((key, i) => [key, names[i]]) };
}

test('the device that replaces a lost one may be another GPU: it is named, and what is known of it counts', { skip }, async () => {
  const undisturbed = await inPage(answer, { prompt: golden.prompt });
  // Early in the answer: how many tokens go with a submit depends on how fast they come.
  const at = undisturbed.loaded.submits + 8;
  const { text, info, notices, known } = await inPage(answerAndKnown, { prompt: golden.prompt, answer: `${answer}` }, undocked, at);
  assert.equal(text, golden.text);
  assert.deepEqual(codes(notices), ['gpu_lost', 'gpu_restored']);
  assert.equal(info.adapter, 'built-in SwiftShader');
  const tried = new Map(known.map(([key, names]) => [key.split('\n')[0], names.length]));
  assert.deepEqual([...tried.keys()].sort(), ['built-in SwiftShader', 'docked SwiftShader']);
  assert.ok(tried.get('built-in SwiftShader') > 3 && tried.get('built-in SwiftShader') === tried.get('docked SwiftShader'), JSON.stringify(known));
});

test('devices that are lost again and again are a typed error where the GPU was demanded', { skip }, async () => {
  const always = Array.from({ length: 40 }, () => ({ call: 'writeBuffer', at: 40, before: true }));
  const { code, message } = await inPage(refusal, {}, destroyer, always);
  assert.equal(code, 'gpu_lost', message);
  console.log(`given up: ${message}`);
});

/** In the worker: a device gives `bytes`, then every buffer is one that SwiftShader itself refuses, with a real error. */
function poor(bytes) {
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    let held = 0;
    const { createBuffer, destroy } = GPUDevice.prototype;
    device.createBuffer = (descriptor) => {
      held += descriptor.size;
      const size = held > bytes ? device.limits.maxBufferSize : descriptor.size;
      return createBuffer.call(device, { ...descriptor, size });
    };
    device.destroy = () => destroy.call(device);
    return device;
  };
}

test('memory that the GPU refuses: a smaller context, announced; what was asked for by number is refused with numbers', { skip }, async () => {
  const model = '/models/wide.gguf';
  const rich = await inPage(answer, { model, prompt: golden.prompt });
  const { context } = rich.info;
  const small = await inPage(answer, { model, prompt: golden.prompt, options: { context: context / 2 } });
  const room = (rich.stats.gpu_bytes + small.stats.gpu_bytes) / 2;
  const { text, info, notices } = await inPage(answer, { model, prompt: golden.prompt }, poor, room);
  assert.deepEqual(codes(notices), ['degraded'], JSON.stringify(notices));
  assert.equal(notices[0].detail.what, 'context');
  assert.equal(notices[0].detail.cause.code, 'too_large');
  assert.equal(info.context, context / 2);
  assert.equal(text, golden.text);
  const said = await inPage(beforehand, { model }, poor, room);
  assert.deepEqual([said.status, said.backend, said.model.context], ['downloadable', 'gpu', context / 2], 'it says what will happen');

  const refused = await inPage(refusal, { model, options: { context, cacheType: 'f32' } }, poor, small.stats.gpu_bytes / 2);
  assert.equal(refused.code, 'too_large', refused.message);
  assert.ok(refused.detail.needed > refused.detail.available, refused.message);
  console.log(`refused: ${refused.message}`);
});

/** In the worker: the compiler takes `text` for `forText`. */
function miscompile(text, forText) {
  const real = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    return real.call(this, { ...descriptor, code: descriptor.code.replaceAll(text, forText) });
  };
}

test('a GPU that computes wrongly is found before it answers', { skip }, async () => {
  const wrong = await inPage(refusal, {}, miscompile, '+ params.eps', '+ params.eps + 0.01');
  assert.equal(wrong.code, 'gpu_wrong', wrong.message);
  assert.match(wrong.detail.op, /norm/);
  console.log(`wrong: ${wrong.message}`);
});

test('a GPU that computes correctly is tried once', { skip }, async () => {
  const twice = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const loads = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      const kinglet = await createKinglet({ model, backend: 'gpu', ...(i === 2 ? { cacheType: 'f32' } : {}) });
      loads.push({ ms: performance.now() - begun, dispatches: (await kinglet.stats()).dispatches });
      kinglet.dispose();
    }
    return { loads };
  };
  const { loads } = await inPage(twice);
  console.log(`loads: ${loads.map(({ ms, dispatches }) => `${ms.toFixed(0)} ms with ${dispatches} dispatches`).join(', ')}`);
  assert.ok(loads[0].dispatches > 10 && loads[1].dispatches === 0, JSON.stringify(loads));
  assert.ok(loads[2].dispatches > 0 && loads[2].dispatches < loads[0].dispatches, 'another cache type is another attention');
});

/** Megabytes for people. */
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

test('many short chats leave nothing behind: JS, Wasm and GPU memory', { skip }, async () => {
  const open = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    globalThis.kinglet = await createKinglet({ model, backend: 'gpu', cacheType: 'f32' });
  };
  const chats = async ({ prompt, first, rounds }) => {
    const { kinglet } = globalThis;
    for (let i = first; i < first + rounds; i++) {
      const long = `${prompt} ${i}${' and then'.repeat(i % 12)}`;
      const request = { prompt: long, max_tokens: 4 + (i % 5), temperature: i % 2, seed: i, stream: i % 3 === 0 };
      const answer = await kinglet.completions.create(request);
      let pieces = 0;
      if (request.stream) for await (const _ of answer) if (++pieces === 2 && i % 4 === 0) break;
    }
    const { gpu_buffers, gpu_bytes, wasm_memory } = await kinglet.stats();
    const { bytes } = await performance.measureUserAgentSpecificMemory();
    return { gpu_buffers, gpu_bytes, wasm_memory, js: bytes };
  };
  const rounds = count(60, 500);
  const { page, close } = await openPage(browser, server.origin);
  page.setDefaultTimeout(120_000);
  await page.evaluate(open, { model: MODEL });
  const measured = async (first, rounds) => {
    const numbers = await page.evaluate(chats, { prompt: 'Once upon a time', first, rounds });
    return { ...numbers, gpu_process: residentMemory('gpu-process') };
  };
  const before = await measured(0, 12); // every length once
  const after = await measured(12, rounds);
  await close();
  console.log(`after 12 chats ${JSON.stringify(before)}, after ${rounds} more ${JSON.stringify(after)}`);
  assert.equal(after.gpu_buffers, before.gpu_buffers);
  assert.equal(after.gpu_bytes, before.gpu_bytes);
  assert.equal(after.wasm_memory, before.wasm_memory);
  // The heap breathes: what was compiled, what is not collected yet. A leak of 4 KiB a chat would show.
  assert.ok(after.js - before.js < 1e6 + rounds * 2048, `${before.js} -> ${after.js} bytes of JS`);
  // The GPU process, too: it compiles and keeps what it likes. What a chat needs there once would show (the cache: 2 MB).
  const grown = after.gpu_process - before.gpu_process;
  assert.ok(before.gpu_process > 0 && grown < 20e6 + rounds * 1e5, `the GPU process grew by ${mb(grown)}`);
});

test('models that are loaded and unloaded again and again leave nothing behind in the GPU process', { skip }, async () => {
  const round = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, backend: 'gpu', context: 64 });
    const ask = () => kinglet.completions.create({ prompt: 'once', max_tokens: 2, temperature: 0 });
    await ask();
    await kinglet.unload();
    await kinglet.load();
    await ask();
    const { gpu_bytes } = await kinglet.stats();
    kinglet.dispose();
    return gpu_bytes;
  };
  const rounds = count(3, 30);
  const { page, close } = await openPage(browser, server.origin);
  page.setDefaultTimeout(120_000);
  const sizes = [];
  let held = 0;
  for (let i = 0; i < rounds; i++) {
    held = await page.evaluate(round, { model: '/models/heavy.gguf' });
    await new Promise((resolve) => setTimeout(resolve, 500)); // the worker ends in its own time
    sizes.push(await eventually(() => residentMemory('gpu-process'), (size) => i === 0 || size - sizes[0] < held / 2));
  }
  await close();
  console.log(`a model of ${mb(held)}; the GPU process after each two loads: ${sizes.map(mb).join(', ')}`);
  assert.ok(held >= heavy.tensorBytes, `${held} bytes on the GPU`);
  const grown = sizes.at(-1) - sizes[0];
  assert.ok(grown < held / 2, `${rounds - 1} rounds, and it grew by ${mb(grown)}`);
});
