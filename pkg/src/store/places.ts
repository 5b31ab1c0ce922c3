// Which place a thread keeps models in.

import { KingletError } from '../errors.js';
import type { Disk } from './disk.js';
import { IndexedDb } from './indexeddb.js';
import { LocalLocks, WebLocks, type Locks, type Wait } from './locks.js';
import { Opfs } from './opfs.js';
import { diskError } from './quota.js';
import { Store } from './store.js';

/** Where downloaded models are kept. `auto`: where the browser can, else nowhere. */
export type StoreKind = 'auto' | 'opfs' | 'indexeddb' | 'none';

/** Of this thread, where the browser has none for all tabs. */
const LOCAL = new LocalLocks();

/** The locks of this thread. */
export function findLocks(): Locks {
  return WebLocks.find() ?? LOCAL;
}

/** The place of that kind; undefined where there is none. */
export async function findDisk(kind: StoreKind): Promise<Disk | undefined> {
  switch (kind) {
    case 'none':
      return undefined;
    case 'opfs':
      return Opfs.find();
    case 'indexeddb':
      return IndexedDb.find();
    case 'auto':
      return (await Opfs.find()) ?? IndexedDb.find();
  }
}

/** All places that may keep something: a page may have asked for another one than `auto` takes. */
export async function findDisks(): Promise<Disk[]> {
  const found = [await Opfs.find(), (await IndexedDb.exists()) ? await IndexedDb.find() : undefined];
  return found.filter((disk) => disk !== undefined);
}

/**
 * A session with the store of this kind; undefined: nothing is kept.
 *
 * @throws KingletError `store_unavailable` for one that was asked for by name; `store_newer`; `quota_exceeded`, `io`.
 */
export async function openStore(kind: StoreKind, wait: Wait = {}): Promise<Store | undefined> {
  const disk = await findDisk(kind);
  if (disk === undefined) {
    if (kind === 'opfs' || kind === 'indexeddb') {
      const message = `this browser has no ${kind} here (plain http, a private window, or too old); load with store: 'auto' or 'none'`;
      throw new KingletError('store_unavailable', message, { store: kind });
    }
    return undefined;
  }
  return openOn(disk, wait);
}

/** A session with the store on `disk`. */
export async function openOn(disk: Disk, wait: Wait): Promise<Store> {
  return Store.open(disk, findLocks(), undefined, wait).catch((thrown: unknown) => {
    throw diskError('the store', thrown);
  });
}
