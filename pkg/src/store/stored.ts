// A file of the store as a Reader: found there, or downloaded into it while it is read.

import { aborted } from '../errors.js';
import { unreadable } from '../sources/reader.js';
import type { Origin } from './ask.js';
import { Chunks } from './chunks.js';
import type { DiskFile } from './disk.js';
import { Download } from './download.js';
import type { Release } from './locks.js';
import { sizeOf, stored, type Manifest } from './manifest.js';
import { diskError } from './quota.js';
import { StoredReader, type Shelf } from './reading.js';
import { newId, type Store } from './store.js';
import { CHUNK } from './window.js';

/** How often is looked how far another tab's download is. */
const WATCH_MS = 1000;

/**
 * Opens a file: from the store where it is complete, else by downloading it, where this thread may and can; undefined where
 * not. Two tabs that want the same file download it once.
 *
 * @throws KingletError when the server does not answer with a file, or the disk does not take it.
 */
export async function openStored(
  origin: Origin,
  shelf: Shelf,
  turn?: Promise<void>,
  downloads = true,
): Promise<StoredReader | undefined> {
  const { store } = shelf;
  let claim: Release | undefined = await claimed(origin, shelf);
  try {
    const writes = store.disk.writable && downloads;
    const found = await present(origin, shelf, writes);
    if (found !== undefined) {
      return found;
    }
    if (!writes) {
      return undefined;
    }
    const reader = await begin(origin, shelf, turn, claim);
    claim = undefined;
    return reader;
  } catch (thrown) {
    throw diskError(origin.name, thrown);
  } finally {
    claim?.();
  }
}

/** Waits as long as another tab downloads the file, and tells how far that is. */
async function claimed({ key, name, signal }: Origin, { store, waiting }: Shelf): Promise<Release> {
  let watch: ReturnType<typeof setInterval> | undefined;
  const look = async () => {
    const manifest = await store.find(key).catch(() => undefined);
    if (watch !== undefined && manifest !== undefined) {
      waiting(name, stored(manifest), manifest.length ?? undefined);
    }
  };
  const wait = {
    signal,
    waiting: () => {
      waiting(name);
      watch = setInterval(() => void look(), WATCH_MS);
    },
  };
  try {
    return await store.claim(key, wait);
  } finally {
    clearInterval(watch);
    watch = undefined;
  }
}

/** The complete file, if it is there and is the one that is wanted; another one goes only where this thread `writes` its own. */
async function present(origin: Origin, shelf: Shelf, writes: boolean): Promise<StoredReader | undefined> {
  const { store } = shelf;
  const repairs = writes && !origin.once;
  const manifest = await wanted(origin, store);
  if (!manifest?.complete) {
    return undefined;
  }
  const [file, release] = await opened(store, manifest.id);
  if (file === undefined) {
    release();
    if (!(await store.manifests()).some(({ id }) => id === manifest.id)) {
      return undefined; // somebody has removed it just now, and knows
    }
    await store.drop(manifest.id);
    const message = `the browser has removed ${manifest.name} from its storage; it is fetched again`;
    shelf.notice('storage_evicted', message, { name: manifest.name, bytes: manifest.length });
    return undefined;
  }
  const size = repairs ? await file.size?.() : undefined;
  if (size !== undefined && size < (manifest.length ?? 0)) {
    await file.close();
    release();
    await store.save(shortened(manifest, size, origin.key));
    const message = `the end of ${manifest.name} is missing in the browser's storage; it is fetched again`;
    shelf.notice('storage_evicted', message, { name: manifest.name, bytes: (manifest.length ?? 0) - size });
    return undefined;
  }
  const reader = new StoredReader(origin, new Chunks(manifest, file, shelf.window), shelf, release, undefined, repairs);
  let keeps = false;
  try {
    keeps = await reader.isExpected();
  } finally {
    await (keeps || reader.end());
  }
  if (keeps) {
    await reader.touch();
    return reader;
  }
  await (writes && store.remove(manifest.id));
  return undefined;
}

/** What is left of a file that has become shorter: a part, which is downloaded to its end. */
function shortened(manifest: Manifest, size: number, key: string): Manifest {
  const length = manifest.length ?? 0;
  const kept = (hashes: string[]) => hashes.filter((_, n) => n * CHUNK + sizeOf(length, n) <= size);
  const hashes = { sha: kept(manifest.sha), fast: kept(manifest.fast), root: null, sha256: null, whole: null };
  return { ...manifest, ...hashes, complete: false, keys: [...new Set([...manifest.keys, key])] };
}

/** Opens a file that is held until the `Release`. */
async function opened(store: Store, id: string): Promise<[DiskFile | undefined, Release]> {
  const release = await store.hold(id);
  try {
    return [await store.disk.openFile(id, 'read'), release];
  } catch (thrown) {
    release();
    throw thrown;
  }
}

async function wanted({ key, once, root, sha256 }: Origin, store: Store): Promise<Manifest | undefined> {
  if (root !== undefined) {
    return (await store.manifests()).find((m) => m.complete && m.root === root);
  }
  // What a stream brings is not known before it was read; but a thread that only reads takes what was put there for it.
  return once && sha256 === undefined && store.disk.writable ? undefined : store.find(key, sha256);
}

async function begin(origin: Origin, shelf: Shelf, turn: Promise<void> | undefined, claim: Release): Promise<StoredReader> {
  const { store } = shelf;
  await store.sweep().catch(() => undefined); // what cannot be removed now is removed another time
  const left = await part(origin, shelf);
  const id = left?.id ?? newId();
  // Held before there is a record of it: a sweep in another tab removes what nobody holds and no record explains.
  const release = await store.hold(id);
  let manifest: Manifest;
  let file: DiskFile | undefined;
  try {
    manifest = left ?? (await store.create(origin.key, origin.name, id));
    file = await store.disk.openFile(id, 'write');
    if (file === undefined) {
      throw unreadable(origin.name, 'its file in the store could not be made');
    }
  } catch (thrown) {
    release();
    throw thrown;
  }
  const chunks = new Chunks(manifest, file, shelf.window);
  const download = new Download(origin, chunks, shelf, turn);
  const reader = new StoredReader(origin, chunks, shelf, release, download, true);
  void download.finished.then(claim);
  const { signal } = origin;
  const stop = () => void download.stop();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) {
    stop();
  }
  await download.opened;
  signal?.removeEventListener('abort', stop);
  const failure = signal?.aborted ? aborted(signal) : download.failure;
  if (failure !== undefined) {
    await reader.end();
    throw failure;
  }
  return reader;
}

/** What an earlier download left. */
async function part({ key, once }: Origin, shelf: Shelf): Promise<Manifest | undefined> {
  const { store } = shelf;
  if (once) {
    for (const { id, keys } of await store.manifests()) {
      await (keys.includes(key) && store.remove(id)); // an earlier stream of this name
    }
  }
  const manifest = await store.find(key);
  if (manifest === undefined || manifest.complete) {
    return undefined;
  }
  const file = stored(manifest) === 0 ? undefined : await store.disk.openFile(manifest.id, 'read');
  await file?.close();
  if (file === undefined) {
    await store.drop(manifest.id);
    return undefined;
  }
  return manifest;
}
