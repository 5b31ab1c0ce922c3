// IndexedDB's disk without a browser: what it does when a newer version, or nobody, holds the database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDrawer } from '../../pkg/dist/drawer.js';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { IndexedDb } from '../../pkg/dist/store/indexeddb.js';
import { LocalLocks } from '../../pkg/dist/store/locks.js';
import { Store } from '../../pkg/dist/store/store.js';

/** A browser whose database opens, or fails with this error; `answer(request)` says what it does instead. */
function browser(t, error, answer = (request) => (error ? request.onerror() : request.onsuccess())) {
  const db = { closed: 0, close: () => (db.closed += 1) };
  const open = () => {
    const request = { error, result: db };
    queueMicrotask(() => answer(request));
    return request;
  };
  globalThis.indexedDB = { open };
  t.after(() => delete globalThis.indexedDB);
  return db;
}

test('a newer layout is store_newer; a browser that gives no database has none', async (t) => {
  browser(t, new DOMException('newer', 'VersionError'));
  await assert.rejects(IndexedDb.find(), { code: 'store_newer' });
  browser(t, new DOMException('private window', 'InvalidStateError'));
  assert.equal(await IndexedDb.find(), undefined);
});

test('the database is let go of when somebody changes it, and at the end', async (t) => {
  const db = browser(t);
  const disk = await IndexedDb.find();
  assert.equal(db.closed, 0);
  db.onversionchange();
  assert.equal(db.closed, 1);
  disk.close();
  assert.equal(db.closed, 2);
});

test('a tab that does not let go of an older layout: store_busy; a browser that never answers has none; what comes later is let go of', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let request;
  let db = browser(t, undefined, (asked) => (request = asked).onblocked());
  const blocked = IndexedDb.find();
  await Promise.resolve();
  t.mock.timers.tick(3000);
  await assert.rejects(blocked, (error) => error.code === 'store_busy' && error.detail.store === 'indexeddb');
  request.onsuccess();
  assert.equal(db.closed, 1);

  browser(t, undefined, (asked) => (asked.onblocked(), asked.onsuccess()));
  assert.ok(await IndexedDb.find(), 'it was blocked for a moment only');

  db = browser(t, undefined, (asked) => (request = asked));
  const silent = IndexedDb.find();
  await Promise.resolve();
  t.mock.timers.tick(10_000);
  assert.equal(await silent, undefined);
  request.onsuccess();
  assert.equal(db.closed, 1);
});

test('a session that ends, or does not begin, lets go of its disk', async () => {
  const closed = [];
  const disk = Object.assign(new MemoryDisk(), { close: () => closed.push('closed') });
  (await Store.open(disk, new LocalLocks())).close();
  assert.equal(closed.length, 1);
  disk.text.set('schema', '99');
  await assert.rejects(Store.open(disk, new LocalLocks()), { code: 'store_newer' });
  assert.equal(closed.length, 2);
});

/** A database whose transactions end at once, as `how` says. */
function records(db, how) {
  db.objects = new Map();
  db.transaction = () => {
    if (db.gone) throw new DOMException('closing', 'InvalidStateError');
    const transaction = { objectStore: () => store };
    const store = { transaction, put: (value, [, key]) => db.objects.set(key, value), delete: ([, key]) => db.objects.delete(key) };
    queueMicrotask(() => how(transaction));
    return transaction;
  };
  return db;
}

test('a drawer that was closed from outside is opened again; at its own end it stays closed', async (t) => {
  const db = records(browser(t), (transaction) => transaction.oncomplete());
  const drawer = await openDrawer('test', 'indexeddb');
  await drawer.write([['a', 1]]);
  db.onversionchange();
  assert.equal(db.closed, 1);
  await drawer.write([['b', 2]]);
  assert.deepEqual([...db.objects.keys()], ['a', 'b']);
  db.onclose();
  browser(t, new DOMException('no more', 'UnknownError'));
  await assert.rejects(drawer.write([['c', 3]]), { code: 'io', message: /reload the page/ });
  drawer.close();
  await assert.rejects(drawer.write([['c', 3]]), { code: 'io', message: /open it again/ });
});

test('a full disk is quota_exceeded, in a drawer, too', async (t) => {
  records(browser(t), (transaction) => {
    transaction.error = null;
    transaction.onerror?.(); // as browsers do: the request fails first, then the transaction has its error
    transaction.error = new DOMException('full', 'QuotaExceededError');
    transaction.onabort();
  });
  const drawer = await openDrawer('test', 'indexeddb');
  await assert.rejects(drawer.write([['a', 1]]), { code: 'quota_exceeded' });
});
