// What the token loop asks of WebGPU in Chromium, counted where the worker calls it: over a thousand tokens one submit, one
// pass and one map for each, nothing created, and memory that stays as it is. Each count is shown to notice one too many.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
const WORKER = '/pkg/dist/worker.js';
const MODEL = new URL('../goldens/qwen2.gguf', import.meta.url).pathname;

/** Kernels of a model, and of the comparison with the twins before it is loaded. */
const MOST_PIPELINES = 40;
/** Bytes by which the heaps of a page with its workers may differ: what a garbage collector has not looked at yet. */
const HEAP_SLACK = 2 << 20;

let server;
let browser;
const scripts = new Map();
before(async () => {
  if (skip) return;
  server = await startServer(new Map([['model.gguf', fileModel(MODEL)]]), { scripts, isolated: true });
  browser = await launch(['--enable-blink-features=ForceEagerMeasureMemory']);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** In the worker: counts calls, adds one now and then where `extra` names it, and tells the page when it asks. */
function counter(extra) {
  const counts = {};
  const calls = [
    [GPUDevice, /^create/],
    [GPUCommandEncoder, /^beginComputePass$|^copyBufferToBuffer$/],
    [GPUComputePassEncoder, /^dispatchWorkgroups$/],
    [GPUQueue, /^submit$/],
    [GPUBuffer, /^mapAsync$/],
  ];
  let device;
  for (const [type, names] of calls) {
    for (const name of Object.getOwnPropertyNames(type.prototype).filter((name) => names.test(name))) {
      const real = type.prototype[name];
      type.prototype[name] = function (...args) {
        const empty = name === 'submit' && [...args[0]].length === 0;
        counts[empty ? 'kick' : name] = (counts[empty ? 'kick' : name] ?? 0) + 1;
        return real.apply(this, args);
      };
    }
  }
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    device = await requestDevice.apply(this, args);
    return device;
  };
  const size = 16;
  const waste = {
    createBuffer: () => device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST }).destroy(),
    createBindGroup: () => device.createBindGroup({ layout: device.createBindGroupLayout({ entries: [] }), entries: [] }),
    submit: () => device.queue.submit([device.createCommandEncoder().finish()]),
    beginComputePass: () => device.createCommandEncoder().beginComputePass().end(),
    mapAsync: () => device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ }).mapAsync(GPUMapMode.READ),
  }[extra];
  if (waste) {
    const { writeBuffer } = GPUQueue.prototype; // once in each step, beside what is counted
    let calls = 0;
    GPUQueue.prototype.writeBuffer = function (...args) {
      if (device?.wasteful && calls++ % 50 === 0) waste();
      return writeBuffer.apply(this, args);
    };
  }
  let memory;
  const { instantiate, instantiateStreaming } = WebAssembly;
  const kept = (real) => async (...args) => {
    const result = await real.apply(WebAssembly, args);
    const exports = (result.instance ?? result).exports;
    if (exports?.memory) memory = exports.memory;
    return result;
  };
  WebAssembly.instantiate = kept(instantiate);
  WebAssembly.instantiateStreaming = kept(instantiateStreaming);
  const channel = new BroadcastChannel('counts');
  channel.onmessage = ({ data }) => {
    if (data !== 'ask') return;
    if (device) device.wasteful = true;
    channel.postMessage({ counts: { ...counts }, wasm: memory?.buffer.byteLength, device: device !== undefined });
  };
}

/** On the page: the counts after loading, and what `answers` greedy answers of `tokens` tokens added to them. */
async function run({ model, tokens, answers }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const kinglet = await createKinglet({ model, backend: 'gpu', context: tokens + 64 });
  const channel = new BroadcastChannel('counts');
  const ask = () =>
    new Promise((resolve) => {
      channel.onmessage = ({ data }) => data.device && resolve(data);
      channel.postMessage('ask');
    });
  let generated = 0;
  const answer = async (prompt) => {
    // The token that ends an answer is banned.
    const result = await kinglet.completions.create({ prompt, max_tokens: tokens, temperature: 0, logit_bias: { 2: -100 } });
    generated += result.usage.completion_tokens;
  };
  const heap = async () => (await performance.measureUserAgentSpecificMemory()).bytes;
  await answer('warm');
  await answer('warm again');
  const [before, heapBefore] = [await ask(), await heap()];
  generated = 0;
  for (let i = 0; i < answers; i++) await answer(`Once there were ${i} birds`);
  const [after, heapAfter] = [await ask(), await heap()];
  kinglet.dispose();
  const added = Object.fromEntries(Object.entries(after.counts).map(([name, n]) => [name, n - (before.counts[name] ?? 0)]));
  return { loaded: before.counts, added, generated, wasm: [before.wasm, after.wasm], heap: [heapBefore, heapAfter] };
}

async function counted(args, extra) {
  scripts.set(WORKER, `\n;(${counter})(${JSON.stringify(extra)});`);
  const { page, close } = await openPage(browser, server.origin);
  page.setDefaultTimeout(300_000);
  try {
    return await page.evaluate(run, { model: '/models/model.gguf', ...args });
  } finally {
    await close();
    scripts.delete(WORKER);
  }
}

/** What is wrong with the counts of `generated` tokens, or undefined. */
function wrong({ added, generated }) {
  for (const [name, count] of Object.entries(added)) {
    // An encoder for each submit is made of nothing that lasts.
    if (name.startsWith('create') && name !== 'createCommandEncoder' && count > 0) return `${count} × ${name}`;
  }
  for (const name of ['submit', 'createCommandEncoder', 'beginComputePass', 'mapAsync']) {
    if (added[name] !== generated) return `${added[name]} × ${name} for ${generated} tokens`;
  }
  // A prompt's step has others than a token's: dispatches are counted natively (tests/it/gpu_loop.rs).
  return undefined;
}

test('a thousand tokens create nothing and leave nothing behind', { skip, timeout: 400_000 }, async () => {
  const result = await counted({ tokens: 100, answers: 10 });
  console.log(JSON.stringify(result));
  assert.equal(result.generated, 1000);
  assert.equal(wrong(result), undefined);
  assert.ok(result.loaded.createComputePipeline > 5 && result.loaded.createComputePipeline <= MOST_PIPELINES, `${result.loaded.createComputePipeline} pipelines`);
  assert.ok(result.wasm[0] > 0, 'the memory was found');
  assert.equal(result.wasm[1], result.wasm[0], 'Wasm memory');
  assert.ok(result.heap[1] - result.heap[0] < HEAP_SLACK, `heap: ${result.heap}`);
});

for (const extra of ['createBuffer', 'createBindGroup', 'submit', 'beginComputePass', 'mapAsync']) {
  test(`one ${extra} too many is noticed`, { skip, timeout: 200_000 }, async () => {
    const result = await counted({ tokens: 60, answers: 1 }, extra);
    assert.match(wrong(result) ?? 'nothing', /create|submit|beginComputePass|mapAsync/);
  });
}
