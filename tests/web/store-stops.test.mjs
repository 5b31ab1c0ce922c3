// Ends of a download, and of a reader, at moments where little happens or much at once: what was there stays, and nothing
// is kept that is not the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { parse } from '../../pkg/dist/store/manifest.js';
import { CHUNK } from '../../pkg/dist/store/window.js';
import { BYTES, empty, FILE, LENGTH, LONG, OTHER, readAll, ROOMY, same, serving, SHA, sum, tab, take, until } from './support/store.mjs';

test('a download that is stopped while no request is under way stays a part, and is gone on with', async (t) => {
  const server = await serving(t, () => LONG);
  const one = await tab();
  const reader = await one.open(server, { turn: new Promise(() => undefined) });
  await until(() => server.sent >= 4 * CHUNK && server.open === 0);
  await reader.close();
  await one.store.sweep();
  assert.deepEqual((await one.store.list()).map(({ complete, stored }) => [complete, stored]), [[false, 4 * CHUNK]]);
  server.asked.length = 0;
  same(await take(one, server, { length: LONG.bytes.length }), LONG.bytes);
  assert.equal(sum(server.asked), LONG.bytes.length - 4 * CHUNK, 'what is there is not asked for again');
});

test('a download ahead of the engine that fails says why, although its file is closed by then', async (t) => {
  const flip = (body, start) => (start === 0 ? Buffer.from(body).fill(7, 100, 101) : body);
  const wrong = await serving(t, undefined, () => ({ wrong: flip }));
  const one = await tab();
  const reader = await one.open(wrong, { sha256: SHA });
  await reader.read(0, 100);
  await assert.rejects(reader.finish(), { code: 'hash_mismatch' });
  const asked = wrong.asked.length;
  await assert.rejects(readAll(reader), { code: 'hash_mismatch' });
  assert.equal(wrong.asked.length, asked, 'nothing is asked for again');
  await reader.close();
  await empty(one.disk);

  const server = await serving(t);
  const two = await tab({ disk: new MemoryDisk(true, 5 * CHUNK + 1) });
  const full = await two.open(server);
  await assert.rejects(full.finish(), { code: 'quota_exceeded' });
  await assert.rejects(readAll(full), { code: 'quota_exceeded' });
  await full.close();
  await empty(two.disk);
});

/** Leaves of a complete file what `keeps(n)` says. */
async function leave({ disk, store }, keeps) {
  const [{ id }] = await store.list();
  const manifest = parse(disk.text.get(`file-${id}`));
  const left = (hashes) => hashes.map((hash, n) => (keeps(n) ? hash : ''));
  await store.save({ ...manifest, complete: false, root: null, sha: left(manifest.sha), fast: left(manifest.fast) });
  return disk.data.get(id);
}

test('a file of which nobody knows a hash of the whole, and which has changed, is not repaired from two versions', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now);
  const one = await tab();
  same(await take(one, server), BYTES);
  const [{ id }] = await one.store.list();
  await one.store.save({ ...parse(one.disk.text.get(`file-${id}`)), root: null }); // as one of version 1
  one.disk.data.get(id).forEach((chunk) => (chunk[7] ^= 1));
  const reader = await one.open(server);
  await reader.read(0, 3 * CHUNK);
  now = { bytes: OTHER, etag: '"two"' };
  await assert.rejects(reader.read(3 * CHUNK, 100), { code: 'file_changed' });
  await reader.close();
});

test('a part is gone on with only where there is room for the rest, which is claimed; a refusal keeps the part', async (t) => {
  const server = await serving(t);
  const disk = new MemoryDisk();
  const reserved = [];
  disk.openFile = async (name, mode) => {
    const file = await MemoryDisk.prototype.openFile.call(disk, name, mode);
    return file && { ...file, reserve: async (length) => void reserved.push(length) };
  };
  const estimate = { ...ROOMY };
  const one = await tab({ disk, estimate });
  same(await take(one, server), BYTES);
  const chunks = await leave(one, (n) => n < 2);
  [2, 3, 4, 5].forEach((n) => chunks.delete(n));
  reserved.length = server.asked.length = 0;
  estimate.available = 1000;
  await assert.rejects(take(one, server), (error) => {
    assert.deepEqual([error.code, error.detail], ['quota_exceeded', { needed: LENGTH - 2 * CHUNK, available: 1000 }]);
    return true;
  });
  assert.equal(server.asked.length, 0);
  assert.deepEqual((await one.store.list()).map(({ stored }) => stored), [2 * CHUNK]);
  estimate.available = LENGTH;
  same(await take(one, server), BYTES);
  assert.deepEqual([reserved, sum(server.asked)], [[LENGTH], LENGTH - 2 * CHUNK]);
});

test('chunks between what was missing, found damaged later, are fetched again from a server that knows no ranges, too', async (t) => {
  const server = await serving(t, undefined, () => ({ ignoresRange: true }));
  const one = await tab();
  same(await take(one, server), BYTES);
  const chunks = await leave(one, (n) => n !== 0 && n !== 3);
  chunks.get(5)[7] ^= 1; // the last one is read when all others are there
  same(await take(one, server, { sha256: SHA }), BYTES);
  assert.deepEqual((await one.store.list()).map(({ complete, sha256 }) => [complete, sha256]), [[true, SHA]]);
});

/** A complete file of which every chunk is damaged. */
async function allDamaged(t) {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  const [{ id, urls: [key] }] = await one.store.list();
  one.disk.data.get(id).forEach((chunk) => (chunk[7] ^= 1));
  return { server, one, id, key };
}

test('a reader that is closed while it looks for damage stops, and lets go of everything; a second close waits for the first', async (t) => {
  const { server, one, id, key } = await allDamaged(t);
  const { openFile } = one.disk;
  let open = 0;
  let armed = false;
  let looking;
  let go;
  const looks = new Promise((resolve) => (looking = resolve));
  const gate = new Promise((resolve) => (go = resolve));
  one.disk.openFile = async (name, mode) => {
    const file = await openFile.call(one.disk, name, mode);
    open += 1;
    const close = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      await file.close();
    };
    const read = async (...how) => {
      if (armed && mode === 'write') {
        looking();
        await gate;
      }
      return file.read(...how);
    };
    return { ...file, close, read };
  };
  const reader = await one.open(server);
  await reader.read(0, 3 * CHUNK);
  armed = true;
  server.asked.length = 0;
  const reading = assert.rejects(reader.read(3 * CHUNK, 100), { code: 'io' });
  await looks;
  void reader.close();
  const second = reader.close();
  setTimeout(go, 20);
  await second;
  assert.equal(open, 0, 'its file is closed');
  await reading;
  assert.deepEqual([open, server.asked.length], [0, 0]);
  (await one.store.tryClaim(key))(); // nobody has it
  assert.equal(await one.store.remove(id), true);
});

test('a disk that refuses while a reader looks for damage: its claim is given back', async (t) => {
  const { server, one, id, key } = await allDamaged(t);
  const { openFile } = one.disk;
  const reader = await one.open(server);
  await reader.read(0, 3 * CHUNK);
  one.disk.openFile = async () => {
    throw new DOMException('the disk says no', 'InvalidStateError');
  };
  await assert.rejects(reader.read(3 * CHUNK, 100));
  one.disk.openFile = openFile;
  await reader.close();
  (await one.store.tryClaim(key))();
});
