// Every variant of every kernel in three WebGPUs that share no code with the native one, or with each other: Dawn with Chromium, wgpu
// and naga in Firefox, and Dawn in Node. Each compiles what its device has, and says the same with every tuning.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { shared } from './support/browser.mjs';
import { EXPOSE, LAUNCHERS, ready } from './support/browsers.mjs';
import { missingDawn, openDawn } from './support/dawn.mjs';
import { nodeKinglet, wasmBytes } from './support/node-engine.mjs';
import { fileModel, startServer } from './support/server.mjs';

const NANO = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
const MIX = 'stories260K-p256-phi3-q4_k_m';
/** Models by their names on the server; the second has three formats, and stands for the first where it is there. */
const MODELS = new Map([['nano.gguf', NANO], ['mix.gguf', shared(`models/${MIX}.gguf`)]].filter(([, path]) => path));
const [LAST] = [...MODELS.keys()].slice(-1);

/** The modules on `globalThis`: `kinglet`, and `wasm` with what only tests call. */
const SCRIPT = `import * as wasm from '/pkg/wasm/kinglet.js';
  globalThis.wasm = wasm;${EXPOSE}`;

/** Dawn in this process, with the face of a browser. */
async function launchDawn() {
  await openDawn();
  const wasm = await import('../../pkg/wasm/kinglet.js');
  globalThis.wasm = { ...wasm, default: () => wasm.default({ module_or_path: wasmBytes('kinglet') }) };
  globalThis.kinglet = {
    createKinglet: async ({ model, ...options }) => (await nodeKinglet(MODELS.get(model.split('/').pop()), options)).kinglet,
  };
  return { goto: () => undefined, evaluate: (script, args) => (script === ready ? undefined : script(args)), close: () => undefined };
}

/**
 * What each of them has (Chromium and Node on SwiftShader, Firefox on lavapipe), and of which shaders pipelines are made: a pattern
 * for their names. SwiftShader takes seconds for many, so that one format stands for all, and the longest head; Node has the same compiler and driver,
 * and answers with the first model only.
 */
const PLACES = {
  chromium: { ...LAUNCHERS.chromium, has: { subgroups: [4, 4], f16: false }, pipelines: '^(?!.*FORMAT=(?!q4_k))(?!.*DIM=(?!256))', model: LAST },
  firefox: { ...LAUNCHERS.firefox, has: { subgroups: null, f16: true }, pipelines: '', model: LAST },
  node: { missing: missingDawn, launch: launchDawn, has: { subgroups: [4, 4], f16: false }, pipelines: '^$', model: 'nano.gguf' },
};

const [F32, F16, INT8] = ['f32', 'f16', 'int8'];
const tuning = (reduce, lanes, math) => ({ gemv: { reduce, lanes, math }, gemm: { reduce, math }, attention: { reduce, split: 64 } });
/** One for each way to bring sums together, and to multiply. */
const TUNINGS = [['tree', 32, F32], ['subgroups', 32, F32], ['subgroups', 64, F32], ['tree', 32, F16], ['tree', 32, INT8]];

/** Variants that one call compiles: a driver's script has a minute. */
const SLICE = 24;

/** In a place: compiles what it can of a slice, and says of each feature how many of the variants that need it were compiled. */
async function compileSome({ from, to, pipelines }) {
  const whole = new RegExp(pipelines);
  const { default: init, shader_variants } = globalThis.wasm;
  await init();
  const { gpu } = globalThis.navigator;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  const requiredFeatures = ['subgroups', 'shader-f16'].filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredFeatures }); // the default limits, as the engine's
  const has = (need) => requiredFeatures.includes(need) || gpu.wgslLanguageFeatures?.has(need) === true;
  const compiled = {};
  const compile = async ({ name, code, entry }) => {
    device.pushErrorScope('internal');
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    if (whole.test(name)) {
      device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: entry } });
      compiled.pipelines = (compiled.pipelines ?? 0) + 1;
    }
    const scopes = [await device.popErrorScope(), await device.popErrorScope()].filter(Boolean);
    return [...[...messages].filter((m) => m.type === 'error' || m.type === 'warning').map((m) => `${m.lineNum}: ${m.message}`), ...scopes.map((scope) => scope.message)];
  };
  const failures = [];
  const listed = {};
  const variants = shader_variants();
  for (const variant of variants.slice(from, to)) {
    for (const need of ['all', ...variant.needs]) listed[need] = (listed[need] ?? 0) + 1;
    if (!variant.needs.every(has)) continue;
    for (const need of ['all', ...variant.needs]) compiled[need] = (compiled[need] ?? 0) + 1;
    const messages = await compile(variant);
    if (messages.length > 0) failures.push([variant.name, ...messages]);
  }
  const broken = await compile({ ...variants[0], code: variants[0].code.replace(/\bfn\b/, 'fm') });
  device.destroy();
  return { count: variants.length, listed, compiled, failures, broken };
}

/** In a place: loads with one tuning, compares with the twins, and answers. */
async function ask({ model, prompt, tokens, autotune }) {
  const kinglet = await globalThis.kinglet.createKinglet({ model, backend: 'gpu', context: 256, autotune });
  const { ok, wrong, tried } = await kinglet.selfTest();
  const answer = await kinglet.completions.create({ prompt, max_tokens: tokens, temperature: 0 });
  const { gpu } = kinglet.info;
  kinglet.dispose();
  return { gpu, ok, wrong, tried, text: answer.choices[0].text };
}

let server;
before(async () => {
  server = await startServer(new Map([...MODELS].map(([name, path]) => [name, fileModel(path)])), { scripts: new Map([['/expose.js', SCRIPT]]) });
});
after(() => server?.close());

for (const [name, { missing, launch, has, pipelines, model }] of Object.entries(PLACES)) {
  const skip = missing() ?? false;
  let place;
  after(() => place?.close());

  test(`${name}: the engine's device has what the adapter has`, { skip }, async (t) => {
    place = await launch();
    await place.goto(server.origin);
    await place.evaluate(ready);
    const { gpu } = await place.evaluate(ask, { model: '/models/nano.gguf', prompt: 'Hello', tokens: 1 });
    t.diagnostic(JSON.stringify(gpu));
    assert.deepEqual({ subgroups: gpu.subgroups, f16: gpu.f16 }, has);
    assert.deepEqual([gpu.source, gpu.tuning.gemv.reduce, gpu.trials], ['table', 'serial', []], 'an emulated GPU is not measured');
  });

  test(`${name}: every variant compiles that the device has what it needs for`, { skip }, async (t) => {
    const [listed, compiled] = [{}, {}];
    for (let from = 0, count = 1; from < count; from += SLICE) {
      const found = await place.evaluate(compileSome, { from, to: from + SLICE, pipelines });
      count = found.count;
      assert.deepEqual(found.failures, []);
      assert.ok(found.broken.length > 0, 'the check can fail');
      for (const [all, some] of [[listed, found.listed], [compiled, found.compiled]]) {
        for (const [need, n] of Object.entries(some)) all[need] = (all[need] ?? 0) + n;
      }
    }
    t.diagnostic(`compiled ${JSON.stringify(compiled)} of ${JSON.stringify(listed)}`);
    assert.ok(compiled.all > 60, `${compiled.all} variants`);
    assert.ok(compiled.pipelines > 30 || name === 'node', `${compiled.pipelines} pipelines`);
    const lacks = [!has.subgroups && 'subgroups', !has.f16 && 'shader-f16'].filter(Boolean);
    for (const [need, count] of Object.entries(listed)) {
      if (need === 'all' || need.startsWith('packed')) continue;
      assert.equal(compiled[need] > 0, !lacks.includes(need), `${need}: ${compiled[need]} of ${count}`);
    }
    assert.deepEqual(Object.keys(listed).sort(), ['all', 'packed_4x8_integer_dot_product', 'shader-f16', 'subgroups']);
  });

  test(`${name}: ${model} says the same with every tuning`, { skip }, async (t) => {
    const request = { model: `/models/${model}`, prompt: 'Once upon a time', tokens: 12 };
    const { text, gpu } = await place.evaluate(ask, { ...request, autotune: false });
    const run = [];
    for (const [reduce, lanes, math] of TUNINGS) {
      const label = `${reduce} ${lanes} ${math}`;
      const fits = (reduce !== 'subgroups' || gpu.subgroups) && (math !== F16 || gpu.f16) && (math !== INT8 || gpu.int8);
      if (!fits) continue;
      const found = await place.evaluate(ask, { ...request, autotune: tuning(reduce, lanes, math) });
      assert.equal(found.gpu.source, 'given', label);
      assert.ok(found.ok, `${label}: ${JSON.stringify(found.wrong)}`);
      assert.ok(found.tried.some((tried) => tried.startsWith('matmul')), label);
      if (math === F32) assert.equal(found.text, text, label);
      run.push(label);
    }
    t.diagnostic(run.join(', '));
    assert.equal(run.some((label) => label.startsWith('subgroups')), has.subgroups !== null);
    assert.equal(run.some((label) => label.endsWith(F16)), has.f16);
  });
}

test('chromium: only the engine\'s own device gets subgroups that were not asked for, and the method is put back', { skip: LAUNCHERS.chromium.missing() ?? false }, async () => {
  const browser = await LAUNCHERS.chromium.launch();
  try {
    await browser.goto(server.origin);
    await browser.evaluate(ready);
    const run = async ({ model }) => {
      const { prototype } = GPUAdapter;
      const method = prototype.requestDevice;
      const asked = [];
      const listening = function (descriptor) {
        asked.push([descriptor?.label, ...(descriptor?.requiredFeatures ?? [])]);
        return method.apply(this, arguments);
      };
      prototype.requestDevice = listening;
      const loading = globalThis.kinglet.createKinglet({ model, backend: 'gpu', host: 'here' });
      const others = [];
      for (let over = false; !over; ) {
        const adapter = await navigator.gpu.requestAdapter();
        const device = await adapter.requestDevice({ label: 'another' });
        others.push(device.features.has('subgroups'));
        device.destroy();
        over = await Promise.race([loading.then(() => true), new Promise((resolve) => setTimeout(resolve, 5, false))]);
      }
      const kinglet = await loading;
      const { gpu } = kinglet.info;
      kinglet.dispose();
      return { asked, others, same: prototype.requestDevice === listening, subgroups: gpu.subgroups };
    };
    const { asked, others, same, subgroups } = await browser.evaluate(run, { model: '/models/nano.gguf' });
    assert.deepEqual(subgroups, [4, 4]);
    assert.deepEqual(asked.filter(([label]) => label === 'kinglet'), [['kinglet', 'subgroups']], 'no clock, either');
    assert.ok(others.length > 0 && others.every((has) => !has), `${others}`);
    assert.ok(asked.filter(([label]) => label === 'another').every((one) => one.length === 1));
    assert.ok(same);
  } finally {
    await browser.close();
  }
});
