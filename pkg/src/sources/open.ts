// From what the page says about a model to the Readers of its files, in the thread where the engine runs.

import { aborted, KingletError, toWire } from '../errors.js';
import type { Report } from '../progress.js';
import type { Origin } from '../store/ask.js';
import { openStore, type StoreKind } from '../store/places.js';
import { Room } from '../store/quota.js';
import { patient, type Patience } from './retry.js';
import type { Store } from '../store/store.js';
import type { Shelf } from '../store/reading.js';
import { openStored } from '../store/stored.js';
import { CHUNK, Window } from '../store/window.js';
import type { Notice } from '../types.js';
import { blobReader } from './blob.js';
import { HttpReader } from './http.js';
import { LastingReader, UNKEPT, type Openable } from './lasting.js';
import { Meter } from './meter.js';
import type { Fetch } from './remote.js';
import { Readers, type Reader } from './reader.js';
import type { WireSource } from './resolve.js';
import { fileName, keyOf, keysOf, partName, partsOf } from './split.js';
import { supplied } from './supply.js';

/** How the files of a model are read. */
export interface Reading {
  store?: StoreKind;
  /** Sent with every request for the model. */
  headers?: [string, string][];
  retry?: Patience;
  /** The caller's own `fetch`, and streams: see supply.ts. */
  port?: MessagePort;
  /** Ends downloads, and what waits for them. */
  signal?: AbortSignal;
  /** `refused`: only what is on the device is read. */
  downloads?: 'allowed' | 'refused' | undefined;
}

/** Who hears of it. */
export interface Hearing {
  progress(progress: Report): void;
  notice(notice: Notice): void;
}

const DEAF: Hearing = { progress: () => undefined, notice: () => undefined };
/** A file that changes on the server while it is loaded makes the load begin again, so many times. */
const MAX_LOADS = 3;
/** What these errors are about is not worth keeping. */
const WORTHLESS = ['bad_file', 'truncated', 'hash_mismatch', 'file_changed'];

/**
 * Opens the files of a model and runs the engine's `load` with their readers; when it has ended, they hold nothing any more,
 * and can be read again. What a reader threw is what the caller gets, whatever the engine made of it; but of the end of a
 * file the engine knows more.
 */
export async function loadModel<T extends { free?(): void }>(
  sources: readonly WireSource[],
  reading: Reading,
  load: (readers: Readers) => Promise<T>,
  hearing: Hearing = DEAF,
): Promise<T> {
  for (let loads = 1; ; loads++) {
    const readers = await openSources(sources, reading, hearing);
    let engine: T | undefined;
    try {
      engine = await load(readers);
      await finish(readers, sources);
      await readers.close();
      return engine;
    } catch (thrown) {
      engine?.free?.();
      const { failure } = readers;
      const error = failure === undefined || failure.code === 'truncated' ? thrown : failure;
      const { code } = toWire(error);
      await (WORTHLESS.includes(code) ? readers.discard() : readers.close());
      if (code !== 'file_changed' || loads >= MAX_LOADS) {
        throw error;
      }
    }
  }
}

/** Puts the files of a model into the store, all of each, for a thread that can only read it; `check` reads them, too. */
export async function keepModel(sources: readonly WireSource[], reading: Reading, hearing: Hearing, check = false): Promise<void> {
  const arrive = async (readers: Readers) => {
    await readers.finish();
    if (check) {
      await readAll(readers); // reading repairs
      await readers.finish();
    }
    return {};
  };
  await loadModel(sources, reading, arrive, hearing);
}

async function readAll({ all }: Readers): Promise<void> {
  for (const reader of all) {
    for (let at = 0; at < (reader.length ?? 0); at += CHUNK) {
      await reader.read(at, Math.min(CHUNK, (reader.length ?? 0) - at));
    }
  }
}

/**
 * One reader for each file; the first part's address stands for all of a split model.
 *
 * @throws KingletError when a file cannot be had.
 */
export async function openSources(sources: readonly WireSource[], reading: Reading = {}, hearing: Hearing = DEAF): Promise<Readers> {
  const files = filesOf(sources);
  const opener = new Opener(reading, hearing);
  const readers: Reader[] = [];
  try {
    for (const file of files) {
      readers.push(file.kind === 'blob' ? blobReader(file.blob) : await opener.open(file));
    }
    return new Readers(readers);
  } catch (thrown) {
    await new Readers(readers).close();
    throw thrown;
  }
}

/** The files of a model: the first part's address stands for all of a split one. */
export function filesOf(sources: readonly WireSource[]): readonly WireSource[] {
  return sources.length === 1 ? sources.flatMap(parts) : sources;
}

/** Opens files that are elsewhere. */
class Opener {
  private window: Window | undefined;
  private readonly meter: Meter;
  private readonly fetch: Fetch | undefined;
  private readonly room = new Room();
  /** One session for all parts: a second one could have to wait for who waits for the first to end. */
  private session: Promise<Store | undefined> | undefined;
  private users = 0;

  constructor(
    private readonly reading: Reading,
    private readonly hearing: Hearing,
  ) {
    this.meter = new Meter((progress) => hearing.progress(progress));
    this.fetch = reading.port && supplied(reading.port);
  }

  /** `before`: when the part before is there; parts come one after the other, but for their beginnings. */
  private before: Promise<void> = Promise.resolve();

  async open(file: Exclude<WireSource, { kind: 'blob' }>): Promise<Reader> {
    const { url, sha256, once = false, name = fileName(url) } = file;
    const headers = [...(this.reading.headers ?? []), ...(file.headers ?? [])];
    const origin = { url, key: keyOf(file), name, headers, once, sha256: sha256?.toLowerCase(), fetch: this.fetch, signal: this.reading.signal };
    const turn = this.before;
    // The store knows nothing of what servers call a version.
    return LastingReader.open((root) => this.file({ ...origin, root: root?.startsWith(UNKEPT) ? undefined : root }, turn));
  }

  private async file(origin: Origin, turn: Promise<void>): Promise<Openable> {
    const { signal } = origin;
    if (signal?.aborted) {
      throw aborted(signal);
    }
    this.users += 1;
    let ended = false;
    let stop = () => undefined as void;
    const done = () => {
      signal?.removeEventListener('abort', stop);
      this.users -= ended ? 0 : 1;
      ended = true;
      if (this.users === 0) {
        this.session?.then((store) => store?.close()).catch(() => undefined); // who opened it has heard why it is none
        this.session = undefined;
      }
    };
    try {
      const { store: kind = 'auto', downloads = 'allowed' } = this.reading;
      const waiting = () => this.meter.wait(origin.name, 'another tab is bringing the store to a new version, or uses one of an older version');
      const store = await (this.session ??= openStore(kind, { signal, waiting }));
      const stored = store && (await openStored(origin, this.shelf(store, done), turn, downloads === 'allowed'));
      if (stored !== undefined) {
        stop = () => void stored.close().catch(() => undefined);
        signal?.addEventListener('abort', stop);
        if (signal?.aborted) {
          stop();
          throw aborted(signal);
        }
        this.before = stored.finish().catch(() => undefined);
        return stored;
      }
      // Not every kind of worker can write every store: then nothing is kept, unless just that was asked for.
      if (downloads === 'refused' || (kind !== 'auto' && kind !== 'none')) {
        throw notHere(origin.url);
      }
      const reader = await HttpReader.open(origin, patient(this.reading.retry));
      done();
      return reader;
    } catch (thrown) {
      done();
      throw thrown;
    }
  }

  private shelf(store: Store, done: () => void): Shelf {
    const { meter, hearing } = this;
    return {
      store,
      window: (this.window ??= new Window()),
      room: this.room,
      patience: patient(this.reading.retry),
      progress: (name, loaded, total) => meter.update(name, loaded, total),
      waiting: (name, loaded, total) => meter.wait(name, `another tab is downloading ${name}`, loaded, total),
      notice: (code, message, detail) => hearing.notice({ code, message, detail }),
      done,
    };
  }
}

/**
 * Waits for the rest of the files. That the end of one does not come is no failure of a model that has loaded, unless the
 * file has to be compared with a hash.
 */
export async function finish(readers: Readers, sources: readonly WireSource[]): Promise<void> {
  const files = filesOf(sources);
  const ends = await Promise.allSettled(readers.given.map((reader) => reader.finish?.()));
  ends.forEach((end, i) => {
    const file = files[i];
    const compared = file?.kind === 'url' && file.sha256 !== undefined;
    if (end.status === 'rejected' && (compared || WORTHLESS.includes(toWire(end.reason).code))) {
      throw end.reason;
    }
  });
}

function parts(source: WireSource): WireSource[] {
  if (source.kind === 'blob') {
    return [source];
  }
  const { key, name } = source;
  const urls = partsOf(source.url);
  const keys = keysOf(urls, key === undefined ? undefined : name);
  const named = (i: number) => (name === undefined ? {} : { name: partName(name, i, urls.length) });
  return urls.map((url, i) => ({ ...source, url, key: keys[i], ...named(i) }));
}

function notHere(name: string): KingletError {
  const message =
    `${name} is not in the store, and this kind of worker does not download it (a service worker would be ended on the way, ` +
    'others cannot write the store): load this model once on a page of this origin, then ask again';
  return new KingletError('download_refused', message, { source: name });
}
