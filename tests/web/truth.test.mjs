// What is remembered of a GPU (pkg/src/truth.ts), with a stand-in for IndexedDB: by what it is kept apart, and that a
// database that never answers holds nothing up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trials } from '../../pkg/dist/truth.js';

/** A request that succeeds with `result`, soon. */
function request(result) {
  const made = { result };
  queueMicrotask(() => {
    made.onupgradeneeded?.();
    made.onsuccess?.();
  });
  return made;
}

/** One store in memory. */
function database() {
  const kept = new Map();
  const store = { get: (key) => request(kept.get(key)), put: (value, key) => request(kept.set(key, value) && key) };
  const transaction = () => {
    const made = { objectStore: () => store };
    setTimeout(() => made.oncomplete()); // after its requests
    return made;
  };
  const opened = { createObjectStore: () => store, transaction, close: () => undefined };
  return { kept, open: () => request(opened) };
}

/** Another global `name` while the test runs. */
function replace(t, name, value) {
  const had = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
  t.after(() => (had ? Object.defineProperty(globalThis, name, had) : delete globalThis[name]));
}

test('what passed is remembered by adapter, browser and version', async (t) => {
  replace(t, 'indexedDB', database());
  await new Trials('a', '1').add(['x', 'y']);
  await new Trials('a', '1').add(['y', 'z']);
  assert.deepEqual(await new Trials('a', '1').passed(), ['x', 'y', 'z']);
  assert.deepEqual(await new Trials('b', '1').passed(), [], 'another adapter');
  assert.deepEqual(await new Trials('a', '2').passed(), [], 'another version');
  replace(t, 'navigator', { userAgent: 'another browser' });
  assert.deepEqual(await new Trials('a', '1').passed(), [], 'another browser');
});

test('the variants that were measured are remembered beside it, by the same', async (t) => {
  replace(t, 'indexedDB', database());
  const tuning = { gemv: { reduce: 'tree', lanes: 64, math: 'f32' } };
  assert.equal(await new Trials('a', '1').tuning(), undefined);
  await new Trials('a', '1').tune(tuning);
  await new Trials('a', '1').add(['x']);
  assert.deepEqual([await new Trials('a', '1').tuning(), await new Trials('a', '1').passed()], [tuning, ['x']]);
  assert.deepEqual([await new Trials('b', '1').tuning(), await new Trials('a', '2').tuning()], [undefined, undefined]);
});

test('a database that never answers is waited for a second, and then not missed', async (t) => {
  replace(t, 'indexedDB', { open: () => ({}) });
  const begun = performance.now();
  assert.deepEqual(await new Trials('a', '1').passed(), []);
  assert.ok(performance.now() - begun < 20_000); // and not for ever; a slow machine takes its time
  await new Trials('a', '1').add(['x']);
  assert.ok(performance.now() - begun < 40_000);
});
