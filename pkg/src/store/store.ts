// The files of the store: found, listed, removed; and the store's version, which all tabs must agree about.

import { KingletError } from '../errors.js';
import type { Disk } from './disk.js';
import { locked, patiently, type Locks, type Release, type Wait } from './locks.js';
import { fresh, parse, recordOf, SCHEMA, SCHEMA_RECORD, stored, type Manifest } from './manifest.js';

/** Held by all who use the store, shared; exclusively by who changes its version. */
const STORE_LOCK = 'store';
const RECORD = /^file-([0-9a-f]{32})$/;

/** What the store says of one file. */
export interface StoredFile {
  id: string;
  name: string;
  /** Where it is kept. */
  store: Disk['kind'];
  /** Where it can be fetched from. */
  urls: string[];
  /** Bytes of the file, where that is known, and of what is there. */
  length: number | undefined;
  stored: number;
  /** Everything is there. An incomplete file is resumed when it is asked for again. */
  complete: boolean;
  /** Of the whole file, where it was computed. */
  sha256: string | undefined;
  created: Date;
  used: Date;
}

/** A session with the store. While it is open, nobody changes the store's version. */
export class Store {
  private constructor(
    readonly disk: Disk,
    readonly locks: Locks,
    private readonly release: Release,
  ) {}

  /**
   * Opens the store, and brings one of an older version to this one.
   *
   * An upgrade waits until nobody uses the older one, and everybody else for the upgrade.
   *
   * @throws KingletError `store_newer`; then nothing was changed. `aborted`.
   */
  static async open(disk: Disk, locks: Locks, version: number = SCHEMA, wait: Wait = {}): Promise<Store> {
    let release: Release = () => undefined;
    try {
      release = await patiently(locks, STORE_LOCK, 'shared', wait);
      if ((await versionOf(disk, version)) < version && disk.writable) {
        release();
        release = await patiently(locks, STORE_LOCK, 'exclusive', wait);
        if ((await versionOf(disk, version)) < version) {
          await upgrade(disk, version);
        }
        release();
        release = await patiently(locks, STORE_LOCK, 'shared', wait);
        await versionOf(disk, version); // in between, a still newer tab may have had its turn
      }
      return new Store(disk, locks, release);
    } catch (thrown) {
      release();
      disk.close?.();
      throw thrown;
    }
  }

  /** Ends the session. */
  close(): void {
    this.release();
    this.disk.close?.();
  }

  /** All files that this code understands. */
  async manifests(): Promise<Manifest[]> {
    const ids = (await this.disk.records()).flatMap((name) => RECORD.exec(name)?.[1] ?? []);
    const found = await Promise.all(ids.map((id) => this.manifest(id)));
    return found.filter((manifest) => manifest !== undefined);
  }

  /** The file with a content that was asked for, or for an address; a complete one rather than a part of one. */
  async find(key: string, sha256?: string): Promise<Manifest | undefined> {
    const all = await this.manifests();
    const whole = all.filter(({ complete }) => complete);
    const fits = (m: Manifest) => m.keys.includes(key);
    return whole.find((m) => sha256 !== undefined && m.sha256 === sha256) ?? whole.find(fits) ?? all.find(fits);
  }

  /** A new file's manifest, on disk before anything else of it. */
  async create(key: string, name: string, id: string = newId()): Promise<Manifest> {
    const manifest = fresh(id, key, name);
    await this.save(manifest);
    return manifest;
  }

  /** Writes a manifest. */
  async save(manifest: Manifest): Promise<void> {
    const record = recordOf(manifest.id);
    await locked(this.locks, record, () => this.disk.writeRecord(record, JSON.stringify(manifest)));
  }

  /** Where another file has the same content as this one, this one's addresses become that one's. */
  async join(manifest: Manifest): Promise<boolean> {
    const isTwin = (m: Manifest) => m.complete && m.root === manifest.root && m.id !== manifest.id;
    for (const { id } of (await this.manifests()).filter(isTwin)) {
      const release = await this.hold(id);
      try {
        const twin = (await this.manifests()).find((m) => m.id === id && isTwin(m)); // it may have been removed meanwhile
        if (twin !== undefined) {
          twin.keys = [...new Set([...twin.keys, ...manifest.keys])];
          twin.sha256 ??= manifest.sha256;
          await this.save(twin);
          return true;
        }
      } finally {
        release();
      }
    }
    return false;
  }

  /** Held by who reads or writes a file, shared; exclusively by who removes it. */
  hold(id: string): Promise<Release> {
    return this.locks.hold(`use-${id}`, { mode: 'shared' });
  }

  /** Held by who looks for a file and perhaps downloads it: once for all tabs. */
  claim(key: string, wait: Wait): Promise<Release> {
    return patiently(this.locks, `source-${key}`, 'exclusive', wait);
  }

  /** As {@link Store.claim}; undefined where somebody else has it. */
  tryClaim(key: string): Promise<Release | undefined> {
    return this.locks.hold(`source-${key}`, { mode: 'exclusive', ifAvailable: true });
  }

  /** Removes a file that the caller alone uses. */
  async drop(id: string): Promise<void> {
    await this.disk.removeRecord(recordOf(id));
    await this.disk.removeFile(id);
  }

  /** Removes a file, if nobody uses it, and if it is `unwanted` then. */
  async remove(id: string, unwanted: () => Promise<boolean> = async () => true): Promise<boolean> {
    const release = await this.locks.hold(`use-${id}`, { mode: 'exclusive', ifAvailable: true });
    if (release === undefined) {
      return false;
    }
    try {
      const goes = await unwanted();
      await (goes && this.drop(id));
      return goes;
    } finally {
      release();
    }
  }

  /** What is there. */
  async list(): Promise<StoredFile[]> {
    return (await this.manifests()).map((manifest) => shown(manifest, this.disk.kind)).sort(lastUsedFirst);
  }

  /** Whether the browser still has the data of a file; one that somebody writes is there. */
  async has({ id }: Manifest): Promise<boolean> {
    try {
      const file = await this.disk.openFile(id, 'read');
      await file?.close();
      return file !== undefined;
    } catch {
      return true;
    }
  }

  /** Bytes that the browser counts as used for a file: all of its length, where that was reserved. */
  async taken(manifest: Manifest): Promise<number> {
    const file = await this.disk.openFile(manifest.id, 'read').catch(() => undefined);
    const size = await file?.size?.().catch(() => undefined);
    await file?.close();
    return Math.max(stored(manifest), size ?? 0);
  }

  /** Removes what no record speaks of, records that say nothing, and parts of what is there as a whole: what crashes left. */
  async sweep(): Promise<void> {
    const all = await this.manifests();
    const whole = new Set(all.flatMap(({ complete, keys }) => (complete ? keys : [])));
    const needed = all.filter(({ complete, keys }) => complete || !keys.every((key) => whole.has(key)));
    const known = new Set(needed.map(({ id }) => id));
    const records = (await this.disk.records()).flatMap((name) => RECORD.exec(name)?.[1] ?? []);
    for (const id of new Set([...records, ...(await this.disk.files())])) {
      if (!known.has(id)) {
        // What another tab has begun since then, and perhaps completed, is not what was left.
        const part = all.some((manifest) => manifest.id === id);
        await this.remove(id, async () => {
          const now = await this.manifest(id);
          return now === undefined || (part && !now.complete);
        });
      }
    }
  }

  private async manifest(id: string): Promise<Manifest | undefined> {
    const text = await this.disk.readRecord(recordOf(id));
    const manifest = text === undefined ? undefined : parse(text);
    return manifest?.id === id ? manifest : undefined;
  }
}

/** Order of lists. */
export const lastUsedFirst = (a: StoredFile, b: StoredFile) => b.used.getTime() - a.used.getTime();

/** Removes the files of these stores that were not used for longest, until `bytes` are freed; returns those that went. */
export async function evict(stores: readonly Store[], bytes: number): Promise<StoredFile[]> {
  const gone: StoredFile[] = [];
  let freed = 0;
  const all = await Promise.all(stores.map(async (store) => (await store.list()).map((file) => ({ store, file }))));
  for (const { store, file } of all.flat().sort((a, b) => lastUsedFirst(b.file, a.file))) {
    if (freed >= bytes) {
      break;
    }
    if (await store.remove(file.id)) {
      gone.push(file);
      freed += file.stored;
    }
  }
  return gone;
}

function shown(m: Manifest, store: Disk['kind']): StoredFile {
  const { id, name, keys, complete } = m;
  const dates = { created: new Date(m.created), used: new Date(m.used) };
  return { id, name, store, urls: keys, length: m.length ?? undefined, stored: stored(m), complete, sha256: m.sha256 ?? undefined, ...dates };
}

/** The version of the store; 0: it is empty. */
async function versionOf(disk: Disk, version: number): Promise<number> {
  const found = Number((await disk.readRecord(SCHEMA_RECORD)) ?? 0);
  if (found > version) {
    const message =
      `the store was written by a newer version of kinglet (version ${found} of the store, this code knows ${version}); ` +
      "reload the page, or load with store: 'none'";
    throw new KingletError('store_newer', message, { found, supported: version });
  }
  return found;
}

/** Rewrites every record (an empty store has none); the version comes last, so that an interrupted upgrade begins again. */
async function upgrade(disk: Disk, version: number): Promise<void> {
  for (const name of await disk.records()) {
    const text = RECORD.test(name) ? await disk.readRecord(name) : undefined;
    const manifest = text === undefined ? undefined : parse(text);
    if (manifest !== undefined) {
      await disk.writeRecord(name, JSON.stringify(manifest));
    }
  }
  await disk.writeRecord(SCHEMA_RECORD, String(version));
}

/** A name for a file. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
