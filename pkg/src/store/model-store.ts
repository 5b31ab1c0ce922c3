// The store as a page sees it, with or without an engine: what is there, how much room there is, and making room.

import { KingletError } from '../errors.js';
import { Chunks } from './chunks.js';
import { chunksOf } from './manifest.js';
import { openStore } from './places.js';
import { estimate, type Estimate } from './quota.js';
import type { Store, StoredFile } from './store.js';
import { Window } from './window.js';

/** What a thorough look at one file finds. */
export interface Inspection extends StoredFile {
  /** Numbers of the chunks (of 4 MiB) that are not what was written. They are fetched again when they are needed. */
  damaged: number[];
}

/** The models that are kept in this origin (docs/store.md). */
export interface ModelStore {
  /** All files, the last used first. */
  list(): Promise<StoredFile[]>;
  /** Reads a file (by its address, name or id) and checks every chunk of it; undefined: it is not there. */
  inspect(model: string | URL): Promise<Inspection | undefined>;
  /**
   * Removes what goes by this address, name or id; returns how many files those were.
   *
   * @throws KingletError `store_busy` when one is being downloaded or loaded, here or in another tab.
   */
  delete(model: string | URL): Promise<number>;
  /** Removes the files that were not used for longest, until so many bytes are free; returns those that went. */
  evict(bytes: number): Promise<StoredFile[]>;
  /** Asks the browser not to remove the store when it is short of room. Only a page can ask. True: it will not. */
  persist(): Promise<boolean>;
  /** What the browser grants this origin. */
  estimate(): Promise<Estimate & { persisted: boolean }>;
}

export const modelStore: ModelStore = {
  list: () => visit([], (store) => store.list()),
  inspect: (model) => visit(undefined, (store) => inspect(store, model)),
  delete: (model) => visit(0, (store) => remove(store, model)),
  evict: (bytes) => visit([], (store) => store.evict(bytes)),
  persist: async () => (await storage()?.persist?.()) ?? false,
  estimate: async () => ({ ...(await estimate()), persisted: (await storage()?.persisted?.()) ?? false }),
};

function storage(): Partial<StorageManager> | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
}

/** Does something with the store; `none` where there is none. */
async function visit<T>(none: T, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore('auto');
  if (store === undefined) {
    return none;
  }
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

async function matching(store: Store, model: string | URL): Promise<StoredFile[]> {
  const text = String(model);
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  const url = URL.canParse(text, base) ? new URL(text, base).href : text;
  return (await store.list()).filter((file) => file.id === text || file.name === text || file.urls.includes(url));
}

async function remove(store: Store, model: string | URL): Promise<number> {
  const files = await matching(store, model);
  for (const { id, name } of files) {
    if (!(await store.remove(id))) {
      const message = `${name} is being downloaded or loaded, here or in another tab; try again when that has ended`;
      throw new KingletError('store_busy', message, { id, name });
    }
  }
  return files.length;
}

async function inspect(store: Store, model: string | URL): Promise<Inspection | undefined> {
  const file = (await matching(store, model))[0];
  const manifest = file && (await store.manifests()).find(({ id }) => id === file.id);
  if (file === undefined || manifest === undefined) {
    return undefined;
  }
  const release = await store.hold(file.id);
  try {
    const open = await store.disk.openFile(file.id, 'read');
    const chunks = open && new Chunks(manifest, open, new Window());
    const damaged: number[] = [];
    for (let n = 0; n < chunksOf(manifest.length ?? 0); n++) {
      if (manifest.sha[n] && !(await chunks?.load(n).catch(() => false))) {
        damaged.push(n);
      }
    }
    await open?.close();
    return { ...file, damaged };
  } finally {
    release();
  }
}
