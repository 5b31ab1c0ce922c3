// Which Wasm build is taken: the probes, the choice with a stand-in for the browser, and the real thing in Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  };
}

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
