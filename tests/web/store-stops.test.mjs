// Ends of a download, and of a reader, at moments where little happens or much at once: what was there stays, and nothing
// is kept that is not the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { CHUNK } from '../../pkg/dist/store/window.js';
import { empty, LONG, readAll, same, serving, SHA, sum, tab, take, until } from './support/store.mjs';

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
