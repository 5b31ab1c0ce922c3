// The package and its page in three browsers that share no code: Chromium, Firefox and WebKitGTK, on the processor and, in the
// first two, on WebGPU. The same text must come out of all of them, and it is the one that the native tests demand, too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { notBuilt, shared } from './support/browser.mjs';
import { EXPOSE, LAUNCHERS, ready } from './support/browsers.mjs';
import { withString } from './support/gguf.mjs';
import { bytesModel, fileModel, startServer } from './support/server.mjs';

/** The models of the shared data that are asked, and on what: the halves of the second are unpacked by each GPU's compiler. */
const MODELS = { 'stories260K-f32': ['cpu'], 'stories260K-p256-f16': ['cpu', 'gpu'] };
const paths = new Map(Object.keys(MODELS).map((name) => [name, shared(`models/${name}.gguf`)]));
const noModels = [...paths.values()].includes(undefined) ? 'no shared data' : false;
/** The reference's first answer. */
const golden = (name) => JSON.parse(readFileSync(shared(`models/${name}.golden.json`), 'utf8')).llama_cpp.generations[0];

/** A worker of the developer's own, which has an engine in it, or in a worker of its own. */
const OWN = `
  import { createKinglet } from '/pkg/dist/index.js';
  onmessage = async ({ data: { model, host, prompt, max_tokens } }) => {
    const engine = await createKinglet({ model, host, backend: 'cpu', cacheType: 'f32' });
    const answer = await engine.completions.create({ prompt, max_tokens, temperature: 0 });
    postMessage([engine.info.host, answer.choices[0].text]);
  };`;

/** A service worker with an engine; the page has put the model into the Cache. */
const SERVICE = `
  import { createKinglet, serveOpenAI } from '/pkg/dist/service-worker.js';
  const model = async () => (await caches.match('/models/small.gguf')).blob();
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', serveOpenAI(async () => createKinglet({ backend: 'cpu', cacheType: 'f32', model: await model() })));`;

/** How many threads a shared worker has of two that were asked for: only Firefox starts workers from it. */
const SHARED_THREADS = { chromium: 1, firefox: 2, webkit: 1 };

/**
 * Two WebGPUs of different makes: Dawn and its compiler on SwiftShader, wgpu and naga on lavapipe; each has of these features
 * what the other has not. WebKitGTK has none.
 */
const GPUS = {
  chromium: { name: /swiftshader/i, f16: false, subgroups: true },
  firefox: { name: /llvmpipe/i, f16: true, subgroups: false },
};

/** Where a model is kept if nothing is said. */
const KEPT = { chromium: 'opfs', firefox: 'opfs', webkit: 'indexeddb' };

let server;
let isolated;
before(async () => {
  const scripts = new Map([['/expose.js', EXPOSE], ['/own.js', OWN], ['/service.js', SERVICE]]);
  server = await startServer(new Map(), { scripts });
  isolated = await startServer(server.models, { scripts, isolated: true });
  server.models.set('small.gguf', fileModel(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url))));
  const qwen2 = readFileSync(fileURLToPath(new URL('../goldens/qwen2.gguf', import.meta.url)));
  server.models.set('chat.gguf', bytesModel(withString(qwen2, 'tokenizer.chat_template', TEMPLATE)));
  if (!noModels) paths.forEach((path, name) => server.models.set(`${name}.gguf`, fileModel(path)));
});
after(() => Promise.all([server?.close(), isolated?.close()]));

/** One greedy answer. */
async function ask({ model, prompt, max_tokens, options }) {
  const engine = await globalThis.kinglet.createKinglet({ model, backend: 'cpu', cacheType: 'f32', ...options });
  const answer = await engine.completions.create({ prompt, max_tokens, temperature: 0 });
  engine.dispose();
  return { info: engine.info, text: answer.choices[0].text, tokens: answer.usage.completion_tokens };
}

/** What answers ask of the GPU's queue, after the first one, and how long a token takes. */
async function paced({ model, prompt, max_tokens }) {
  const { submit } = GPUQueue.prototype;
  let [submits, reminders] = [0, 0];
  GPUQueue.prototype.submit = function (buffers) {
    const given = [...buffers];
    if (given.length === 0) reminders++;
    else submits++;
    return submit.call(this, given);
  };
  const engine = await globalThis.kinglet.createKinglet({ model, host: 'here', backend: 'gpu', cacheType: 'f32', context: 256 });
  const answer = () => engine.completions.create({ prompt, max_tokens, temperature: 0 });
  await answer();
  [submits, reminders] = [0, 0];
  const begun = performance.now();
  const answers = [await answer(), await answer(), await answer(), await answer()];
  const tokens = answers.reduce((sum, { usage }) => sum + usage.completion_tokens, 0);
  const msPerToken = Number(((performance.now() - begun) / tokens).toFixed(1));
  engine.dispose();
  GPUQueue.prototype.submit = submit;
  return { texts: answers.map(({ choices }) => choices[0].text), tokens, submits, reminders, msPerToken };
}

/** Logarithms of probabilities on a GPU, as natively (tests/it/gpu_signals.rs): logits are within 0.02, margins are of two. */
const DOUBT = 0.04;

/** The doubt of a chat's answer, and of a choice among labels. */
async function doubt(options) {
  const engine = await globalThis.kinglet.createKinglet({ model: '/models/chat.gguf', cacheType: 'f32', context: 256, ...options });
  const messages = [{ role: 'user', content: 'Once upon a time' }];
  const { choices, kinglet } = await engine.chat.completions.create({ messages, max_tokens: 12, temperature: 0, logit_bias: { 2: -100 }, kinglet: { signals: true } });
  const { label, kinglet: chosen } = await engine.classify('Once upon a time', ['car', 'car rental', 'boat'], { none: true });
  engine.dispose();
  return { backend: engine.info.backend, text: choices[0].message.content, chat: kinglet.signals, label, labels: chosen.signals };
}

/** An answer is an assistant's message, its end a control token; behind it the spaces that fill the file up are cut off. */
const TEMPLATE = '{% for m in messages %}<s>{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}<s>assistant:{# -#}';

const SMALL = { model: '/models/small.gguf', prompt: 'The kinglet is small', max_tokens: 16 };
/** What llama-cpp-python 0.3.36 answers to it; the likeliest token leads by at least 0.085 in every step. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';

for (const [name, { missing, launch, module }] of Object.entries(LAUNCHERS)) {
  const skip = missing() ?? notBuilt() ?? false;
  let browser;
  after(() => browser?.close());

  test(`${name} starts, and shows the page`, { skip }, async () => {
    browser = await launch();
    await browser.goto(server.origin);
    assert.deepEqual(await browser.evaluate(ready), { shown: 'Load a model to begin.', error: false });
  });

  test(`${name}: a small model answers, with the module that fits`, { skip }, async () => {
    const { info, text, tokens } = await browser.evaluate(ask, SMALL);
    assert.deepEqual([info.backend, info.module, tokens], ['cpu', module, 16]);
    assert.equal(text, SMALL_TEXT);
    const plain = await browser.evaluate(ask, { ...SMALL, options: { module: 'baseline' } });
    assert.deepEqual([plain.info.module, plain.text], ['baseline', text]);
  });

  test(`${name}: what it says of a model beforehand is what happens`, { skip }, async () => {
    const run = async ({ model }) => {
      const { availability, createKinglet } = globalThis.kinglet;
      const found = [];
      for (const backend of ['gpu', 'cpu']) {
        const said = await availability({ model, backend, context: 64 });
        const load = createKinglet({ model, backend, context: 64 });
        const happened = await load.then((engine) => (engine.dispose(), engine.info.backend), (error) => error.code);
        found.push({ said, happened });
      }
      return found;
    };
    const [gpu, cpu] = await browser.evaluate(run, SMALL);
    assert.ok(['available', 'downloadable'].includes(cpu.said.status), JSON.stringify(cpu));
    assert.deepEqual([cpu.said.backend, cpu.happened], ['cpu', 'cpu']);
    assert.equal(gpu.said.backend ?? gpu.said.code, gpu.happened, JSON.stringify(gpu));
    assert.equal(gpu.happened, GPUS[name] ? 'gpu' : 'gpu_unavailable', JSON.stringify(gpu));
    if (!GPUS[name]) assert.deepEqual([gpu.said.status, /no WebGPU adapter/.test(gpu.said.reason)], ['unsupported', true], gpu.said.reason);
  });

  test(`${name}: the GPU is the one that is meant, or there is none`, { skip }, async (t) => {
    const adapter = await browser.adapter();
    t.diagnostic(JSON.stringify(adapter ?? 'no WebGPU'));
    if (!GPUS[name]) return assert.equal(adapter ?? undefined, undefined);
    const { name: pattern, ...features } = GPUS[name];
    assert.match(adapter.name, pattern);
    assert.deepEqual({ f16: adapter.f16, subgroups: adapter.subgroups }, features);
  });

  if (GPUS[name]) {
    test(`${name}: signals and scores of labels on the GPU are those of exact arithmetic`, { skip }, async (t) => {
      const [gpu, cpu] = [await browser.evaluate(doubt, { backend: 'gpu' }), await browser.evaluate(doubt, { backend: 'cpu', exact: true })];
      assert.deepEqual([gpu.backend, cpu.backend], ['gpu', 'cpu']);
      let worst = 0;
      for (const kind of ['chat', 'labels']) {
        const [got, want] = [gpu[kind], cpu[kind]].map((all) => Object.entries(all).filter(([, value]) => typeof value === 'number'));
        assert.deepEqual(got.map(([key]) => key), want.map(([key]) => key));
        assert.ok(got.length >= 12, `${kind}: ${got}`);
        got.forEach(([key, value], i) => {
          worst = Math.max(worst, Math.abs(value - want[i][1]));
          assert.ok(Math.abs(value - want[i][1]) <= DOUBT, `${kind}: ${key} is ${value}, not ${want[i][1]}`);
        });
      }
      t.diagnostic(`largest difference ${worst.toExponential(1)}`);
      assert.deepEqual([gpu.text, gpu.label], [cpu.text, cpu.label]);
      assert.ok(Math.abs(gpu.labels.mean_logprob - gpu.chat.mean_logprob) > 2 * DOUBT, 'another answer is told apart');
    });

    test(`${name}: a small model answers on the GPU`, { skip }, async () => {
      const { info, text } = await browser.evaluate(ask, { ...SMALL, options: { backend: 'gpu' } });
      assert.deepEqual([info.backend, text], ['gpu', SMALL_TEXT], info.adapter);
    });

    test(`${name}: tokens do not wait for a browser that looks seldom at what is done`, { skip }, async (t) => {
      const counts = await browser.evaluate(paced, SMALL);
      t.diagnostic(`${counts.msPerToken} ms a token, ${counts.reminders} reminders for ${counts.tokens} tokens`);
      // Two tokens are under way at a time. Firefox looks every 100 ms of its own accord: it is reminded, or has several tokens to look at.
      if (name === 'firefox') assert.ok(counts.reminders > 0 || counts.submits < counts.tokens, 'neither reminded nor given several tokens');
      else assert.deepEqual([counts.reminders, counts.submits], [0, counts.tokens]);
      assert.deepEqual(counts.texts, Array(4).fill(SMALL_TEXT));
    });
  }

  for (const kind of ['plain', 'isolated']) {
    test(`${name}: two threads say the same as one (${kind} page)`, { skip }, async () => {
      await browser.goto((kind === 'plain' ? server : isolated).origin);
      await browser.evaluate(ready);
      const one = await browser.evaluate(ask, { ...SMALL, options: { threads: 1 } });
      const two = await browser.evaluate(ask, { ...SMALL, options: { threads: 2 } });
      assert.deepEqual([one.info.threads, two.info.threads], [1, 2], two.info.threads_why);
      // This WebKitGTK isolates no page: there the threads send messages in both cases.
      assert.equal(two.info.isolated, kind === 'isolated' && name !== 'webkit');
      assert.equal(two.text, one.text);
    });
  }

  test(`${name}: the same text wherever the engine runs`, { skip }, async () => {
    for (const host of ['here', 'shared', 'auto']) {
      const { info, text } = await browser.evaluate(ask, { ...SMALL, options: { host } });
      assert.deepEqual([info.host, text], [host === 'auto' ? 'shared' : host, SMALL_TEXT], info.threads_why);
    }
    const { info } = await browser.evaluate(ask, { ...SMALL, options: { host: 'shared', threads: 2 } });
    assert.equal(info.threads, SHARED_THREADS[name], info.threads_why);
    const inWorker = ({ host, ...request }) =>
      new Promise((resolve, reject) => {
        const worker = new Worker('/own.js', { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage({ ...request, host });
      });
    for (const host of ['here', 'worker']) assert.deepEqual(await browser.evaluate(inWorker, { ...SMALL, host }), [host, SMALL_TEXT]);
  });

  test(`${name}: a service worker answers as OpenAI's server would`, { skip }, async () => {
    const run = async ({ model, ...request }) => {
      await (await caches.open('models')).add(model);
      await navigator.serviceWorker.register('/service.js', { type: 'module' });
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
      const response = await fetch('/v1/completions', { method: 'POST', body: JSON.stringify({ ...request, temperature: 0 }) });
      const { choices, error } = await response.json();
      for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
      return error?.message ?? choices[0].text;
    };
    assert.equal(await browser.evaluate(run, SMALL), SMALL_TEXT);
  });

  test(`${name}: a worker that is ended from outside is noticed, and comes back`, { skip }, async () => {
    const run = async ({ model, prompt, max_tokens }) => {
      const workers = [];
      const notices = [];
      const worker = () => {
        workers.push(new Worker('/pkg/dist/worker.js', { type: 'module' }));
        return workers.at(-1);
      };
      const engine = await globalThis.kinglet.createKinglet({ model, backend: 'cpu', cacheType: 'f32', worker, onNotice: ({ code }) => notices.push(code) });
      const endless = engine.completions.create({ prompt, max_tokens: 1_000_000, kinglet: { context_shift: true }, temperature: 0, logit_bias: { 2: -100 } }); // never the end token
      setTimeout(() => workers[0].terminate(), 100);
      const code = await endless.then(() => 'answered', (error) => error.code);
      const text = (await engine.completions.create({ prompt, max_tokens, temperature: 0 })).choices[0].text;
      engine.dispose();
      return { code, text, notices, workers: workers.length };
    };
    assert.deepEqual(await browser.evaluate(run, SMALL), { code: 'worker_failed', text: SMALL_TEXT, notices: ['worker_restarted'], workers: 2 });
  });

  for (const [model, backends] of Object.entries(MODELS)) {
    for (const backend of backends.filter((backend) => backend === 'cpu' || GPUS[name])) {
      test(`${name}: ${model} answers with the reference's text (${backend})`, { skip: skip || noModels }, async () => {
        const { prompt, tokens, text: expected } = golden(model);
        const { info, text } = await browser.evaluate(ask, { model: `/models/${model}.gguf`, prompt, max_tokens: tokens.length, options: { backend } });
        assert.deepEqual([info.backend, info.module], [backend, module]);
        assert.equal(text, expected);
      });
    }
  }

  test(`${name}: what it loaded is kept where this browser can`, { skip }, async () => {
    const look = async () => {
      const { modelStore } = globalThis.kinglet;
      const databases = (await indexedDB.databases()).map(({ name }) => name);
      const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
      const opfs = await root?.getDirectoryHandle('kinglet').catch(() => undefined);
      return { places: [opfs && 'opfs', databases.includes('kinglet') && 'indexeddb'].filter(Boolean), files: await modelStore.list() };
    };
    const { places, files } = await browser.evaluate(look);
    assert.deepEqual(places, [KEPT[name]]);
    assert.ok(files.some(({ name, complete }) => name === 'small.gguf' && complete), JSON.stringify(files));
  });
}
