// IndexedDB's disk without a browser: what it does when a newer version, or nobody, holds the database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../pkg/dist/store/disk.js';
import { IndexedDb } from '../../pkg/dist/store/indexeddb.js';
import { LocalLocks } from '../../pkg/dist/store/locks.js';
import { Store } from '../../pkg/dist/store/store.js';

/** A browser whose database opens, or fails with this error. */
function browser(t, error) {
  const db = { closed: 0, close: () => (db.closed += 1) };
  const open = () => {
    const request = { error, result: db };
    queueMicrotask(() => (error ? request.onerror() : request.onsuccess()));
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

test('a session that ends, or does not begin, lets go of its disk', async () => {
  const closed = [];
  const disk = Object.assign(new MemoryDisk(), { close: () => closed.push('closed') });
  (await Store.open(disk, new LocalLocks())).close();
  assert.equal(closed.length, 1);
  disk.text.set('schema', '99');
  await assert.rejects(Store.open(disk, new LocalLocks()), { code: 'store_newer' });
  assert.equal(closed.length, 2);
});
