// IndexedDB, where there is no origin private file system: records and chunks as values. Every write is a transaction.

import { KingletError } from '../errors.js';
import type { Disk, DiskFile } from './disk.js';

const NAME = 'kinglet';
const RECORDS = 'records';
/** Key: file and number of the chunk. */
const CHUNKS = 'chunks';
/** Of the two object stores; what is in the records has a version of its own (manifest.ts). */
const LAYOUT = 1;
/** How long a browser may take that says nothing at all: some never answer. */
const SILENCE_MS = 10_000;
/** How long an older tab may take to let go of the database. */
const BLOCKED_MS = 3000;

/** The store's database of this origin. */
export class IndexedDb implements Disk {
  readonly kind = 'indexeddb';
  readonly writable = true;

  private constructor(private readonly db: IDBDatabase) {
    // A newer tab changes the layout, or the user removes the site's data: neither must wait for this tab.
    db.onversionchange = () => db.close();
  }

  /** Whether there is a database, as far as the browser says; looking must not make one. */
  static async exists(): Promise<boolean> {
    const all = await globalThis.indexedDB?.databases?.().catch(() => undefined);
    return all === undefined ? typeof indexedDB !== 'undefined' : all.some(({ name }) => name === NAME);
  }

  /**
   * Undefined where the browser has none, gives none to this page, or does not answer.
   *
   * @throws KingletError `store_newer` when a newer version of this code has changed the layout; `store_busy` when another
   * tab does not let go of an older one.
   */
  static async find(): Promise<IndexedDb | undefined> {
    if (typeof indexedDB === 'undefined') {
      return undefined;
    }
    try {
      const db = await opened();
      return db && new IndexedDb(db);
    } catch (thrown) {
      if (thrown instanceof KingletError) {
        throw thrown;
      }
      if (thrown instanceof DOMException && thrown.name === 'VersionError') {
        const message = "the store was written by a newer version of kinglet; reload the page, or load with store: 'none'";
        throw new KingletError('store_newer', message, { supported: LAYOUT }, { cause: thrown });
      }
      return undefined;
    }
  }

  close(): void {
    this.db.close();
  }

  async records(): Promise<string[]> {
    return (await this.ask(RECORDS, (store) => store.getAllKeys())) as string[];
  }

  async readRecord(name: string): Promise<string | undefined> {
    return (await this.ask(RECORDS, (store) => store.get(name))) as string | undefined;
  }

  writeRecord(name: string, text: string): Promise<void> {
    return this.change(RECORDS, (store) => store.put(text, name));
  }

  removeRecord(name: string): Promise<void> {
    return this.change(RECORDS, (store) => store.delete(name));
  }

  async files(): Promise<string[]> {
    const keys = (await this.ask(CHUNKS, (store) => store.getAllKeys())) as [string, number][];
    return [...new Set(keys.map(([file]) => file))];
  }

  async openFile(name: string, mode: 'read' | 'write'): Promise<DiskFile | undefined> {
    if (mode === 'read' && (await this.ask(CHUNKS, (store) => store.count(all(name)))) === 0) {
      return undefined;
    }
    return {
      read: async (n, into) => {
        const bytes = (await this.ask(CHUNKS, (store) => store.get([name, n]))) as Uint8Array | undefined;
        const there = bytes?.subarray(0, into.length) ?? new Uint8Array();
        into.set(there);
        return there.length;
      },
      rewrites: true,
      // A copy, because a view would take its whole buffer along.
      write: (n, bytes) => this.change(CHUNKS, (store) => store.put(bytes.slice(), [name, n])),
      reserve: async () => undefined,
      flush: async () => undefined,
      close: async () => undefined,
    };
  }

  removeFile(name: string): Promise<void> {
    return this.change(CHUNKS, (store) => store.delete(all(name)));
  }

  private ask<T>(store: string, what: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return done(what(this.db.transaction(store).objectStore(store)));
  }

  private change(store: string, what: (store: IDBObjectStore) => IDBRequest): Promise<void> {
    const transaction = this.db.transaction(store, 'readwrite');
    const request = what(transaction.objectStore(store));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  }
}

/** The keys of all chunks of a file. */
function all(name: string): IDBKeyRange {
  return IDBKeyRange.bound([name, 0], [name, Infinity]);
}

/** The database, made or brought to this layout; undefined: the browser does not say. */
function opened(): Promise<IDBDatabase | undefined> {
  const open = indexedDB.open(NAME, LAYOUT);
  open.onupgradeneeded = () => {
    open.result.createObjectStore(RECORDS);
    open.result.createObjectStore(CHUNKS);
  };
  return new Promise((resolve, reject) => {
    let late = false;
    const end = () => {
      clearTimeout(timer);
      late = true;
    };
    let timer = setTimeout(() => {
      end();
      resolve(undefined);
    }, SILENCE_MS);
    // Tabs of this code let go at once (see the constructor).
    open.onblocked = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        end();
        const message = 'another tab uses an older version of the store and does not let go of it; close or reload that tab, then try again';
        reject(new KingletError('store_busy', message, { store: 'indexeddb' }));
      }, BLOCKED_MS);
    };
    open.onsuccess = () => {
      if (late) {
        open.result.close(); // nobody waits for it any more
      }
      end();
      resolve(open.result);
    };
    open.onerror = () => {
      end();
      reject(open.error);
    };
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
