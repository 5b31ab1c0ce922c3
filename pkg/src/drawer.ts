// A drawer: small records of one kind that outlive the page, in a database of IndexedDB of their own; without one, in memory.

import { KingletError } from './errors.js';

/** Where the records are. `auto`: in IndexedDB where there is one, else in memory. */
export type DrawerKind = 'auto' | 'indexeddb' | 'memory';

const DATABASE = 'kinglet-data';
const RECORDS = 'records';
/** Of the database's layout. What a record holds has a version of its own. */
const LAYOUT = 1;
/** How long a browser may take to open it that says nothing at all. */
const SILENCE_MS = 10_000;

/** Records of one name, by key. */
export interface Drawer {
  readonly kind: 'indexeddb' | 'memory';
  /** All of them, in the order of their keys. */
  all(): Promise<[string, unknown][]>;
  /** One of them; undefined: there is none. */
  get(key: string): Promise<unknown>;
  /** All keys, in their order. */
  keys(): Promise<string[]>;
  /** Puts and removes, all or nothing. A value that is undefined is removed. */
  write(records: readonly [string, unknown][]): Promise<void>;
  close(): void;
}

/**
 * Opens the drawer of that name.
 *
 * @throws KingletError `store_unavailable` where IndexedDB was asked for by name and there is none; `store_newer`.
 */
export async function openDrawer(name: string, kind: DrawerKind): Promise<Drawer> {
  if (kind === 'memory') {
    return memory();
  }
  const db = await database();
  if (db !== undefined) {
    return new Database(db, name);
  }
  if (kind === 'indexeddb') {
    const message = "this browser gives no IndexedDB here (a private window?); open it with store: 'auto' or 'memory'";
    throw new KingletError('store_unavailable', message, { store: kind });
  }
  return memory();
}

function memory(): Drawer {
  const records = new Map<string, unknown>();
  return {
    kind: 'memory',
    all: async () => [...records].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    get: async (key) => structuredClone(records.get(key)),
    keys: async () => [...records.keys()].toSorted(),
    write: async (changes) => changes.forEach(([key, value]) => (value === undefined ? records.delete(key) : records.set(key, structuredClone(value)))),
    close: () => records.clear(),
  };
}

class Database implements Drawer {
  readonly kind = 'indexeddb';
  /** Undefined: it was closed from outside, and is opened again when it is needed. */
  private db: IDBDatabase | undefined;
  private closed = false;

  constructor(
    db: IDBDatabase,
    private readonly name: string,
  ) {
    this.take(db);
  }

  private take(db: IDBDatabase): IDBDatabase {
    this.db = db;
    // A newer tab changes the layout, or the user removes the site's data: neither must wait for this one.
    db.onversionchange = () => {
      db.close();
      this.db = undefined;
    };
    db.onclose = () => (this.db = undefined);
    return db;
  }

  private async there(): Promise<IDBDatabase> {
    const db = this.db ?? (this.closed ? undefined : await database());
    if (db === undefined) {
      const message = this.closed ? 'it was closed; open it again' : 'the browser has closed the database and does not open it again; reload the page';
      throw new KingletError('io', message, {});
    }
    return this.db === db ? db : this.take(db);
  }

  async all(): Promise<[string, unknown][]> {
    const range = this.own();
    const records = (await this.there()).transaction(RECORDS).objectStore(RECORDS);
    const keys = records.getAllKeys(range);
    const values = records.getAll(range);
    await settled(records.transaction);
    return keys.result.map((key, i) => [(key as [string, string])[1], values.result[i] as unknown]);
  }

  async get(key: string): Promise<unknown> {
    const records = (await this.there()).transaction(RECORDS).objectStore(RECORDS);
    const record = records.get([this.name, key]);
    await settled(records.transaction);
    return record.result as unknown;
  }

  async keys(): Promise<string[]> {
    const records = (await this.there()).transaction(RECORDS).objectStore(RECORDS);
    const keys = records.getAllKeys(this.own());
    await settled(records.transaction);
    return keys.result.map((key) => (key as [string, string])[1]);
  }

  private own(): IDBKeyRange {
    return IDBKeyRange.bound([this.name], [this.name, []]); // an array sorts behind every string
  }

  async write(changes: readonly [string, unknown][]): Promise<void> {
    const transaction = (await this.there()).transaction(RECORDS, 'readwrite');
    const records = transaction.objectStore(RECORDS);
    for (const [key, value] of changes) {
      void (value === undefined ? records.delete([this.name, key]) : records.put(value, [this.name, key]));
    }
    await settled(transaction);
  }

  close(): void {
    this.closed = true;
    this.db?.close();
    this.db = undefined;
  }
}

function settled(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => {
      const { error } = transaction; // behind a request's error it is not there yet, so that event is not listened to
      const full = error?.name === 'QuotaExceededError';
      const message = full ? 'the browser grants no more room; remove documents or feedback' : `the database failed: ${String(error)}`;
      reject(new KingletError(full ? 'quota_exceeded' : 'io', message, {}, { cause: error }));
    };
  });
}

/** Undefined: the browser has none, gives none to this page, or does not answer. */
function database(): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === 'undefined') {
      return resolve(undefined);
    }
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(DATABASE, LAYOUT);
    } catch {
      return resolve(undefined);
    }
    let waiting = true;
    const silence = setTimeout(() => {
      waiting = false;
      resolve(undefined);
    }, SILENCE_MS);
    request.onupgradeneeded = () => request.result.createObjectStore(RECORDS);
    request.onsuccess = () => {
      clearTimeout(silence);
      if (waiting) {
        resolve(request.result);
      } else {
        request.result.close(); // nobody holds it, and a newer layout would wait for it
      }
    };
    request.onerror = () => {
      clearTimeout(silence);
      if (request.error?.name === 'VersionError') {
        const message = "a newer version of kinglet has written this site's documents and feedback; reload the page, or use store: 'memory'";
        reject(new KingletError('store_newer', message, { supported: LAYOUT }, { cause: request.error }));
      } else {
        resolve(undefined);
      }
    };
  });
}
