// Ends of a download, and of a reader, at moments where little happens or much at once: what was there stays, and nothing
// is kept that is not the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK } from '../../pkg/dist/store/window.js';
import { LONG, same, serving, sum, tab, take, until } from './support/store.mjs';

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
