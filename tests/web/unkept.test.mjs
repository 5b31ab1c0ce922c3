// Files that are read without a store, against the same faults as those that are kept: byte-identical, or a typed error.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { loadModel, openSources } from '../../pkg/dist/sources/open.js';
import { noise, passing } from './support/faults.mjs';
import { same, serving } from './support/store.mjs';

const LENGTH = 9_000_123;
const BYTES = noise(LENGTH);
const OTHER = noise(LENGTH, 2);
const SHA = createHash('sha256').update(BYTES).digest('hex');
const FILE = { bytes: BYTES, etag: '"one"', modified: 'Sat, 21 Nov 2026 10:00:00 GMT' };
// The server runs in this thread, too: on a busy machine its answer may take a while.
const QUICK = { attempts: 4, backoffMs: 5, stallMs: 1000 };
const READING = { store: 'none', retry: QUICK };

const wire = ({ origin }, more = {}) => ({ kind: 'url', url: `${origin}/m.gguf`, ...more });

/** A reader of the file. */
async function opened(t, server, more) {
  const readers = await openSources([wire(server, more)], READING);
  t.after(() => readers.close());
  return readers.all[0];
}

async function readAll(reader, from = 0) {
  const all = Buffer.alloc(LENGTH - from);
  for (let at = from; at < LENGTH; ) {
    const piece = await reader.read(at, Math.min(700_001, LENGTH - at));
    all.set(piece, at - from);
    at += piece.length;
  }
  return all;
}

/** What a load reads of the file: all of it, unless `read` says what. */
async function take(server, more, read = readAll) {
  let all;
  await loadModel([wire(server, more)], READING, async (readers) => {
    all = await read(readers.all[0]);
    return {};
  });
  return all;
}

for (const [name, fault] of Object.entries(passing(LENGTH))) {
  test(`a server that ${name}: the bytes are the file's, and have its hash`, async (t) => {
    const server = await serving(t, () => FILE, fault);
    same(await take(server), BYTES);
    same(await take(server, { sha256: SHA }), BYTES);
  });
}

const BAD = {
  missing: [() => ({ status: 404 }), 'http', 1],
  'down for good': [() => ({ status: 503 }), 'http', QUICK.attempts],
  'stalling for good': [() => ({ stall: 0 }), 'io', 1],
};
for (const [name, [fault, code, requests]] of Object.entries(BAD)) {
  test(`a file that is ${name}: ${code} after ${requests} requests`, async (t) => {
    const server = await serving(t, () => FILE, fault);
    await assert.rejects(take(server), { code });
    assert.equal(server.asked.length, requests);
  });
}

test('nobody answers: io at once', async () => {
  const began = performance.now();
  await assert.rejects(loadModel([wire({ origin: 'http://127.0.0.1:9' })], { store: 'none' }, async () => ({})), { code: 'io' });
  assert.ok(performance.now() - began < 3000);
});

test('an aborted load asks for nothing more, though its engine reads on', async (t) => {
  const server = await serving(t, () => FILE, () => ({ pace: 5, cut: 300_000 }));
  const control = new AbortController();
  const load = async ({ all: [reader] }) => {
    await reader.read(0, 1000);
    control.abort(new Error('enough'));
    await readAll(reader).catch(() => undefined);
    await readAll(reader);
  };
  await assert.rejects(loadModel([wire(server)], { ...READING, signal: control.signal }, load), { code: 'aborted' });
  const { length } = server.asked;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([server.asked.length, length], [1, 1]);
});

test('who reads slowly is no stalled server', async (t) => {
  const server = await serving(t, () => FILE);
  const reader = await opened(t, server);
  same(await reader.read(0, 100), BYTES.subarray(0, 100));
  await new Promise((resolve) => setTimeout(resolve, 3 * QUICK.stallMs));
  same(await reader.read(100, 900_000), BYTES.subarray(100, 900_100));
  assert.equal(server.asked.length, 1);
});

test('a file that changes while it is read is file_changed, though it is as long as before; a load begins anew', async (t) => {
  for (const ignoresRange of [false, true]) {
    let now = FILE;
    let before = 0;
    const server = await serving(t, () => now, (n) => ({ ignoresRange, cut: ignoresRange ? (n - before + 1) * 2_000_000 : 2_000_000 }));
    const reader = await opened(t, server);
    await reader.read(0, 1000);
    now = { bytes: OTHER, etag: '"two"', modified: FILE.modified };
    await assert.rejects(readAll(reader), { code: 'file_changed' });

    now = FILE;
    before = server.asked.length;
    let loads = 0;
    const all = await take(server, {}, async (one) => {
      const beginning = await one.read(0, 1000);
      loads += 1;
      if (loads === 1) now = { bytes: OTHER, etag: '"two"' };
      return Buffer.concat([beginning, await readAll(one, 1000)]);
    });
    same(all, OTHER);
    assert.equal(loads, 2);
  }
});

test('where nothing tells versions apart, what broke off is io; with the hash it is gone on with', async (t) => {
  for (const ignoresRange of [false, true]) {
    const server = await serving(t, () => ({ bytes: BYTES, etag: 'W/"one"' }), (n) => ({ ignoresRange, cut: (n + 1) * 600_000 }));
    await assert.rejects(take(server), { code: 'io' });
    same(await take(server, { sha256: SHA }), BYTES);
  }
});

test('with the hash of the file: wrong bytes are hash_mismatch, also where the engine did not look; the engine is freed', async (t) => {
  const flip = (at) => (body, start) => (start <= at && at < start + body.length ? Buffer.from(body).fill(7, at - start, at - start + 1) : body);
  for (const at of [100, LENGTH - 1]) {
    const server = await serving(t, () => FILE, () => ({ wrong: flip(at) }));
    let freed = 0;
    const load = async ({ all: [reader] }) => {
      await reader.read(0, 2000);
      await reader.read(5_000_000, 10); // jumps
      return { free: () => (freed += 1) };
    };
    await assert.rejects(loadModel([wire(server, { sha256: SHA })], READING, load), (error) => {
      assert.deepEqual([error.code, error.detail.expected], ['hash_mismatch', SHA]);
      return true;
    });
    assert.equal(freed, 1);
    await loadModel([wire(server)], READING, load); // nobody asked
  }
});

test('with the hash of the file, an end that does not come is no success', async (t) => {
  const server = await serving(t, () => FILE, (n) => (n > 0 ? { status: 404 } : {}));
  const beginning = async (reader) => reader.read(0, 1000);
  await assert.rejects(take(server, { sha256: SHA }, beginning), { code: 'http' });
});

test('read again after a load: the same version, or file_changed', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now);
  const [reader] = (await openSources([wire(server)], READING)).given;
  await reader.read(0, 100);
  await reader.close();
  same(await reader.read(100, 1000), BYTES.subarray(100, 1100));
  await reader.close();
  now = { bytes: OTHER, etag: '"two"' };
  await assert.rejects(reader.read(0, 100), { code: 'file_changed' });
});
