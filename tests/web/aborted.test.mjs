// Abort, wherever a file of the store is being waited for: it ends at once, says `aborted`, and leaves nothing locked.
// (Waiting for another tab: store-together.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK } from '../../pkg/dist/store/window.js';
import { empty, serving, SHA, tab, take, until } from './support/store.mjs';

const soon = (promise) => Promise.race([promise.then(() => 'done', ({ code }) => code), new Promise((resolve) => setTimeout(() => resolve('late'), 2000))]);
const isFree = async ({ locks }, name) => {
  const release = await locks.hold(name, { mode: 'exclusive', ifAvailable: true });
  release?.();
  return release !== undefined;
};

test('while the server has not answered', async (t) => {
  const server = await serving(t, undefined, () => ({ delay: 3000 }));
  const one = await tab({ retry: { attempts: 2, backoffMs: 5, stallMs: 30_000 } });
  const control = new AbortController();
  const opening = one.open(server, { signal: control.signal });
  await until(() => server.asked.length > 0);
  control.abort();
  assert.equal(await soon(opening), 'aborted');
  await empty(one.disk);
  assert.ok(await isFree(one, `source-${server.origin}/m.gguf`));
});

test('while what is there is compared with a hash, and while it is read', async (t) => {
  const server = await serving(t);
  const one = await tab();
  await take(one, server);
  const [{ id }] = await one.store.list();
  const control = new AbortController();
  const reader = await one.open(server, { signal: control.signal });
  await reader.read(0, 1000);
  control.abort();
  await assert.rejects(reader.read(CHUNK, 1000), { code: 'aborted' });
  await reader.close();
  const later = new AbortController();
  const { openFile } = one.disk;
  one.disk.openFile = async (...args) => {
    const file = await openFile.apply(one.disk, args);
    return { ...file, read: (...what) => (later.abort(), file.read(...what)) };
  };
  assert.equal(await soon(one.open(server, { signal: later.signal, sha256: SHA })), 'aborted');
  one.disk.openFile = openFile;
  assert.ok(await isFree(one, `use-${id}`));
  const { length } = server.asked;
  await (await one.open(server, { sha256: SHA })).close();
  assert.equal(server.asked.length, length, 'it is still there');
});
