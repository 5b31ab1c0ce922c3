// Remembers what this GPU was found to compute correctly (src/backend/truth.rs), so that it is tried once for each adapter,
// browser and version of kinglet. A GPU that failed is not remembered: the next driver may be better. Where there is no
// database, or it fails, everything is tried again, which takes tens of milliseconds. Likewise which variants of the kernels it
// was measured to run fastest (src/backend/autotune.rs), which takes up to a second.

import type { Tuning } from './types.js';

const DATABASE = 'kinglet-gpu';
const STORE = 'passed';
/** Milliseconds for which an answer of the database is waited for; some browsers have given none. */
const PATIENCE = 1000;

/** What is known of one GPU. */
export class Trials {
  private readonly key: string;

  constructor(adapter: string, version: string) {
    this.key = [adapter, globalThis.navigator?.userAgent, version].join('\n');
  }

  /** Names of the comparisons that passed. */
  async passed(): Promise<string[]> {
    const names: unknown = await this.ask('readonly', (store) => store.get(this.key)).catch(() => undefined);
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  }

  /** Adds to them. */
  async add(names: readonly string[]): Promise<void> {
    if (names.length > 0) {
      const all = new Set([...(await this.passed()), ...names]);
      await this.ask('readwrite', (store) => store.put([...all], this.key)).catch(() => undefined);
    }
  }

  /** The variants that were measured to be the fastest; undefined: none were. The engine checks them. */
  async tuning(): Promise<Tuning | undefined> {
    const known: unknown = await this.ask('readonly', (store) => store.get(this.tuningKey)).catch(() => undefined);
    return typeof known === 'object' && known !== null ? (known as Tuning) : undefined;
  }

  /** Remembers them. */
  async tune(tuning: Tuning): Promise<void> {
    await this.ask('readwrite', (store) => store.put(tuning, this.tuningKey)).catch(() => undefined);
  }

  private get tuningKey(): string {
    return `${this.key}\ntuning`;
  }

  private async ask<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
    });
    const answer = this.askAtLeisure(mode, work);
    answer.catch(() => undefined); // nobody may be left to hear it
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  private async askAtLeisure<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await settled(opening);
    try {
      const transaction = database.transaction(STORE, mode);
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const answer = settled(work(transaction.objectStore(STORE)));
      // A worker that ends before its transaction is complete takes with it what was written.
      const [value] = await Promise.all([answer, done]);
      return value;
    } finally {
      database.close();
    }
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
