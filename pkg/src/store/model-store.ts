// The store as a page sees it, with or without an engine: what is there, how much room there is, and making room.

import { KingletError } from '../errors.js';
import { huggingFace, isRepoFile, parseHf } from '../sources/huggingface.js';
import { partsOf } from '../sources/split.js';
import type { RepoFile } from '../types.js';
import { Chunks } from './chunks.js';
import { chunksOf } from './manifest.js';
import { openStore } from './places.js';
import { estimate, type Estimate } from './quota.js';
import type { Store, StoredFile } from './store.js';
import { Window } from './window.js';

/** What a stored model goes by: its address, name or id, or what it was loaded with. */
export type StoredModel = string | URL | RepoFile | { url: string | URL };

/** What a thorough look at one file finds. */
export interface Inspection extends StoredFile {
  /** Numbers of the chunks (of 4 MiB) that are not what was written. They are fetched again when they are needed. */
  damaged: number[];
}

/** The models that are kept in this origin (docs/store.md). */
export interface ModelStore {
  /** All files, the last used first. */
  list(): Promise<StoredFile[]>;
  /** Reads a file and checks every chunk of it; of a split model, the first part. Undefined: it is not there. */
  inspect(model: StoredModel): Promise<Inspection | undefined>;
  /**
   * Removes a model, all parts of a split one that is named by the first; returns how many files those were.
   *
   * @throws KingletError `store_busy` when one is being downloaded or loaded, here or in another tab.
   */
  delete(model: StoredModel): Promise<number>;
  /** Removes the files that were not used for longest, until so many bytes of them are gone; returns those that went. */
  evict(bytes: number): Promise<StoredFile[]>;
  /** Asks the browser not to remove the store when it is short of room. Only a page can ask. True: it will not. */
  persist(): Promise<boolean>;
  /** What the browser grants this origin. */
  estimate(): Promise<Estimate & { persisted: boolean }>;
}

/** The project's own models, which are stored by their names (sources/resolve.ts). */
const DESK = ['desk', 'desk-nano'];

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

async function matching(store: Store, model: StoredModel): Promise<StoredFile[]> {
  const named = typeof model === 'string' ? [model] : [];
  const names = [...named, ...named.filter((name) => DESK.includes(name)).map((name) => `${name}.gguf`)];
  const urls = addresses(model);
  const fits = ({ id, name, urls: known }: StoredFile) => names.includes(id) || names.includes(name) || known.some((url) => urls.includes(url));
  const place = (file: StoredFile) => Math.min(...file.urls.map((url) => urls.indexOf(url)).filter((at) => at >= 0));
  return (await store.list()).filter(fits).sort((a, b) => place(a) - place(b));
}

/** The addresses of a model's files, where it has one: the first part's stands for all. */
function addresses(model: StoredModel): string[] {
  if (typeof model === 'string' && model.startsWith('hf:')) {
    return partsOf(huggingFace(parseHf(model)));
  }
  if (typeof model === 'object' && !(model instanceof URL)) {
    return isRepoFile(model) ? partsOf(huggingFace(model)) : addresses(model.url);
  }
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  return URL.canParse(String(model), base) ? partsOf(new URL(model, base).href) : [String(model)];
}

async function remove(store: Store, model: StoredModel): Promise<number> {
  const files = await matching(store, model);
  for (const { id, name } of files) {
    if (!(await store.remove(id))) {
      const message = `${name} is being downloaded or loaded, here or in another tab; try again when that has ended`;
      throw new KingletError('store_busy', message, { id, name });
    }
  }
  return files.length;
}

async function inspect(store: Store, model: StoredModel): Promise<Inspection | undefined> {
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
