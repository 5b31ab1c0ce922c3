// The API in headless Chromium with the real engine: several answers, embeddings, availability, unloading, and that what is
// left or aborted stops computing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK, DESK_NANO, noDesk } from './support/desk.mjs';
import { llamaModel } from './support/gguf.mjs';
import { bytesModel, fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing() ?? noDesk() ?? false;
const QWEN2 = fileURLToPath(new URL('../goldens/qwen2.gguf', import.meta.url));

let server;
let browser;
/** Bytes of models that were sent. */
let sent = 0;
before(async () => {
  if (skip) return;
  const models = new Map([['desk.gguf', fileModel(DESK)], ['nano.gguf', fileModel(DESK_NANO)], ['qwen2.gguf', fileModel(QWEN2)]]);
  const strange = readFileSync(QWEN2);
  strange.write('qwen9', strange.indexOf('qwen2', strange.indexOf('general.architecture')), 'latin1');
  models.set('strange.gguf', bytesModel(strange));
  models.set('large.gguf', llamaModel({ n_embd: 2048, n_ff: 8192, n_layer: 5 }));
  for (const [name, model] of models) models.set(name, counted(model));
  server = await startServer(models);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

function counted(model) {
  return {
    ...model,
    stream: async function* (start, end) {
      for await (const chunk of model.stream(start, end)) {
        sent += chunk.length;
        yield chunk;
      }
    },
  };
}

async function inPage(script, args = {}) {
  const { page, close } = await openPage(browser, server.origin);
  try {
    return await page.evaluate(script, args);
  } finally {
    await close();
  }
}

test('several answers of one request, whole and streamed', { skip }, async () => {
  const { whole, texts, roles, usage, ends } = await inPage(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model: '/models/nano.gguf', backend: 'cpu' });
    const request = { messages: [{ role: 'user', content: 'Hello there!' }], n: 3, seed: 5, max_tokens: 12, temperature: 1.2 };
    const whole = await kinglet.chat.completions.create(request);
    const texts = ['', '', ''];
    const roles = [];
    const ends = [];
    let usage;
    for await (const chunk of await kinglet.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } })) {
      usage = chunk.usage ?? usage;
      for (const { index, delta, finish_reason } of chunk.choices) {
        texts[index] += delta.content ?? '';
        if (delta.role) roles.push(index);
        if (finish_reason) ends.push([index, typeof chunk.kinglet.timings.prefill_ms]);
      }
    }
    return { whole, texts, roles, usage, ends };
  });
  assert.deepEqual(whole.choices.map(({ message }) => message.content), texts, 'the same seed says the same, streamed or not');
  assert.equal(new Set(texts).size, 3);
  assert.deepEqual(roles, [0, 1, 2]);
  assert.deepEqual(ends, [[0, 'number'], [1, 'number'], [2, 'number']]);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  assert.equal(usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens - 1, 'all of the prompt was there before');
});

test('embeddings on the GPU are those on the processor', { skip }, async () => {
  const { gpu, cpu, base64, code } = await inPage(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const input = ['Once upon a time', 'abc'];
    const of = async (backend) => {
      const kinglet = await createKinglet({ model: '/models/qwen2.gguf', backend, cacheType: 'f32', exact: true });
      const { data, usage } = await kinglet.embeddings.create({ input });
      const [{ embedding: base64 }] = (await kinglet.embeddings.create({ input, encoding_format: 'base64' })).data;
      const code = await kinglet.embeddings.create({ input, pooling: 'last' }).catch((e) => `${e.code} ${e.detail.param}`);
      const backendUsed = kinglet.info.backend;
      kinglet.dispose();
      return { vectors: data.map(({ embedding }) => embedding), usage, base64, code, backend: backendUsed };
    };
    const [gpu, cpu] = [await of('gpu'), await of('cpu')];
    return { gpu, cpu, base64: gpu.base64, code: cpu.code };
  });
  assert.deepEqual([gpu.backend, cpu.backend], ['gpu', 'cpu']);
  for (const [i, vector] of gpu.vectors.entries()) {
    const cosine = vector.reduce((sum, value, j) => sum + value * cpu.vectors[i][j], 0);
    assert.ok(cosine > 1 - 1e-4 && cosine < 1 + 1e-4, `${cosine}`);
  }
  const floats = new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
  assert.deepEqual([...floats], gpu.vectors[0].map(Math.fround));
  assert.equal(code, 'invalid_request pooling');
  assert.equal(gpu.usage.prompt_tokens, cpu.usage.prompt_tokens);
});

test('availability: what fits is downloadable, then available; only the header is fetched', { skip }, async () => {
  sent = 0;
  const first = await inPage(async () => {
    const { availability } = await import('/pkg/dist/index.js');
    return { cpu: await availability({ model: '/models/large.gguf' }), gpu: await availability({ model: '/models/large.gguf', backend: 'gpu' }) };
  });
  assert.ok(sent < 24e6, `${sent} bytes were sent of ${server.models.get('large.gguf').size}`);
  const size = server.models.get('large.gguf').size;
  assert.ok(size > 2e8);
  assert.deepEqual([first.cpu.status, first.cpu.backend], ['downloadable', 'cpu'], JSON.stringify(first.cpu));
  assert.deepEqual([first.gpu.status, first.gpu.backend], ['downloadable', 'gpu'], JSON.stringify(first.gpu));
  assert.equal(first.cpu.model.file_bytes, size);
  assert.equal(first.cpu.download.needed, size);
  assert.ok(first.cpu.download.available > 0);
  const { weights, cache, activations } = first.gpu.model.memory;
  assert.equal(first.gpu.memory.needed, weights + cache + activations);

  const { before, stored, blob, again } = await inPage(async () => {
    const { availability, createKinglet } = await import('/pkg/dist/index.js');
    const options = { model: '/models/nano.gguf', backend: 'cpu' };
    const before = await availability(options);
    const kinglet = await createKinglet(options);
    const again = await kinglet.availability();
    kinglet.dispose();
    const stored = await availability(options);
    const blob = await availability({ ...options, model: await (await fetch('/models/nano.gguf')).blob() });
    return { before, stored, blob, again };
  });
  assert.equal(before.status, 'downloadable');
  assert.deepEqual([again.status, stored.status, blob.status], ['available', 'available', 'available'], JSON.stringify({ again, stored, blob }));
  assert.equal(stored.download, undefined);
});

test('availability: what does not fit, what is not supported, and what cannot be known', { skip }, async () => {
  const found = await inPage(async () => {
    const { availability } = await import('/pkg/dist/index.js');
    const ask = (options) => availability({ store: 'none', ...options }).catch((e) => ({ thrown: e.code, param: e.detail.param }));
    const noGpu = async () => {
      // A page cannot take WebGPU from its workers; it can ask in its own thread.
      Object.defineProperty(navigator, 'gpu', { value: undefined, configurable: true });
      return ask({ model: '/models/nano.gguf', backend: 'gpu', host: 'here' });
    };
    return {
      context: await ask({ model: '/models/large.gguf', backend: 'cpu', context: 4_000_000 }),
      gpu: await ask({ model: '/models/large.gguf', backend: 'gpu', context: 4_000_000 }),
      coarse: await ask({ model: '/models/nano.gguf', cacheType: 'q8_0' }),
      coarseGpu: await ask({ model: '/models/nano.gguf', backend: 'gpu', cacheType: 'q8_0' }),
      strange: await ask({ model: '/models/strange.gguf' }),
      page: await ask({ model: '/index.html' }),
      absent: await ask({ model: '/models/nowhere.gguf' }),
      stream: await ask({ model: new Blob(['x']).stream() }),
      option: await ask({ model: '/models/nano.gguf', modle: 1 }),
      noGpu: await noGpu(),
    };
  });
  for (const { status, code, memory, reason } of [found.context, found.gpu]) {
    assert.deepEqual([status, code], ['too_large', 'too_large']);
    assert.ok(memory.needed > memory.available, reason);
  }
  assert.deepEqual([found.strange.status, found.strange.code], ['unsupported', 'unsupported_architecture'], JSON.stringify(found.strange));
  assert.match(found.strange.reason, /qwen9/);
  assert.equal(found.coarse.backend, 'cpu', JSON.stringify(found.coarse));
  assert.equal(found.coarseGpu.backend, 'gpu', 'every type of cache is on either');
  assert.ok(found.coarseGpu.memory.needed < found.gpu.memory.needed, JSON.stringify(found.coarseGpu));
  assert.deepEqual([found.page.status, found.page.code], ['unsupported', 'bad_file'], JSON.stringify(found.page));
  assert.equal(found.absent.thrown, 'http');
  assert.deepEqual([found.stream.thrown, found.stream.param], ['invalid_request', 'model']);
  assert.deepEqual([found.option.thrown, found.option.param], ['invalid_request', 'modle']);
  assert.deepEqual([found.noGpu.status, found.noGpu.code], ['unsupported', 'gpu_unavailable'], JSON.stringify(found.noGpu));
});

test('unload ends the worker, the next request brings it back; two models answer at once', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  try {
    const step = (work) => page.evaluate(work);
    await step(async () => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const load = (model) => createKinglet({ model, backend: 'cpu', threads: 1, context: 512 });
      globalThis.both = await Promise.all([load('/models/nano.gguf'), load('/models/desk.gguf')]);
      globalThis.ask = { messages: [{ role: 'user', content: 'Hello!' }], temperature: 0, max_tokens: 8, logit_bias: { 2: -100 } };
    });
    assert.equal(page.workers().length, 2);
    const alone = await step(async () => {
      const texts = [];
      for (const kinglet of globalThis.both) texts.push((await kinglet.chat.completions.create(globalThis.ask)).choices[0].message.content);
      return texts;
    });
    const { texts, order } = await step(async () => {
      const streams = await Promise.all(globalThis.both.map((kinglet) => kinglet.chat.completions.create({ ...globalThis.ask, stream: true })));
      const texts = ['', ''];
      const order = [];
      for (let open = 2; open > 0; ) {
        open = 0;
        for (const [i, stream] of streams.entries()) {
          const { done, value } = await stream.next();
          if (done) continue;
          open += 1;
          order.push(i);
          texts[i] += value.choices[0].delta.content ?? '';
        }
      }
      return { texts, order };
    });
    assert.deepEqual(texts, alone);
    assert.deepEqual(order.slice(0, 6), [0, 1, 0, 1, 0, 1]);
    const used = await step(async () => {
      const { used } = await globalThis.both[0].contextUsage();
      await globalThis.both[0].unload();
      return used;
    });
    assert.ok(used > 8);
    assert.equal(await eventually(() => page.workers().length, (workers) => workers === 1), 1, 'its memory is gone with its worker');
    const back = await step(async () => (await globalThis.both[0].chat.completions.create(globalThis.ask)).choices[0].message.content);
    assert.equal(back, alone[0]);
    assert.equal(page.workers().length, 2);
    await step(() => globalThis.both.forEach((kinglet) => kinglet.dispose()));
  } finally {
    await close();
  }
});

test('what is left or aborted computes nothing more: with several answers, in a long prompt, in the queue, in embeddings', { skip }, async () => {
  const found = await inPage(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model: '/models/qwen2.gguf', backend: 'gpu', context: 2048 });
    const dispatches = async () => (await kinglet.stats()).dispatches;
    const rest = () => new Promise((resolve) => setTimeout(resolve, 150));
    /** Dispatches until it has ended, and those after that. */
    const counted = async (work) => {
      const before = await dispatches();
      const code = await work().catch((e) => e.code);
      const done = await dispatches();
      await rest();
      return { code, cost: done - before, after: (await dispatches()) - done };
    };
    const request = { prompt: 'abc', max_tokens: 16, temperature: 0, logit_bias: { 2: -100 } };
    const found = { one: await counted(() => kinglet.completions.create(request)) };
    found.left = await counted(async () => {
      for await (const { choices } of await kinglet.completions.create({ ...request, n: 50, stream: true })) {
        if (choices[0].index === 1) break;
      }
    });
    const long = 'word '.repeat(250);
    found.whole = await counted(() => kinglet.completions.create({ ...request, prompt: `x ${long}`, max_tokens: 1 }));
    const soon = (ms) => ({ signal: AbortSignal.timeout(ms) });
    found.prompt = await counted(() => kinglet.completions.create({ ...request, prompt: `y ${long}`, max_tokens: 1 }, soon(5)));
    const stream = await kinglet.completions.create({ ...request, stream: true });
    await stream.next();
    found.queue = await counted(() => kinglet.completions.create({ ...request, prompt: 'never' }, soon(30)));
    await stream.return();
    found.embeddings = await counted(() => kinglet.embeddings.create({ input: Array(200).fill(long) }, soon(30)));
    const { choices } = await kinglet.completions.create(request);
    found.text = choices[0].text;
    found.again = (await kinglet.completions.create(request)).choices[0].text;
    kinglet.dispose();
    return found;
  });
  const { one, left, whole, prompt, queue, embeddings } = found;
  for (const [name, { after }] of Object.entries({ left, prompt, queue, embeddings })) {
    assert.equal(after, 0, `${name}: ${after} dispatches after the end`);
  }
  assert.ok(left.cost <= 2 * one.cost + one.cost / 4, `${left.cost} dispatches for one answer and a piece; one takes ${one.cost}`);
  assert.deepEqual([prompt.code, queue.code, embeddings.code], ['aborted', 'aborted', 'aborted']);
  assert.ok(prompt.cost < whole.cost, `${prompt.cost} of ${whole.cost}`);
  assert.equal(queue.cost, 0);
  assert.ok(embeddings.cost < 20 * whole.cost, `${embeddings.cost}`);
  assert.equal(found.text, found.again);
});
