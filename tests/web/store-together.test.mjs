// Several that use the store at once, without a browser: tabs that wait for each other, and the parts of a model that share
// what room there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { LocalLocks } from '../../pkg/dist/store/locks.js';
import { Room } from '../../pkg/dist/store/quota.js';
import { Store } from '../../pkg/dist/store/store.js';
import { BYTES, empty, LENGTH, readAll, same, serving, tab, take, until } from './support/store.mjs';

test('who waits for a download says how far it is', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 40 }));
  const one = await tab();
  const two = await tab(one);
  const [a, b] = await Promise.all([take(one, server), take(two, server)]);
  same(a, BYTES);
  same(b, BYTES);
  const [first, ...later] = [...one.said, ...two.said];
  assert.deepEqual(first, ['m.gguf']);
  assert.ok(later.length > 0, 'it took longer than a second');
  const loaded = later.map(([, loaded]) => loaded);
  assert.deepEqual(loaded, loaded.toSorted((x, y) => x - y));
  assert.ok(loaded[0] > 0 && later.every(([name, , total]) => name === 'm.gguf' && total === LENGTH), JSON.stringify(later));
});

test('who waits can be aborted; those behind it have their turn', async (t) => {
  const server = await serving(t, undefined, () => ({ pace: 20 }));
  const one = await tab();
  const [two, three] = [await tab(one), await tab(one)];
  const reader = await one.open(server);
  const control = new AbortController();
  const aborted = assert.rejects(two.open(server, { signal: control.signal }), { code: 'aborted' });
  await until(() => two.said.length > 0);
  const third = take(three, server);
  await until(() => three.said.length > 0);
  control.abort(new Error('enough'));
  await aborted;
  await assert.rejects(two.open(server, { signal: control.signal }), { code: 'aborted' });
  await reader.close();
  same(await third, BYTES);
});

test('locks: a shared one that waits behind an exclusive one that gives up has its turn at once', async () => {
  const locks = new LocalLocks();
  const first = await locks.hold('a', { mode: 'shared' });
  const control = new AbortController();
  const exclusive = locks.hold('a', { mode: 'exclusive', signal: control.signal });
  const shared = locks.hold('a', { mode: 'shared' });
  control.abort();
  await assert.rejects(exclusive, { code: 'aborted' });
  (await shared)();
  first();
  (await locks.hold('a', { mode: 'exclusive', ifAvailable: true }))();
});

test('a session that has to wait for an upgrade says so, and can be aborted', async () => {
  const locks = new LocalLocks();
  const disk = new MemoryDisk();
  const upgrade = await locks.hold('store', { mode: 'exclusive' });
  const control = new AbortController();
  const said = [];
  const wait = { signal: control.signal, waiting: () => said.push('waits') };
  const session = Store.open(disk, locks, 2, wait);
  await until(() => said.length > 0);
  control.abort();
  await assert.rejects(session, { code: 'aborted' });
  upgrade();
  (await Store.open(disk, locks, 2, wait).catch(() => undefined))?.close();
  (await Store.open(disk, locks)).close();
});

test('parts of a model share what room there is, where it cannot be reserved; what is given up is there again', async (t) => {
  class Unreserved extends MemoryDisk {
    async openFile(name, mode) {
      const { size: _, ...file } = (await super.openFile(name, mode)) ?? {};
      return file.read && file;
    }
  }
  const server = await serving(t, undefined, () => ({ pace: 1 }));
  const disk = new Unreserved();
  const room = new Room(async () => ({ usage: disk.used, quota: 2 * LENGTH - 1, available: 2 * LENGTH - 1 - disk.used }));
  const one = await tab({ disk, room });
  const first = await one.open(server, { key: 'part 1' });
  await first.read(0, 100);
  await assert.rejects(one.open(server, { key: 'part 2' }), (error) => {
    const { code, detail: { needed, available } } = error;
    assert.ok(needed > available && needed <= 2 * LENGTH && available < 2 * LENGTH, JSON.stringify(error.detail));
    return code === 'quota_exceeded';
  });
  same(await readAll(first), BYTES);
  await first.close();
  for (const { id } of await one.store.list()) await one.store.remove(id);
  await empty(disk);
  same(await take(one, server, { key: 'part 2' }), BYTES);
});
