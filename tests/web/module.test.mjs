// Which Wasm build is taken: the probes, the choice with a stand-in for the browser, and the real thing in Chromium.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, missing, notBuilt, openPage, shared } from './support/browser.mjs';
import { llamaModel } from './support/gguf.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { chooseModule, RELAXED_PROBE, SIMD_PROBE } from '../../pkg/dist/module.js';

/** The opcode of `i32x4.relaxed_dot_i8x16_i7x16_add_s` after the SIMD prefix. */
const RELAXED_DOT = [0xfd, 0x93, 0x02];

const memory = { buffer: new ArrayBuffer(8) };

/** A browser with these abilities, and what was asked of it. */
function browser({ simd = true, relaxed = true, passes = true, broken = [] } = {}) {
  const log = [];
  const glue = (kind) => async () => {
    log.push(kind);
    if (broken.includes(kind)) throw new Error('404');
    return { default: async (options) => (log.push(options?.module_or_path), { memory }), self_test: () => passes };
  };
  return {
    log,
    validate: (bytes) => (bytes === SIMD_PROBE ? simd : bytes === RELAXED_PROBE ? relaxed : assert.fail('an unknown probe')),
    glue: { relaxed: glue('relaxed'), baseline: glue('baseline') },
    grammar: glue('grammar'),
  };
}

/** How often `bytes` has `pattern`. */
const count = (bytes, pattern) => {
  let found = 0;
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) found += 1;
  return found;
};

/** Where `bytes` has `pattern`. */
const find = (bytes, pattern) => bytes.findIndex((_, at) => pattern.every((byte, i) => bytes[at + i] === byte));

test('the probes are modules that need exactly what they ask for', () => {
  assert.equal(WebAssembly.validate(SIMD_PROBE), true);
  assert.ok(find(RELAXED_PROBE, RELAXED_DOT) > 0);
  assert.equal(find(SIMD_PROBE, RELAXED_DOT), -1);
  // With the dot replaced by one of plain SIMD (i8x16.add takes two vectors, so one more is dropped) any engine with
  // SIMD takes the probe: all of it but that instruction is sound.
  const plain = RELAXED_PROBE.slice();
  plain.set([0xfd, 0x6e, 0x1a], find(plain, RELAXED_DOT));
  assert.equal(WebAssembly.validate(plain), true);
  for (const probe of [SIMD_PROBE, plain]) {
    const body = find(probe, [0xfd]);
    for (const [at, byte] of [[body, 0xff], [body + 1, 0x01], [probe.length - 2, 0x01], [4, 2], [probe.length - 1, 0x0f]]) {
      const broken = probe.slice();
      broken[at] = byte;
      assert.equal(WebAssembly.validate(broken), false, `byte ${at} of ${probe}`);
    }
  }
});

test('relaxed SIMD is taken where it is, and only its files are asked for', async () => {
  const has = browser();
  assert.equal((await chooseModule({}, has)).kind, 'relaxed');
  assert.deepEqual(has.log, ['relaxed', undefined]);
  const lacks = browser({ relaxed: false });
  const chosen = await chooseModule({}, lacks);
  assert.equal(chosen.kind, 'baseline');
  assert.equal(chosen.memory, memory);
  assert.deepEqual(lacks.log, ['baseline', undefined]);
});

test('a relaxed build that computes something else is not used', async () => {
  const wrong = browser({ passes: false });
  assert.equal((await chooseModule({}, wrong)).kind, 'baseline');
  assert.deepEqual(wrong.log, ['relaxed', undefined, 'baseline', undefined]);
});

test('a build can be forced, and its files given', async () => {
  const plain = browser();
  assert.equal((await chooseModule({ kind: 'baseline', wasm: { relaxed: 'r', baseline: 'b' } }, plain)).kind, 'baseline');
  assert.deepEqual(plain.log, ['baseline', 'b']);
  const relaxed = browser({ passes: false });
  assert.equal((await chooseModule({ kind: 'relaxed' }, relaxed)).kind, 'relaxed');
  const alone = browser();
  assert.equal((await chooseModule({ wasm: { baseline: 'b' } }, alone)).kind, 'baseline');
  assert.deepEqual(alone.log, ['baseline', 'b']);
  const both = browser();
  assert.equal((await chooseModule({ wasm: { relaxed: 'r', baseline: 'b' } }, both)).kind, 'relaxed');
  assert.deepEqual(both.log, ['relaxed', 'r']);
});

test('without SIMD nothing is downloaded, and the error says what to do', async () => {
  const old = browser({ simd: false, relaxed: false });
  await assert.rejects(chooseModule({}, old), (e) => e.code === 'simd_missing' && /update the browser/.test(e.message));
  assert.deepEqual(old.log, []);
});

test('a build that cannot be had is "worker_failed" and says which', async () => {
  const broken = browser({ broken: ['relaxed'] });
  await assert.rejects(chooseModule({}, broken), (e) => e.code === 'worker_failed' && /relaxed.*404/.test(e.message));
});

test('the relaxed build has relaxed dot products, the plain one has none', { skip: notBuilt() ?? false }, (t) => {
  const dots = (name) => count(readFileSync(new URL(`../../pkg/wasm/${name}_bg.wasm`, import.meta.url)), Buffer.from(RELAXED_DOT));
  const [relaxed, plain] = [dots('kinglet_relaxed'), dots('kinglet')];
  t.diagnostic(`${relaxed} and ${plain}`);
  // Inlined into every product of every format; the three bytes may also occur by chance.
  assert.ok(relaxed > 50 && plain < 5, `${relaxed} and ${plain}`);
});

// ---- in Chromium ----------------------------------------------------------------------------------------------------

const skip = missing() ?? false;
const QUANTISED = ['stories260K-p256-q4_0', 'stories260K-p256-q4_k_m'];
/** Appended to files of the package (see server.mjs). */
const scripts = new Map();
let server;
let chromium;
before(async () => {
  if (skip) return;
  server = await startServer(new Map([['seeded-q8_0.gguf', llamaModel({ n_embd: 256, n_ff: 512, n_layer: 2 })]]), { scripts });
  for (const name of QUANTISED) {
    const path = shared(`models/${name}.gguf`);
    if (path) server.models.set(`${name}.gguf`, fileModel(path));
  }
  chromium = await launch();
});
after(async () => {
  await chromium?.close();
  await server?.close();
});

/** Loads with each of the option sets and answers greedily; errors by their code. Adds the files that were asked for. */
async function inPage(instance, model, optionSets) {
  const { page, requests, close } = await openPage(instance, server.origin);
  const run = async ({ model, optionSets }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const results = [];
    for (const options of optionSets) {
      try {
        const kinglet = await createKinglet({ model, backend: 'cpu', ...options });
        const { choices } = await kinglet.completions.create({ prompt: 'One day, a bird', max_tokens: 24, temperature: 0, logprobs: 5 });
        results.push({ module: kinglet.info.module, choices });
        kinglet.dispose();
      } catch (error) {
        results.push({ code: error.code, message: error.message });
      }
    }
    return results;
  };
  try {
    const results = await page.evaluate(run, { model: `/models/${model}.gguf`, optionSets });
    const files = requests.map((url) => url.split('/').at(-1)).filter((name) => /kinglet.*\.(js|wasm)$|gguf$/.test(name));
    return { results, files };
  } finally {
    await close();
  }
}

for (const model of ['seeded-q8_0', ...QUANTISED]) {
  const here = model === 'seeded-q8_0' || shared(`models/${model}.gguf`);
  test(`${model}: both builds give the same text and the same probabilities`, { skip: skip || (here ? false : 'no shared data') }, async () => {
    const { results } = await inPage(chromium, model, [{}, { module: 'baseline' }]);
    assert.deepEqual(results.map((r) => r.module), ['relaxed', 'baseline'], JSON.stringify(results));
    assert.ok(results[0].choices[0].logprobs.token_logprobs.length > 0);
    assert.deepEqual(results[0].choices, results[1].choices);
  });
}

test('Chromium downloads the relaxed build, and that alone', { skip }, async () => {
  const { files } = await inPage(chromium, 'seeded-q8_0', [{}]);
  assert.deepEqual(files.slice(0, 2), ['kinglet_relaxed.js', 'kinglet_relaxed_bg.wasm']);
  assert.ok(files.slice(2).every((name) => name.endsWith('.gguf')), files.join());
});

test('where the self-test fails, the plain build runs', { skip }, async () => {
  // As on a processor whose relaxed instructions compute something else.
  scripts.set('/pkg/wasm/kinglet_relaxed.js', '\nself_test = () => false;\n');
  try {
    const { results, files } = await inPage(chromium, 'seeded-q8_0', [{}]);
    assert.deepEqual(results.map((r) => r.module), ['baseline'], JSON.stringify(results));
    assert.deepEqual(files.slice(0, 4), ['kinglet_relaxed.js', 'kinglet_relaxed_bg.wasm', 'kinglet.js', 'kinglet_bg.wasm']);
  } finally {
    scripts.clear();
  }
});

test('a processor without SIMD is told so, and nothing is downloaded', { skip: skip || (process.arch === 'x64' ? false : 'the flag is for x86') }, async () => {
  const old = await launch(['--js-flags=--no-enable-sse4-1']); // V8 needs SSE4.1 for Wasm SIMD
  try {
    const { results, files } = await inPage(old, 'seeded-q8_0', [{}]);
    assert.deepEqual(results.map((r) => r.code), ['simd_missing']);
    assert.deepEqual(files, []);
  } finally {
    await old.close();
  }
});
