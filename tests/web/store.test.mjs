// The store without a browser: the real code over a disk in memory, against a real HTTP server with every fault. What is
// read is byte-identical or a typed error, and what is kept is never anything else.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { parse } from '../../pkg/dist/store/manifest.js';
import { Sha256, sha256 } from '../../pkg/dist/store/sha256.js';
import { evict, Store } from '../../pkg/dist/store/store.js';
import { CHUNK, Window } from '../../pkg/dist/store/window.js';
import { noise, passing, startFaults } from './support/faults.mjs';
import { BYTES, empty, FILE, imageOf, lateLocks, LENGTH, LONG, OTHER, QUICK, readAll, ROOMY, same, serving, SHA, sum, tab, take, until } from './support/store.mjs';

test('SHA-256 in pieces, and gone on with; against known hashes', async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_000]) {
    const bytes = BYTES.subarray(0, length);
    const expected = createHash('sha256').update(bytes).digest('hex');
    const third = Math.floor(length / 3);
    assert.equal(new Sha256().update(bytes.subarray(0, third)).update(bytes.subarray(third)).digest(), expected, `${length}`);
    assert.equal(await sha256(bytes), expected);
  }
  const begun = new Sha256().update(BYTES.subarray(0, 640));
  const expected = createHash('sha256').update(BYTES.subarray(0, 1000)).digest('hex');
  assert.equal(Sha256.resume(begun.state, 640).update(BYTES.subarray(640, 1000)).digest(), expected);
});

test('several requests at once, each byte once; afterwards it is there without a server', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 1 }));
  const one = await tab();
  same(await take(one, server), BYTES);
  assert.ok(server.most > 1 && server.most <= 4, `${server.most} at once`);
  const starts = server.asked.map(([start]) => start).toSorted((a, b) => a - b);
  assert.equal(new Set(starts).size, starts.length, 'nothing was asked for twice');
  const [file] = await one.store.list();
  assert.deepEqual([file.complete, file.stored, file.length, file.name], [true, LENGTH, LENGTH, 'm.gguf']);
  await server.close();
  same(await take(one, server), BYTES);
});

for (const [name, fault] of Object.entries(passing(LENGTH))) {
  test(`a server that ${name}: the bytes are the file's, and are kept`, async (t) => {
    const server = await serving(t, undefined, fault);
    const one = await tab();
    same(await take(one, server), BYTES);
    const before = server.asked.length;
    same(await take(one, server), BYTES);
    assert.equal(server.asked.length, before, 'the second time from the store');
  });
}

const BAD = {
  missing: [() => ({ status: 404 }), 'http'],
  'down for good': [() => ({ status: 503 }), 'http'],
  'stalling for good': [() => ({ stall: 0 }), 'io'],
};
for (const [name, [fault, code]] of Object.entries(BAD)) {
  test(`a file that is ${name}: ${code}, and nothing is kept`, async (t) => {
    const server = await serving(t, undefined, fault);
    const one = await tab();
    await assert.rejects(take(one, server), { code });
    await empty(one.disk);
  });
}

test('nobody answers: io at once, and nothing is kept', async () => {
  const one = await tab({ retry: {} });
  const began = performance.now();
  await assert.rejects(take(one, { origin: 'http://127.0.0.1:9' }), { code: 'io' });
  assert.ok(performance.now() - began < 3000);
  await empty(one.disk);
});

for (const allowed of [1, 2]) {
  test(`a server that allows ${allowed} connections at once: the others leave their work to those`, async (t) => {
    const server = await serving(t, () => LONG, () => (server.open >= allowed ? { status: 503 } : { pace: 1 }));
    const one = await tab();
    same(await take(one, server, { length: LONG.bytes.length }), LONG.bytes);
    assert.ok(server.most > allowed, 'it was tried');
    assert.ok(server.asked.length < 20, `${server.asked.length} requests`);
  });
}

test('a server that goes down on the way: the last connection is patient, then it is http, and what came is kept', async (t) => {
  const server = await serving(t, () => LONG, (n) => (n < 2 ? { pace: 1, cut: 5_000_000 } : { status: 503 }));
  const one = await tab();
  await assert.rejects(take(one, server, { length: LONG.bytes.length }), (error) => error.code === 'http' && error.detail.status === 503);
  assert.ok(server.asked.length >= 2 + QUICK.attempts, `${server.asked.length} requests`);
  const [file] = await one.store.list();
  assert.deepEqual([file.complete, file.stored >= CHUNK], [false, true]);
});

test('a stopped download goes on with what is missing', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 2 }));
  const one = await tab();
  const reader = await one.open(server);
  await reader.read(0, CHUNK + 5);
  await reader.close();
  const { stored } = (await one.store.list())[0];
  assert.ok(stored >= CHUNK && stored < LENGTH, `${stored} bytes`);
  server.asked.length = 0;
  same(await take(one, server), BYTES);
  const again = server.asked.reduce((sum, [start, end]) => sum + end - start, 0);
  assert.ok(again <= LENGTH - stored, `${again} bytes asked for, ${LENGTH - stored} were missing`);
});

test('chunks of which only the beginning has come: a crash loses the last second of them, a stop nothing', async (t) => {
  let pace = 120; // 64 KiB each: some 8 s for a chunk, and in a second never more than 2.2 MB of all four
  const server = await serving(t, () => LONG, () => ({ pace }));
  const one = await tab();
  const reader = await one.open(server);
  await until(() => server.sent > 6 << 20);
  const crashed = await tab({ disk: imageOf(one.disk) });
  await reader.close();
  pace = 0;
  for (const [after, lost] of [[crashed, 3 << 20], [one, 1 << 20]]) {
    const [{ stored, complete, id }] = await after.store.list();
    assert.equal(complete, false);
    const { sha, parts } = parse(after.disk.text.get(`file-${id}`));
    assert.deepEqual([sha.filter((hash) => hash !== ''), parts.length], [[], 4]);
    assert.ok(stored >= (6 << 20) - lost, `${stored} bytes are there`);
    server.asked.length = 0;
    same(await take(after, server, { length: LONG.bytes.length }), LONG.bytes);
    assert.equal(sum(server.asked), LONG.bytes.length - stored, 'what is there is not asked for again');
    assert.deepEqual(parse(after.disk.text.get(`file-${id}`)).parts, []);
  }
});

test('beginnings of chunks anywhere, also damaged ones, and a server that knows no ranges: the bytes are the file\'s', async (t) => {
  for (const ignoresRange of [false, true]) {
    const server = await serving(t, undefined, () => ({ ignoresRange }));
    const one = await tab();
    same(await take(one, server), BYTES);
    const [{ id }] = await one.store.list();
    const manifest = parse(one.disk.text.get(`file-${id}`));
    const [begun, there] = [[1, 2, 4, 5], 3];
    const without = (hashes) => hashes.map((hash, n) => (n === there ? hash : ''));
    const parts = begun.map((chunk) => {
      const part = one.disk.data.get(id).get(chunk).slice(0, 1000 + chunk);
      one.disk.data.get(id).set(chunk, part);
      return { chunk, bytes: part.length, fast: new Window().hashOf(part) };
    });
    await one.store.save({ ...manifest, sha: without(manifest.sha), fast: without(manifest.fast), parts, complete: false, root: null });
    one.disk.data.get(id).get(4)[5] ^= 1;
    assert.equal((await one.store.list())[0].stored, CHUNK + 4000 + 12);
    server.asked.length = 0;
    same(await take(one, server), BYTES);
    if (!ignoresRange) assert.equal(sum(server.asked), LENGTH - CHUNK - (3000 + 8), 'the damaged one comes anew');
  }
});

for (const range of ['obeys If-Range', 'knows no ranges']) {
  test(`a file that changed since the interruption is fetched anew (a server that ${range})`, async (t) => {
    let now = FILE;
    const server = await serving(t, () => now, () => ({ pace: 2, ignoresRange: range === 'knows no ranges' }));
    const one = await tab();
    const reader = await one.open(server);
    await reader.read(0, CHUNK);
    await reader.close();
    now = { bytes: OTHER, etag: '"two"', modified: FILE.modified };
    same(await take(one, server), OTHER);
  });
}

test('a file that changes while nothing was handed out yet begins anew; afterwards it is file_changed, and nothing is kept', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now, (n) => {
    if (n === 1) now = { bytes: OTHER, etag: '"two"' };
    return { cut: 5_000_000 };
  });
  const one = await tab();
  const reader = await one.open(server);
  await reader.finish();
  same(await readAll(reader), OTHER);
  await reader.close();

  now = FILE;
  const two = await tab();
  const late = await startFaults(() => now, (n) => ({ cut: 5_000_000, delay: n === 0 ? 0 : 30 }));
  t.after(() => late.close());
  const begun = await two.open(late);
  await begun.read(0, 100);
  now = { bytes: OTHER, etag: '"two"' };
  await assert.rejects(readAll(begun), { code: 'file_changed' });
  await begun.close();
  await empty(two.disk);
});

test('a weak ETag or none promises nothing: one request, and no resuming', async (t) => {
  for (const file of [{ bytes: BYTES, etag: 'W/"one"' }, { bytes: BYTES }]) {
    const server = await serving(t, () => file, (n) => (n === 0 ? { cut: 9_000_000 } : {}));
    const one = await tab();
    const reader = await one.open(server);
    await reader.finish();
    assert.deepEqual(server.asked.map(([start]) => start), [0, 0]);
    same(await readAll(reader), BYTES);
    await reader.close();
  }
});

test('without an ETag, a connection that breaks after bytes were handed out is io; nothing is kept', async (t) => {
  const server = await serving(t, () => ({ bytes: BYTES }), () => ({ cut: 9_000_000, pace: 1 }));
  const one = await tab();
  await assert.rejects(take(one, server), { code: 'io' });
  await empty(one.disk);
});

test('with the hash of the file: wrong bytes are hash_mismatch, nothing is kept; right ones are resumed without an ETag', async (t) => {
  const flip = (body, start) => (start === 0 ? Buffer.from(body).fill(7, 100, 101) : body);
  const wrong = await serving(t, undefined, () => ({ wrong: flip }));
  const one = await tab();
  await assert.rejects(take(one, wrong, { sha256: SHA }), (error) => error.code === 'hash_mismatch' && error.detail.expected === SHA);
  await empty(one.disk);

  const right = await serving(t, () => ({ bytes: BYTES }), () => ({ cut: 3_000_000 }));
  same(await take(one, right, { sha256: SHA }), BYTES);
  assert.equal((await one.store.list())[0].sha256, SHA);
  // The same content by another address: found by its hash, no request.
  const nobody = { origin: 'http://127.0.0.1:9' };
  same(await take(one, nobody, { sha256: SHA }), BYTES);
  assert.equal((await one.store.list()).length, 1);
});

test('a stored file that is not the one whose hash is given is replaced', async (t) => {
  let now = { bytes: OTHER, etag: '"two"' };
  const server = await serving(t, () => now);
  const one = await tab();
  same(await take(one, server), OTHER);
  now = FILE;
  same(await take(one, server, { sha256: SHA }), BYTES);
  assert.equal((await one.store.list()).length, 1);
});

test('a stored file that is not the one whose hash is given stays where this thread does not download; of two for an address the right one is taken', async (t) => {
  let now = { bytes: OTHER, etag: '"two"' };
  const server = await serving(t, () => now);
  const one = await tab();
  same(await take(one, server), OTHER);
  const reading = await tab({ disk: Object.assign(new MemoryDisk(false), { text: one.disk.text, data: one.disk.data }), locks: one.locks });
  assert.equal(await reading.open(server, { sha256: SHA }), undefined);
  assert.equal((await one.store.list()).length, 1);
  now = FILE;
  const [first] = await one.store.manifests();
  const held = await one.store.hold(first.id); // as by a tab that has loaded it
  same(await take(one, server, { sha256: SHA }), BYTES);
  held();
  assert.equal((await one.store.list()).length, 2);
  const all = await one.store.manifests();
  one.store.manifests = async () => all.toSorted((m) => (m.id === first.id ? -1 : 1));
  server.asked.length = 0;
  same(await take(one, server, { sha256: SHA }), BYTES);
  assert.deepEqual([server.asked, (await one.disk.files()).length], [[], 2]);
});

/** Damages a complete file of the store: it misses chunk 0, and chunks 2 and 5 are not what was written. */
async function damagedPart({ disk, store }) {
  const [{ id }] = await store.list();
  const manifest = parse(disk.text.get(`file-${id}`));
  const without = (hashes) => hashes.map((hash, n) => (n === 0 ? '' : hash));
  const part = { complete: false, root: null, sha: without(manifest.sha), fast: without(manifest.fast) };
  await store.save({ ...manifest, ...part });
  for (const n of [2, 5]) disk.data.get(id).get(n)[7] ^= 1;
}

test('chunks of an earlier download that are damaged are fetched again before the hash of the whole is judged', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  await damagedPart(one);
  server.asked.length = 0;
  const reader = await one.open(server, { sha256: SHA });
  await reader.finish();
  assert.deepEqual(server.asked.map(([start]) => start / CHUNK).toSorted(), [0, 2, 5]);
  same(await readAll(reader), BYTES);
  await reader.close();
  assert.deepEqual((await one.store.list()).map(({ complete, sha256 }) => [complete, sha256]), [[true, SHA]]);
});

test('a disk that never gives back what was written: store_damaged', async (t) => {
  const server = await serving(t);
  class Bad extends MemoryDisk {
    async openFile(name, mode) {
      const file = await super.openFile(name, mode);
      return file && { ...file, read: async (n, into) => (n === 5 ? 0 : file.read(n, into)) };
    }
  }
  const one = await tab({ disk: new Bad() });
  const reader = await one.open(server, { sha256: SHA });
  await assert.rejects(reader.finish(), { code: 'store_damaged' });
  await reader.close();
});

test('a damaged chunk is found and fetched again alone', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  const id = (await one.store.list())[0].id;
  for (const damage of [(chunk) => (chunk[77] ^= 1), (chunk, chunks) => chunks.set(3, chunk.slice(0, 1000)), (_, chunks) => chunks.delete(3)]) {
    const chunks = one.disk.data.get(id);
    damage(chunks.get(3), chunks);
    server.asked.length = 0;
    same(await take(one, server), BYTES);
    assert.deepEqual(server.asked, [[3 * CHUNK, 4 * CHUNK]]);
    assert.deepEqual(one.notices.splice(0).map(([code, { chunk, kept }]) => [code, chunk, kept]), [['chunk_repaired', 3, true]]);
    same(await take(one, server), BYTES);
    assert.equal(server.asked.length, 1, 'it is whole again');
  }
});

test('many damaged chunks: after some the others are downloaded together; a file that has changed is file_changed', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now);
  const one = await tab();
  same(await take(one, server), BYTES);
  const [{ id }] = await one.store.list();
  const damage = () => one.disk.data.get(id).forEach((chunk) => (chunk[7] ^= 1));
  damage();
  server.asked.length = 0;
  same(await take(one, server), BYTES);
  assert.deepEqual(server.asked, [...[0, 1, 2].map((n) => [n * CHUNK, (n + 1) * CHUNK]), [3 * CHUNK, LENGTH]]);
  const said = one.notices.splice(0).map(([code, { chunk, chunks, kept }]) => [code, chunk ?? chunks, kept]);
  assert.deepEqual(said, [...[0, 1, 2].map((n) => ['chunk_repaired', n, true]), ['chunk_repaired', [3, 4, 5], true]]);
  same(await take(one, server), BYTES);
  assert.equal(server.asked.length, 4, 'it is whole again');

  // The load fails, and the model stays: it was there before.
  damage();
  const reader = await one.open(server);
  await readAll(reader);
  await reader.finish();
  await reader.discard();
  assert.deepEqual((await one.store.list()).map(({ complete, stored }) => [complete, stored]), [[true, LENGTH]]);

  damage();
  const late = await one.open(server);
  await late.read(0, 3 * CHUNK);
  now = { bytes: OTHER, etag: '"two"' };
  await assert.rejects(late.read(3 * CHUNK, 100), { code: 'file_changed' });
  await late.close();
  await empty(one.disk);
  same(await take(one, server), OTHER);
});

test('many damaged chunks, where nothing tells versions apart or somebody else is at it: each is fetched alone', async (t) => {
  for (const file of [{ bytes: BYTES }, FILE]) {
    const server = await serving(t, () => file);
    const one = await tab();
    same(await take(one, server), BYTES);
    one.disk.data.get((await one.store.list())[0].id).forEach((chunk) => (chunk[7] ^= 1));
    const reader = await one.open(server);
    const [{ urls: [key] }] = await one.store.list();
    const claim = file === FILE ? await one.store.tryClaim(key) : undefined;
    server.asked.length = 0;
    same(await readAll(reader), BYTES);
    assert.equal(server.asked.length, 6);
    claim?.();
    await reader.close();
    same(await take(one, server), BYTES);
    assert.equal(server.asked.length, 6);
  }
});

test('a damaged chunk of a file that has changed on the server: file_changed, and it is forgotten', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now);
  const one = await tab();
  same(await take(one, server), BYTES);
  one.disk.data.get((await one.store.list())[0].id).get(2)[5] ^= 1;
  now = { bytes: OTHER, etag: '"two"' };
  await assert.rejects(take(one, server), { code: 'file_changed' });
  await empty(one.disk);
  same(await take(one, server), OTHER);
});

test('no room: quota_exceeded with the numbers before anything is downloaded, and nothing is kept', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 2 }));
  const one = await tab({ estimate: { usage: 10, quota: 1000, available: 990 } });
  await assert.rejects(take(one, server), (error) => {
    assert.deepEqual([error.code, error.detail], ['quota_exceeded', { needed: LENGTH, available: 990 }]);
    return true;
  });
  assert.equal(server.asked.length, 1);
  await empty(one.disk);
});

test('room that was reserved before is not asked for a second time', async (t) => {
  let now = FILE;
  const server = await serving(t, () => now, () => ({ pace: 2 }));
  class Reserving extends MemoryDisk {
    reserved = 0;
    async openFile(name, mode) {
      const file = await super.openFile(name, mode);
      return file && { ...file, reserve: async (length) => (this.reserved = length), size: async () => this.reserved };
    }
  }
  const estimate = { ...ROOMY };
  const one = await tab({ disk: new Reserving(), estimate });
  const reader = await one.open(server);
  await reader.read(0, CHUNK);
  await reader.close();
  estimate.available = 0;
  now = { bytes: OTHER, etag: '"two"' }; // all of it has to come anew
  same(await take(one, server), OTHER);
});

test('the disk fills up on the way: quota_exceeded, and nothing is kept', async (t) => {
  const server = await serving(t);
  const one = await tab({ disk: new MemoryDisk(true, 3 * CHUNK) });
  await assert.rejects(take(one, server), { code: 'quota_exceeded' });
  await empty(one.disk);
});

/** A disk that fails where `fails(what)` says so: record, open, close. */
class Failing extends MemoryDisk {
  fails = () => undefined;
  hit(what) {
    const name = this.fails(what);
    if (name) throw new DOMException('the disk says no', name);
  }
  async writeRecord(name, text) {
    this.hit('record');
    await super.writeRecord(name, text);
  }
  async openFile(name, mode) {
    this.hit('open');
    const file = await super.openFile(name, mode);
    return file && { ...file, close: async () => this.hit('close') };
  }
}

test('a full disk: a complete file is read all the same; a new one is quota_exceeded', async (t) => {
  const server = await serving(t);
  const one = await tab({ disk: new Failing() });
  same(await take(one, server), BYTES);
  one.disk.fails = (what) => what === 'record' && 'QuotaExceededError';
  server.asked.length = 0;
  same(await take(one, server), BYTES);
  assert.equal(server.asked.length, 0);
  await assert.rejects(take(one, server, { key: 'new' }), (error) => error.code === 'quota_exceeded' && error.detail.needed === null);
  one.disk.fails = () => undefined;
  same(await take(one, server, { key: 'new' }), BYTES);

  // The record of what has come does not fit any more.
  const two = await tab({ disk: new Failing() });
  let records = 0;
  two.disk.fails = (what) => what === 'record' && ++records > 1 && 'QuotaExceededError';
  await assert.rejects(take(two, server), (error) => error.code === 'quota_exceeded' && error.detail.needed > 0);
  await empty(two.disk);
});

test('a disk that refuses: io, and nothing stays locked', async (t) => {
  const server = await serving(t);
  const one = await tab({ disk: new Failing() });
  one.disk.fails = (what) => what === 'open' && 'InvalidStateError';
  await assert.rejects(take(one, server), { code: 'io' });
  one.disk.fails = () => undefined;
  same(await take(one, server), BYTES);
  one.disk.fails = (what) => what === 'open' && 'InvalidStateError';
  await assert.rejects(take(one, server), { code: 'io' });
  one.disk.fails = (what) => what === 'close' && 'InvalidStateError';
  same(await take(one, server), BYTES);
  one.disk.fails = () => undefined;
  for (const { id } of await one.store.list()) assert.equal(await one.store.remove(id), true);
  await empty(one.disk);
});

test('two tabs download once: the second waits and then reads; when the first one goes, it takes over', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 4 }));
  const one = await tab();
  const two = await tab(one);
  const [a, b] = await Promise.all([take(one, server), take(two, server)]);
  same(a, BYTES);
  same(b, BYTES);
  assert.deepEqual([[one, two].filter(({ said }) => said.length > 0).length, new Set(server.asked.map(([start]) => start)).size], [1, server.asked.length]);

  const three = await tab();
  const four = await tab(three);
  const reader = await three.open(server);
  const waiting = take(four, server);
  await reader.read(0, 2 * CHUNK);
  await reader.close();
  same(await waiting, BYTES);
});

test('the same content from two addresses is kept once', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  same(await take(one, server, { key: 'another', url: `${server.origin}/copy.gguf` }), BYTES);
  const files = await one.store.list();
  assert.deepEqual([files.length, files[0].urls.length, (await one.disk.files()).length], [1, 2, 1]);
});

test('the same content, which is removed just then: the new file stays', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  const [{ id }] = await one.store.list();
  const two = await tab({ disk: one.disk, locks: lateLocks(one, id) });
  same(await take(two, server, { key: 'another' }), BYTES);
  const files = await one.store.list();
  assert.deepEqual(files.map(({ urls, complete }) => [urls, complete]), [[['another'], true]]);
  server.asked.length = 0;
  same(await take(one, server, { key: 'another' }), BYTES);
  assert.equal(server.asked.length, 0);
});

test('what turns out to be no model is forgotten when it was downloaded for that; what lay there before stays', async (t) => {
  const server = await serving(t);
  const one = await tab();
  const first = await one.open(server);
  await first.finish();
  await first.discard();
  await empty(one.disk);
  same(await take(one, server), BYTES);
  const second = await one.open(server);
  await second.read(0, 100);
  await second.discard();
  assert.equal((await one.store.list()).filter(({ complete }) => complete).length, 1);
  const before = server.asked.length;
  same(await take(one, server), BYTES);
  assert.equal(server.asked.length, before);
});

test('what was not used for longest goes first; what is in use stays', async (t) => {
  const server = await serving(t);
  const one = await tab();
  const names = ['a', 'b', 'c'];
  for (const [i, name] of names.entries()) {
    const bytes = noise(CHUNK + i, i + 5);
    const own = await serving(t, () => ({ bytes, etag: `"${name}"` }));
    await take(one, own, { key: name, name, length: bytes.length });
    const manifest = await one.store.find(name);
    await one.store.save({ ...manifest, used: 1000 + i });
  }
  const used = await one.open(server, { key: 'a' });
  const held = await one.store.find('a');
  await one.store.save({ ...held, used: 1 });
  assert.deepEqual((await evict([one.store], CHUNK)).map(({ name }) => name), ['b']);
  await used.close();
  assert.deepEqual((await evict([one.store], 2 * CHUNK)).map(({ name }) => name), ['a', 'c']);
  await empty(one.disk);
});

test('a file that the browser removed is announced and fetched again', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  one.disk.data.clear();
  same(await take(one, server), BYTES);
  assert.deepEqual(one.notices.map(([code]) => code), ['storage_evicted']);
});

test('a file that another tab removes just then is fetched again, and the browser is not blamed', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  const [{ id }] = await one.store.list();
  const two = await tab({ disk: one.disk, locks: lateLocks(one, id) });
  same(await take(two, server), BYTES);
  assert.deepEqual(two.notices, []);
});

test('a file that has become shorter is downloaded to its end, in long requests', async (t) => {
  const server = await serving(t);
  const one = await tab();
  same(await take(one, server), BYTES);
  const chunks = one.disk.data.get((await one.store.list())[0].id);
  chunks.set(2, chunks.get(2).slice(0, 1000));
  [3, 4, 5].forEach((n) => chunks.delete(n));
  server.asked.length = 0;
  same(await take(one, server), BYTES);
  assert.deepEqual(server.asked, [[2 * CHUNK, LENGTH]]);
  assert.deepEqual(one.notices.map(([code, { bytes }]) => [code, bytes]), [['storage_evicted', LENGTH - 2 * CHUNK - 1000]]);
  same(await take(one, server), BYTES);
  assert.equal(server.asked.length, 1);
});

test('a crash at any moment: what is on the disk is resumed, byte for byte', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 1 }));
  const images = [];
  class Crashing extends MemoryDisk {
    image() {
      images.push(imageOf(this));
    }
    async writeRecord(name, text) {
      this.image();
      await super.writeRecord(name, text);
      this.image();
    }
    async openFile(name, mode) {
      const file = await super.openFile(name, mode);
      const write = async (n, bytes) => {
        await file.write(n, bytes.subarray(0, 1000)); // torn
        this.image();
        await file.write(n, bytes);
        this.image();
      };
      return mode === 'write' ? { ...file, write } : file;
    }
  }
  await take(await tab({ disk: new Crashing() }), server);
  assert.ok(images.length > 15, `${images.length} images`);
  const step = process.env.KINGLET_SOAK ? 1 : 5;
  for (const disk of images.filter((_, i) => i % step === 0)) {
    const after = await tab({ disk });
    await after.store.sweep();
    same(await take(after, server), BYTES);
    assert.equal((await after.store.list()).filter(({ complete }) => complete).length, 1);
    assert.equal((await disk.files()).length, 1);
  }
});

test('a store of version 1 is taken over: nothing is downloaded, and every chunk is still checked', async (t) => {
  const server = await serving(t);
  const disk = new MemoryDisk();
  const id = '0123456789abcdef0123456789abcdef';
  const chunks = new Map();
  for (let n = 0; n * CHUNK < LENGTH; n++) chunks.set(n, new Uint8Array(BYTES.subarray(n * CHUNK, (n + 1) * CHUNK)));
  const sha = await Promise.all([...chunks.values()].map((bytes) => sha256(bytes)));
  const old = { schema: 1, id, url: `${server.origin}/m.gguf`, name: 'm.gguf', length: LENGTH, etag: '"one"', modified: null, sha, complete: true, created: 5 };
  disk.text.set('schema', '1').set(`file-${id}`, JSON.stringify(old));
  disk.data.set(id, chunks);
  const reading = await tab({ disk: Object.assign(new MemoryDisk(false), { text: disk.text, data: disk.data }) });
  same(await take(reading, server), BYTES); // a thread that cannot write leaves it as it is
  assert.equal(disk.text.get('schema'), '1');
  reading.close();
  chunks.get(1)[9] ^= 1;
  const one = await tab({ disk });
  assert.equal(disk.text.get('schema'), '3');
  same(await take(one, server), BYTES);
  assert.deepEqual(server.asked, [[CHUNK, 2 * CHUNK]]);
  const manifest = parse(disk.text.get(`file-${id}`));
  assert.ok(manifest.fast.every((hash, n) => hash !== '' || n === 1), 'the fast hashes were learnt');
});

test('a store of version 2 is taken over, with hashes of before; code that knows only those changes nothing in it from then on', async (t) => {
  const server = await serving(t);
  const one = await tab();
  await take(one, server);
  one.close();
  const { disk } = one;
  const [name] = (await disk.records()).filter((record) => record.startsWith('file-'));
  const { parts, ...written } = JSON.parse(disk.text.get(name));
  assert.deepEqual(parts, []);
  disk.text.set('schema', '2').set(name, JSON.stringify({ ...written, schema: 2, fast: written.fast.map(() => 'ef46db3751d8e999') }));
  const two = await tab({ disk });
  assert.deepEqual([disk.text.get('schema'), JSON.parse(disk.text.get(name)).schema], ['3', 3]);
  server.asked.length = 0;
  same(await take(two, server), BYTES);
  assert.deepEqual([server.asked, JSON.parse(disk.text.get(name)).fast], [[], written.fast]);
  two.close();
  await assert.rejects(Store.open(disk, one.locks, 2), { code: 'store_newer' });
});

test('an older tab meets a newer store: store_newer, nothing is changed; an upgrade waits until older tabs are done', async (t) => {
  const server = await serving(t);
  const one = await tab();
  await take(one, server);
  let upgraded = false;
  const newer = Store.open(one.disk, one.locks, 4).then((store) => ((upgraded = true), store));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(upgraded, false, 'the older tab still has its session');
  one.close();
  (await newer).close();
  const before = [...one.disk.text];
  await assert.rejects(Store.open(one.disk, one.locks, 3), (error) => {
    assert.deepEqual([error.code, error.detail], ['store_newer', { found: 4, supported: 3 }]);
    return true;
  });
  assert.deepEqual([...one.disk.text], before);
});

test('a fast hash of a kind that is computed no longer is learnt anew, and the chunk still checked', async (t) => {
  const server = await serving(t);
  const one = await tab();
  await take(one, server);
  const [name] = (await one.disk.records()).filter((record) => record.startsWith('file-'));
  const written = JSON.parse(one.disk.text.get(name));
  one.disk.text.set(name, JSON.stringify({ ...written, fast: written.fast.map(() => 'ef46db3751d8e999') }));
  const [chunks] = one.disk.data.values();
  chunks.get(1)[9] ^= 1;
  server.asked.length = 0;
  same(await take(one, server), BYTES);
  assert.deepEqual(server.asked, [[CHUNK, 2 * CHUNK]]);
  assert.deepEqual(JSON.parse(one.disk.text.get(name)).fast.filter((_, n) => n !== 1), written.fast.filter((_, n) => n !== 1));
});

test('a file that another tab downloads while this one sweeps stays; its record is never there without its lock', async (t) => {
  const server = await serving(t);
  const one = await tab();
  const two = await tab(one);
  const { disk, locks } = one;
  let free = 0;
  const { writeRecord, records } = disk;
  disk.writeRecord = async (record, text) => {
    const lock = await locks.hold(`use-${record.slice('file-'.length)}`, { mode: 'exclusive', ifAvailable: true });
    free += lock === undefined || JSON.parse(text).complete ? 0 : 1;
    lock?.();
    return writeRecord.call(disk, record, text);
  };
  let listed = 0;
  disk.records = async () => {
    listed += 1;
    // The sweep has read the records, and now looks which names there are.
    if (listed === 2) await take(two, server);
    return records.call(disk);
  };
  await one.store.sweep();
  assert.ok(listed > 2);
  assert.equal(free, 0);
  const before = server.asked.length;
  same(await take(one, server), BYTES);
  assert.equal(server.asked.length, before, 'it was there');
});

test('records that say nothing, or too much, are no files; what no record speaks of is removed', async () => {
  const one = await tab();
  const id = (n) => String(n).repeat(32);
  const good = { ...(await one.store.create('k', 'n')), id: id(9) };
  const broken = ['', '{', 'null', '[]', '7', JSON.stringify({ ...good, sha: 7 }), JSON.stringify({ ...good, length: -1 }),
    JSON.stringify({ ...good, complete: true }), JSON.stringify({ ...good, length: 5, sha: ['', ''], fast: ['', ''] })];
  broken.forEach((text, n) => one.disk.text.set(`file-${id(n)}`, text));
  await (await one.disk.openFile(id(8), 'write')).write(0, new Uint8Array(10));
  assert.equal((await one.store.list()).length, 1);
  await one.store.sweep();
  assert.deepEqual([(await one.disk.records()).length, (await one.disk.files()).length], [2, 0]);
});
