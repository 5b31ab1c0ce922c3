// The store as a page sees it, with or without an engine: what is there, how much room there is, and making room.

import { KingletError } from '../errors.js';
import { huggingFace, isRepoFile, parseHf } from '../sources/huggingface.js';
import { keysOf, partAt, partsOf } from '../sources/split.js';
import type { RepoFile } from '../types.js';
import { findDisks, openOn } from './places.js';
import { estimate, type Estimate } from './quota.js';
import { damagedOf, type Look } from './verify.js';
import { evict, lastUsedFirst, type Store, type StoredFile } from './store.js';

/** What a stored model goes by: its address, name or id, or what it was loaded with. */
export type StoredModel = string | URL | RepoFile | { url: string | URL; name?: string };

/** What a thorough look at one file finds. */
export interface Inspection extends StoredFile {
  /** Numbers of the chunks (of 4 MiB) that are not what was written. They are fetched again when they are needed. */
  damaged: number[];
}

/** How a model is verified. */
export interface VerifyOptions {
  /** Bytes that were read, of all that are to be read. */
  onProgress?: ((progress: { loaded: number; total: number }) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The models that are kept in this origin (docs/store.md), whichever `store` they were loaded with.
 *
 * @throws KingletError each of these: `store_newer`; `store_busy` when another tab holds up the store.
 */
export interface ModelStore {
  /** All files, the last used first. */
  list(): Promise<StoredFile[]>;
  /** Reads a model's files and checks every chunk of them: one file, or the parts of a split model; none: it is not there. */
  inspect(model: StoredModel): Promise<Inspection[]>;
  /**
   * As {@link ModelStore.inspect}, and by the SHA-256 that each chunk had when it arrived, not by the fast hash that is compared at
   * each load; says how far it is. What is damaged is fetched again by `downloadModel({ model, check: true })`.
   *
   * @throws KingletError `aborted` by `signal`.
   */
  verify(model: StoredModel, options?: VerifyOptions): Promise<Inspection[]>;
  /**
   * Removes a model, all parts of a split one that is named by the first; returns how many files those were.
   *
   * @throws KingletError `store_busy` when one is being downloaded or loaded, here or in another tab.
   */
  delete(model: StoredModel): Promise<number>;
  /**
   * Makes room: removes whole files, those first that were not used for longest, until that has freed at least so many bytes
   * or none is left that nobody uses; returns those that went. The parts of a split model are files of their own.
   */
  evict(bytes: number): Promise<StoredFile[]>;
  /** Asks the browser not to remove the store when it is short of room. Only a page can ask. True: it will not. */
  persist(): Promise<boolean>;
  /** What the browser grants this origin. */
  estimate(): Promise<Estimate & { persisted: boolean }>;
}

/** The project's own models, which are stored by their names (sources/resolve.ts). */
const DESK = ['desk', 'desk-nano'];

export const modelStore: ModelStore = {
  list: () => visit(async (stores) => (await Promise.all(stores.map((store) => store.list()))).flat().sort(lastUsedFirst)),
  inspect: (model) => visit((stores) => inspect(stores, model, { thorough: false })),
  verify: (model, { onProgress, signal } = {}) => visit((stores) => inspect(stores, model, { thorough: true, signal, onProgress })),
  delete: (model) => visit((stores) => remove(stores, model)),
  evict: (bytes) => visit((stores) => evict(stores, bytes)),
  persist: async () => (await storage()?.persist?.()) ?? false,
  estimate: async () => ({ ...(await estimate()), persisted: (await storage()?.persisted?.()) ?? false }),
};

function storage(): Partial<StorageManager> | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
}

/** How long another tab may hold up the store: it brings it to a new version, or prevents this one from doing that. */
const WAIT_MS = 5000;

/** Does something with all that is kept, wherever that is. */
async function visit<T>(work: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  const stores: Store[] = [];
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    for (const disk of await findDisks()) {
      const store = await openOn(disk, { signal }).catch(held);
      stores.push(store);
      if (disk.writable) {
        await store.sweep().catch(() => undefined); // what cannot be removed now is removed another time
      }
    }
    return await work(stores);
  } finally {
    stores.forEach((store) => store.close());
  }
}

/** What waiting in vain for a store ends with. */
function held(thrown: unknown): never {
  if (thrown instanceof KingletError && thrown.code === 'aborted') {
    const message = 'another tab is bringing the store to a new version, or uses one of an older version; close or reload it, then try again';
    throw new KingletError('store_busy', message);
  }
  throw thrown;
}

interface Kept {
  store: Store;
  file: StoredFile;
}

async function matching(stores: readonly Store[], model: StoredModel): Promise<Kept[]> {
  const named = typeof model === 'string' ? partsOf(model) : [];
  const names = [...named, ...named.filter((name) => DESK.includes(name)).map((name) => `${name}.gguf`)];
  const urls = addresses(model);
  const part = (name: string) => (typeof model === 'string' ? partAt(name, model) : -1);
  // The parts of a split model in their order.
  const place = ({ id, name, urls: known }: StoredFile) =>
    Math.min(...[id, name].map((own) => names.indexOf(own)).concat(part(name), known.map((url) => urls.indexOf(url))).filter((at) => at >= 0));
  const all = await Promise.all(stores.map(async (store) => (await store.list()).map((file) => ({ store, file }))));
  return all.flat().filter(({ file }) => place(file) < Infinity).sort((a, b) => place(a.file) - place(b.file));
}

/** The addresses of a model's files, where it has one: the first part's stands for all. */
function addresses(model: StoredModel): string[] {
  if (typeof model === 'string' && model.startsWith('hf:')) {
    return partsOf(huggingFace(parseHf(model)));
  }
  if (typeof model === 'object' && !(model instanceof URL)) {
    return keysOf(isRepoFile(model) ? partsOf(huggingFace(model)) : addresses(model.url), model.name);
  }
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  return URL.canParse(String(model), base) ? partsOf(new URL(model, base).href) : [String(model)];
}

async function remove(stores: readonly Store[], model: StoredModel): Promise<number> {
  const files = await matching(stores, model);
  for (const { store, file: { id, name } } of files) {
    if (!(await store.remove(id))) {
      const message = `${name} is being downloaded or loaded, here or in another tab; try again when that has ended`;
      throw new KingletError('store_busy', message, { id, name });
    }
  }
  return files.length;
}

async function inspect(stores: readonly Store[], model: StoredModel, how: Look & VerifyOptions): Promise<Inspection[]> {
  const files = await matching(stores, model);
  const total = files.reduce((sum, { file }) => sum + file.stored, 0);
  const found: Inspection[] = [];
  let loaded = 0;
  const read = (bytes: number) => how.onProgress?.({ loaded: (loaded += bytes), total });
  for (const { store, file } of files) {
    const release = await store.hold(file.id);
    try {
      const manifest = (await store.manifests()).find(({ id }) => id === file.id);
      if (manifest !== undefined) {
        found.push({ ...file, damaged: await damagedOf(store, manifest, how, read) });
      }
    } finally {
      release();
    }
  }
  return found;
}
