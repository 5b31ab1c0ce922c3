// What tests of the store need: files, a tab with a session of its own, and reading as the engine does.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { MemoryDisk } from '../../../pkg/dist/store/disk.js';
import { LocalLocks } from '../../../pkg/dist/store/locks.js';
import { patient } from '../../../pkg/dist/sources/retry.js';
import { Room } from '../../../pkg/dist/store/quota.js';
import { Store } from '../../../pkg/dist/store/store.js';
import { openStored } from '../../../pkg/dist/store/stored.js';
import { CHUNK, Window } from '../../../pkg/dist/store/window.js';
import { noise, startFaults } from './faults.mjs';

export const LENGTH = 5 * CHUNK + 12345;
export const BYTES = noise(LENGTH);
export const OTHER = noise(LENGTH, 2);
export const SHA = createHash('sha256').update(BYTES).digest('hex');
export const FILE = { bytes: BYTES, etag: '"one"', modified: 'Sat, 21 Nov 2026 10:00:00 GMT' };
/** Of four requests. */
export const LONG = { bytes: noise(13 * CHUNK + 5, 3), etag: '"long"' };
export const QUICK = { attempts: 4, backoffMs: 5, stallMs: 1000 };
export const ROOMY = { usage: 0, quota: Infinity, available: Infinity };

/** A tab: its own session with a disk and locks that it may share. `open(server, more)` gives a reader. */
export async function tab({ disk = new MemoryDisk(), locks = new LocalLocks(), estimate = ROOMY, retry = QUICK, room = new Room(async () => estimate) } = {}) {
  const store = await Store.open(disk, locks);
  const notices = [];
  const said = [];
  const shelf = {
    store,
    window: new Window(),
    patience: patient(retry),
    room,
    progress: () => undefined,
    waiting: (...how) => said.push(how),
    notice: (code, _, detail) => notices.push([code, detail]),
    done: () => undefined,
  };
  const open = ({ origin }, { turn, ...more } = {}) =>
    openStored({ url: `${origin}/m.gguf`, key: `${origin}/m.gguf`, name: 'm.gguf', ...more }, shelf, turn);
  return { disk, locks, store, notices, said, open, close: () => store.close() };
}

/** Reads all of a file in pieces that cross chunks, as the engine does. */
export async function readAll(reader, length = LENGTH) {
  const all = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const piece = await reader.read(at, Math.min(3_000_001, length - at));
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Opens, reads, finishes, closes; what was read. */
export async function take(one, server, more) {
  const reader = await one.open(server, more);
  try {
    const all = await readAll(reader, more?.length);
    await reader.finish();
    return all;
  } finally {
    await reader.close();
  }
}

export async function until(what) {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 10));
}

export const same = (a, b) => assert.ok(Buffer.compare(a, b) === 0, 'the bytes differ');
export const empty = async (disk) => assert.deepEqual([(await disk.files()).length, (await disk.records()).filter((r) => r !== 'schema')], [0, []]);

export async function serving(t, file = () => FILE, fault, headers) {
  const server = await startFaults(file, fault, headers);
  t.after(() => server.close());
  return server;
}

/** Bytes of ranges. */
export const sum = (ranges) => ranges.reduce((all, [start, end]) => all + end - start, 0);

/** What is on a disk now, as a crash would leave it. */
export function imageOf({ text, data }) {
  const copy = new MemoryDisk();
  text.forEach((record, name) => copy.text.set(name, record));
  data.forEach((chunks, name) => copy.data.set(name, new Map([...chunks].map(([n, bytes]) => [n, bytes.slice()]))));
  return copy;
}

/** Locks of a tab that comes too late: whenever it takes hold of file `id`, `one` has just removed it. */
export function lateLocks(one, id) {
  return new (class extends LocalLocks {
    async hold(name, want) {
      if (name === `use-${id}`) await one.store.drop(id);
      return one.locks.hold(name, want);
    }
  })();
}
