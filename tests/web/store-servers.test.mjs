// Servers and networks that are odd: several behind one address, answers in a form that nobody asked for, no network.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from '../../pkg/dist/sources/open.js';
import { retryAfter } from '../../pkg/dist/sources/retry.js';
import { BYTES, empty, FILE, LENGTH, LONG, QUICK, readAll, same, serving, SHA, tab, take, until } from './support/store.mjs';

/** Reads a file that is kept nowhere. */
async function pass(server, length) {
  let all;
  const wire = { kind: 'url', url: `${server.origin}/m.gguf` };
  await loadModel([wire], { store: 'none', retry: QUICK }, async ({ all: [reader] }) => {
    all = await readAll(reader, length);
    return {};
  });
  return all;
}

test('two servers behind one address, each with ETags of its own: one version, in few requests', async (t) => {
  for (const read of [async (server) => take(await tab(), server), pass]) {
    let n = 0;
    const server = await serving(t, () => ({ ...FILE, etag: `"node ${n++ % 2}"` }), () => ({ pace: 1 }));
    same(await read(server), BYTES);
    assert.ok(server.asked.length < 15, `${server.asked.length} requests`);
    const again = server.asked.reduce((sum, [start, end]) => sum + end - start, 0);
    assert.ok(again < 6 * LENGTH, `${again} bytes were asked for`);
  }
});

test('failures at random, of any of the connections: each byte is in its place', async (t) => {
  const rounds = process.env.KINGLET_SOAK ? 100 : 2;
  for (let seed = 1; seed <= rounds; seed++) {
    let state = seed;
    const random = () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
    const fault = (n) => {
      const kind = random();
      const cut = Math.floor(random() * 9_000_000);
      return n === 0 || kind < 0.3 ? { cut: cut + 1, pace: 1 } : kind < 0.7 ? { status: 503 } : {};
    };
    const server = await serving(t, () => LONG, fault);
    const one = await tab({ retry: { ...QUICK, attempts: 50, backoffMs: 1 } });
    const reader = await one.open(server);
    await reader.finish();
    same(await readAll(reader, LONG.bytes.length), LONG.bytes);
    await reader.close();
    await server.close();
  }
});

test('an answer in several parts to a request for one: http, and nothing of it is taken for the file', async (t) => {
  const server = await serving(t, undefined, () => ({ multipart: true }));
  const one = await tab();
  await assert.rejects(take(one, server), (error) => error.code === 'http' && /multipart/.test(error.message));
  await empty(one.disk);
  await assert.rejects(pass(server), { code: 'http' });
});

test('a file whose length nobody says ends where all of it has come, and nowhere else', async (t) => {
  let now = FILE;
  let fault = { unknownTotal: true, bare: true };
  const server = await serving(t, () => now, () => fault);
  same(await take(await tab(), server), BYTES);

  // It has become shorter, and the server says of both that they are the same version.
  for (const bare of [true, false]) {
    now = FILE;
    fault = { unknownTotal: true, pace: 20 }; // half a second for what is sent beyond the first chunk: that is hashed meanwhile
    const one = await tab();
    const sent = server.sent;
    const reader = await one.open(server);
    await until(() => server.sent - sent > 6_000_000);
    await reader.close();
    const [{ stored, length }] = await one.store.list();
    assert.ok(stored > 5_000_000 && length === undefined, `${stored} of ${length}`);
    now = { ...FILE, bytes: BYTES.subarray(0, 4_500_000) };
    fault = { unknownTotal: true, bare };
    const again = await one.open(server);
    await again.finish();
    same(await readAll(again, now.bytes.length), now.bytes);
    await again.close();
    assert.equal((await one.store.list())[0].length, now.bytes.length);
  }
});

test('without a network no attempts are counted; with one they are', async (t) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  const navigator = { onLine: true };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  t.after(() => (before === undefined ? delete globalThis.navigator : Object.defineProperty(globalThis, 'navigator', before)));
  const failing = 3 * QUICK.attempts;
  const fault = (n) => {
    if (n === 1) navigator.onLine = false;
    if (n === failing) navigator.onLine = true;
    return n === 0 ? { cut: 1_000_000 } : n < failing ? { cut: 0 } : {};
  };
  for (const read of [async (server) => take(await tab(), server, { sha256: SHA }), pass]) {
    navigator.onLine = true;
    const server = await serving(t, undefined, fault);
    same(await read(server), BYTES);
    assert.ok(server.asked.length > failing, `${server.asked.length} requests`);
  }
  navigator.onLine = true;
  const down = await serving(t, undefined, (n) => (n === 0 ? { cut: 1_000_000 } : { cut: 0 }));
  await assert.rejects(take(await tab(), down), { code: 'io' });
  navigator.onLine = false;
  const busy = await serving(t, undefined, (n) => (n === 0 ? { cut: 1_000_000 } : { status: 503 }));
  await assert.rejects(take(await tab(), busy), { code: 'http' }); // whoever answers is there
});

test('Retry-After: seconds, or a date by the clock of the server', () => {
  const after = (value, date) => retryAfter(new Headers({ 'retry-after': value, ...(date === undefined ? {} : { date }) }));
  assert.equal(after('7'), 7000);
  assert.equal(after('Sat, 21 Nov 2026 10:00:09 GMT', 'Sat, 21 Nov 2026 10:00:02 GMT'), 7000);
  assert.equal(after('Sat, 21 Nov 2026 10:00:00 GMT', 'Sat, 21 Nov 2026 10:00:02 GMT'), 0);
  const soon = after(new Date(Date.now() + 60_000).toUTCString());
  assert.ok(soon > 50_000 && soon <= 60_000, `${soon}`);
  assert.deepEqual([after('nonsense'), after(''), after('-3'), retryAfter(new Headers())], [0, 0, 0, 0]);
});
