// The package in headless Chromium, called from a page's script: order of requests, aborting, memory, servers without
// ranges, split files.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage, shared } from './support/browser.mjs';
import { llamaModel, tokenizerOf } from './support/gguf.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { steady } from './support/wait.mjs';

const skip = missing();
const NAME = 'stories260K-phi3-f32';
const path = shared(`models/${NAME}.gguf`);
const skipShared = skip ?? (path ? false : 'no shared data');
const goldens = path && JSON.parse(readFileSync(shared(`models/${NAME}.golden.json`), 'utf8')).llama_cpp.generations;
/** Small committed models, one feature each. */
const GOLDENS = fileURLToPath(new URL('../goldens', import.meta.url));
const MIB = 1024 * 1024;
/** What the GPU path may take of linear memory above a fresh instance, whatever the size of the file. */
const GPU_MEMORY = 64 * MIB;
/** The CPU backend holds each weight once: its memory may be this multiple of the tensors, plus the cache. */
const CPU_MEMORY = 1.1;
/** What each further thread may have beside its share: pieces of 4 MiB under way to it, and what it gathers. */
const THREAD_MEMORY = 8 * MIB;

let server;
let browser;
const scripts = new Map();
before(async () => {
  if (skip) return;
  server = await startServer(new Map(), { scripts });
  browser = await launch();
  if (path) server.models.set(`${NAME}.gguf`, fileModel(path));
  for (const name of readdirSync(GOLDENS).filter((name) => name.endsWith('.gguf'))) {
    server.models.set(name, fileModel(`${GOLDENS}/${name}`));
  }
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs `script(args)` on a page of the server, which imports the package itself; adds the network log. */
async function inPage(script, args = {}) {
  const { page, requests, complaints, close } = await openPage(browser, server.origin);
  try {
    return { ...(await page.evaluate(script, args)), requests, complaints };
  } finally {
    await close();
  }
}

test('a forced GPU computes: adapter, dispatches, one submit per step', { skip: skipShared }, async () => {
  const run = async ({ model, prompt }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const phases = new Set();
    const kinglet = await createKinglet({ model, backend: 'gpu', cacheType: 'f32', onProgress: (p) => phases.add(p.phase) });
    const loaded = await kinglet.stats();
    const ask = (max_tokens) => kinglet.completions.create({ prompt, max_tokens, temperature: 0 });
    const answer = await ask(64);
    const done = await kinglet.stats();
    return { info: kinglet.info, loaded, done, answer, phases: [...phases] };
  };
  const { info, loaded, done, answer, phases, complaints } = await inPage(run, { model: `/models/${NAME}.gguf`, prompt: goldens[1].prompt });
  assert.equal(info.backend, 'gpu');
  assert.equal(info.software, true);
  assert.match(info.adapter, /swiftshader/i);
  assert.equal(info.chat_template, false);
  assert.ok(done.dispatches - loaded.dispatches > 64 * 5, `${done.dispatches} dispatches`);
  assert.ok(done.submits - loaded.submits <= 3 * 64, `${done.submits - loaded.submits} submits`);
  assert.equal(answer.choices[0].text, goldens[1].text);
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.equal(answer.usage.prompt_tokens, goldens[1].prompt_tokens.length);
  assert.equal(answer.usage.completion_tokens, 64);
  assert.ok(phases.includes('upload') && phases.includes('ready'), phases.join());
  assert.deepEqual(complaints, []);
});

test('auto avoids a GPU that is emulated in software, and says why', { skip: skipShared }, async () => {
  const run = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const { info } = await createKinglet({ model });
    return { info };
  };
  const { info } = await inPage(run, { model: `/models/${NAME}.gguf` });
  assert.equal(info.backend, 'cpu');
  assert.ok(info.fallback.length > 10, info.fallback);
});

for (const backend of ['gpu', 'cpu']) {
  test(`a second request waits for the first (${backend})`, { skip: skipShared }, async () => {
    const run = async ({ model, backend, prompts }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model, backend, cacheType: 'f32' });
      const order = [];
      const common = { temperature: 0, max_tokens: 64 };
      const first = await kinglet.completions.create({ ...common, prompt: prompts[0], stream: true });
      let text = (await first.next()).value.choices[0].text;
      const second = kinglet.completions.create({ ...common, prompt: prompts[1] }).then((answer) => {
        order.push('second');
        return answer;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      order.push(`${order.length} before the first went on`);
      for await (const chunk of first) text += chunk.choices[0].text;
      order.push('first');
      return { order, texts: [text, (await second).choices[0].text] };
    };
    const prompts = goldens.slice(0, 2).map((g) => g.prompt);
    const { order, texts } = await inPage(run, { model: `/models/${NAME}.gguf`, backend, prompts });
    assert.deepEqual(order, ['0 before the first went on', 'first', 'second']);
    assert.deepEqual(texts, goldens.slice(0, 2).map((g) => g.text));
  });

  test(`break and abort stop within one step (${backend})`, { skip: skipShared }, async (t) => {
    scripts.set('/pkg/dist/worker.js', `\n;(${steady})();`);
    t.after(() => scripts.clear());
    const run = async ({ model, backend, prompt }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model, backend, cacheType: 'f32' });
      const rest = () => new Promise((resolve) => setTimeout(resolve, 200));
      const request = { prompt, max_tokens: 200, temperature: 0, stream: true };
      const counts = [];
      // One step more costs as many dispatches as this.
      const measure = async (max_tokens) => {
        const before = (await kinglet.stats()).dispatches;
        await kinglet.completions.create({ ...request, stream: false, max_tokens });
        return (await kinglet.stats()).dispatches - before;
      };
      await measure(1); // the prompt is in the cache from here on
      const step = (await measure(9)) - (await measure(8));

      let seen = 0;
      let before = (await kinglet.stats()).dispatches;
      for await (const _ of await kinglet.completions.create(request)) {
        if (++seen === 10) break;
      }
      counts.push((await kinglet.stats()).dispatches - before);
      await rest();
      counts.push((await kinglet.stats()).dispatches - before);

      const control = new AbortController();
      let code = '';
      before = (await kinglet.stats()).dispatches;
      seen = 0;
      try {
        for await (const _ of await kinglet.completions.create({ ...request, signal: control.signal })) {
          if (++seen === 10) control.abort();
        }
      } catch (error) {
        code = error.code;
      }
      counts.push((await kinglet.stats()).dispatches - before);
      await rest();
      counts.push((await kinglet.stats()).dispatches - before);
      const after = await kinglet.completions.create({ ...request, stream: false, max_tokens: 64 });
      return { counts, step, code, seen, ten: await measure(10), after: after.choices[0].text };
    };
    const { counts, step, ten, code, seen, after } = await inPage(run, { model: `/models/${NAME}.gguf`, backend, prompt: goldens[0].prompt });
    assert.equal(code, 'aborted');
    assert.equal(seen, 10);
    assert.equal(after, goldens[0].text);
    assert.equal(counts[0], counts[1], 'nothing runs after a break');
    assert.equal(counts[2], counts[3], 'nothing runs after an abort');
    for (const count of [counts[0], counts[2]]) {
      // A chunk may hold two tokens (a character in two bytes), and the step in flight ends.
      assert.ok(count <= ten + 3 * step, `${count} dispatches for 10 chunks; 10 tokens take ${ten}, one step ${step}`);
    }
    if (backend === 'gpu') assert.ok(step > 0);
  });
}

test('loading can be aborted', { skip }, async () => {
  server.models.set('slow.gguf', { size: 1e9, stream: async function* () { await new Promise((r) => setTimeout(r, 60_000).unref()); } });
  const run = async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const started = performance.now();
    const signal = AbortSignal.timeout(200);
    const code = await createKinglet({ model: '/models/slow.gguf', signal }).then(() => 'loaded', (error) => error.code);
    return { code, ms: performance.now() - started };
  };
  const { code, ms } = await inPage(run);
  assert.equal(code, 'aborted');
  assert.ok(ms < 30_000, `${ms} ms`); // the server would have taken a minute
});

test('bad requests are typed errors that name the parameter; the engine goes on', { skip: skipShared }, async () => {
  const run = async ({ model }) => {
    const { createKinglet, KingletError } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, backend: 'cpu', context: 64 });
    const errors = [];
    for (const request of [{ prompt: 'x', bogus: 1 }, { prompt: 'x', temperature: -1 }, {}, { prompt: 'x '.repeat(100) }]) {
      await kinglet.completions.create(request).catch((e) => errors.push([e instanceof KingletError, e.code, e.detail.param ?? '']));
    }
    const chat = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'x' }] }).catch((e) => e.code);
    const ids = await kinglet.tokenize('Once upon a time');
    return { errors, chat, ids, text: await kinglet.detokenize(ids), ok: (await kinglet.completions.create({ prompt: 'x', max_tokens: 2 })).usage };
  };
  const { errors, chat, ids, text, ok } = await inPage(run, { model: `/models/${NAME}.gguf` });
  assert.deepEqual(errors, [
    [true, 'invalid_request', 'bogus'],
    [true, 'invalid_request', 'temperature'],
    [true, 'invalid_request', 'prompt'],
    [true, 'context_overflow', ''],
  ]);
  assert.ok(['template', 'unsupported_feature', 'invalid_request'].includes(chat), chat);
  assert.ok(ids.length > 3);
  assert.match(text, /Once upon a time$/);
  assert.equal(ok.completion_tokens, 2);
});

test('a server without ranges is read as one stream', { skip: skipShared }, async () => {
  const run = async ({ model, prompt }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, backend: 'cpu', cacheType: 'f32' });
    return { text: (await kinglet.completions.create({ prompt, max_tokens: 64, temperature: 0 })).choices[0].text };
  };
  const { text, requests } = await inPage(run, { model: `/no-range/${NAME}.gguf`, prompt: goldens[2].prompt });
  assert.equal(text, goldens[2].text);
  const fetched = requests.filter((url) => url.includes('.gguf')).length;
  assert.ok(fetched <= 2, `${fetched} requests`);
});

test('an address may be relative, absolute or a blob\'s', { skip }, async () => {
  const run = async ({ name }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const blob = await (await fetch(`/models/${name}`)).blob();
    const addresses = [`models/${name}`, new URL(`/models/${name}`, location.href), URL.createObjectURL(blob), blob];
    const models = await Promise.all(addresses.map((model) => createKinglet({ model, backend: 'cpu' }))); // all at once
    return { names: models.map((kinglet) => kinglet.info.model) };
  };
  const { page, close } = await openPage(browser, server.origin, { bypassCSP: true });
  await page.route('**/worker.js', async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    delete headers['content-security-policy']; // ours allows no blob: addresses
    await route.fulfill({ response, headers });
  });
  try {
    assert.deepEqual((await page.evaluate(run, { name: 'qwen2.gguf' })).names, Array(4).fill('qwen2'));
  } finally {
    await close();
  }
});

test('the parts of a split file are found by the first one\'s name', { skip }, async () => {
  const run = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, backend: 'cpu' });
    return { answer: await kinglet.completions.create({ prompt: 'a', max_tokens: 4, temperature: 0 }) };
  };
  const { answer, requests } = await inPage(run, { model: '/models/split-00001-of-00003.gguf' });
  assert.ok(answer.usage.completion_tokens > 0);
  assert.ok(requests.some((url) => url.endsWith('split-00003-of-00003.gguf')));
});

test('the committed models say the same on the GPU as on the CPU', { skip }, async () => {
  const run = async ({ models }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const texts = {};
    for (const model of models) {
      texts[model] = [];
      for (const backend of ['gpu', 'cpu']) {
        const kinglet = await createKinglet({ model: `/models/${model}.gguf`, backend, cacheType: 'f32' });
        const answer = await kinglet.completions.create({ prompt: 'abc', max_tokens: 24, temperature: 0 });
        texts[model].push(`${kinglet.info.backend}: ${answer.choices[0].text}`);
        kinglet.dispose();
      }
    }
    return { texts };
  };
  const models = ['phi4mini', 'llama3', 'qwen2', 'qwen3'];
  const { texts, complaints } = await inPage(run, { models });
  for (const model of models) {
    const [gpu, cpu] = texts[model];
    assert.ok(gpu.startsWith('gpu: ') && cpu.startsWith('cpu: '));
    assert.ok(cpu.length > 15, cpu);
    assert.equal(gpu.slice(5), cpu.slice(5), model);
  }
  assert.deepEqual(complaints, []);
});

/** Loads a model, generates, and reports memory. */
async function memoryOf({ model, backend, context, threads }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const started = performance.now();
  const kinglet = await createKinglet({ model, backend, context, threads, cacheType: 'f16' });
  const loaded = performance.now();
  const answer = await kinglet.completions.create({ prompt: 'once', max_tokens: 1, temperature: 0 });
  const stats = await kinglet.stats(); // linear memory only grows: this is the peak
  return { grown: stats.wasm_memory - stats.wasm_memory_fresh, load_ms: loaded - started, usage: answer.usage, info: kinglet.info };
}

test('on the GPU path a file of hundreds of megabytes stays out of linear memory', { skip }, async (t) => {
  const model = llamaModel({ n_embd: 2048, n_ff: 8192, n_layer: process.env.KINGLET_SOAK ? 20 : 5 });
  server.models.set('large.gguf', model);
  for (const area of ['models', 'no-range']) {
    const { grown, load_ms, usage } = await inPage(memoryOf, { model: `/${area}/large.gguf`, backend: 'gpu', context: 64 });
    t.diagnostic(`${area}: file ${(model.size / MIB).toFixed(0)} MiB, loaded in ${load_ms.toFixed(0)} ms, linear memory grew by ${(grown / MIB).toFixed(1)} MiB`);
    assert.ok(model.size > 300 * MIB);
    assert.ok(grown < GPU_MEMORY, `${grown / MIB} MiB`);
    assert.ok(usage.completion_tokens > 0);
  }
});

/** Every Llama-3 file has it: 128 256 tokens, 280 147 merges. */
const largeVocabulary = shared('vocab/rebuilt-vocab-llama-bpe.gguf');

test('on the GPU path a large vocabulary fits into the same memory', { skip: skip ?? (largeVocabulary ? false : 'no shared data') }, async (t) => {
  const tokenizer = tokenizerOf(readFileSync(largeVocabulary));
  const model = llamaModel({ n_embd: 256, n_ff: 512, n_layer: 1, tokenizer });
  server.models.set('vocabulary.gguf', model);
  for (const area of ['models', 'no-range']) {
    const { grown, load_ms, usage } = await inPage(memoryOf, { model: `/${area}/vocabulary.gguf`, backend: 'gpu', context: 64 });
    t.diagnostic(`${area}: ${tokenizer.n_vocab} tokens, loaded in ${load_ms.toFixed(0)} ms, linear memory grew by ${(grown / MIB).toFixed(1)} MiB`);
    assert.ok(grown < GPU_MEMORY, `${grown / MIB} MiB`);
    assert.ok(usage.completion_tokens > 0);
  }
});

test('the CPU backend holds each weight once', { skip }, async (t) => {
  const shape = { n_embd: 1024, n_ff: 4096, n_layer: 8 };
  const model = llamaModel(shape);
  server.models.set('medium.gguf', model);
  const context = 64;
  const cache = shape.n_layer * context * shape.n_embd * 2 * 2; // f16 keys and values
  for (const [area, threads] of [['models', 1], ['no-range', 1], ['models', 2]]) {
    const { grown, load_ms } = await inPage(memoryOf, { model: `/${area}/medium.gguf`, backend: 'cpu', context, threads });
    t.diagnostic(
      `${area}, ${threads} threads: tensors ${(model.tensorBytes / MIB).toFixed(0)} MiB, loaded in ${load_ms.toFixed(0)} ms, linear memory grew by ${(grown / MIB).toFixed(1)} MiB = ${(grown / model.tensorBytes).toFixed(3)} x`,
    );
    assert.ok(grown <= CPU_MEMORY * model.tensorBytes + cache + (threads - 1) * THREAD_MEMORY, `${grown} bytes`);
  }
});

test('a model that cannot fit is refused before anything is read', { skip }, async () => {
  server.models.set('huge.gguf', llamaModel({ n_embd: 8192, n_ff: 32768, n_layer: 12 }));
  const run = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    // Not kept: a store would find out first that there is no room for it.
    return createKinglet({ model, backend: 'cpu', store: 'none' }).then(() => ({ code: 'loaded' }), (e) => ({ code: e.code, detail: e.detail }));
  };
  const { code, detail } = await inPage(run, { model: '/models/huge.gguf' });
  assert.equal(code, 'too_large');
  assert.ok(detail.needed > detail.available);
});

test('a worker or Wasm that cannot be had is "worker_failed" or a typed error, not silence', { skip }, async () => {
  const run = async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const code = (options) => createKinglet({ model: '/models/any.gguf', ...options }).then(() => 'loaded', (e) => e.code);
    return { worker: await code({ worker: '/absent.js' }), wasm: await code({ wasm: '/absent.wasm' }) };
  };
  const { worker, wasm } = await inPage(run);
  assert.equal(worker, 'worker_failed');
  assert.equal(wasm, 'worker_failed');
});
