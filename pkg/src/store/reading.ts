// A stored file that is read, complete or on its way; damaged chunks are fetched again.

import { aborted, KingletError } from '../errors.js';
import { unreadable, type Reader } from '../sources/reader.js';
import { fileChanged } from '../sources/remote.js';
import { telling } from '../sources/validators.js';
import { fetchChunk, type Origin } from './ask.js';
import type { Chunks } from './chunks.js';
import { Download, type Surroundings } from './download.js';
import type { Release } from './locks.js';
import { chunksOf, sizeOf, type Manifest } from './manifest.js';
import { sha256, Sha256 } from './sha256.js';
import { CHUNK, type Window } from './window.js';

/** When more chunks than these turn out to be damaged, the others are not fetched one by one. */
const FEW_DAMAGED = 3;

/** What opening a file needs. */
export interface Shelf extends Surroundings {
  window: Window;
  notice(code: 'storage_evicted' | 'chunk_repaired', message: string, detail: Record<string, unknown>): void;
  /** Another tab is downloading the file: so much is there, where that is known. */
  waiting(name: string, loaded?: number, total?: number): void;
  /** A reader that was opened is closed. */
  done(): void;
}

/** A file of the store that is read; see `openStored` in stored.ts. */
export class StoredReader implements Reader {
  private readonly ending = new AbortController();
  private closed = false;
  private ended: Promise<void> | undefined;
  /** Looks for damaged chunks, at times. */
  private looking: Promise<unknown> = Promise.resolve();
  /** How many chunks were found to be damaged. */
  private damaged = 0;
  /** It was not there before. */
  private readonly fresh: boolean;

  /** @internal `repairs`: the file may be written. */
  constructor(
    private readonly origin: Origin,
    private readonly chunks: Chunks,
    private readonly shelf: Shelf,
    private readonly release: Release,
    private download: Download | undefined,
    private readonly repairs: boolean,
  ) {
    this.fresh = download !== undefined;
  }

  get name(): string {
    return this.origin.url;
  }

  get length(): number | undefined {
    return this.manifest.length ?? undefined;
  }

  private get manifest(): Manifest {
    return this.chunks.manifest;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.chunks.read(this.name, offset, length, (n) => this.chunk(n));
  }

  /** What the content is known by, once all of it is there. */
  get root(): string | undefined {
    return this.manifest.root ?? undefined;
  }

  /** Waits for the rest of a download. What was read is a whole and expected file only after that. */
  async finish(): Promise<void> {
    await this.download?.finished;
    const failure = this.download?.failure;
    if (failure !== undefined) {
      throw failure;
    }
  }

  async close(): Promise<void> {
    try {
      await this.end();
    } finally {
      this.shelf.done();
    }
  }

  /** Gives back everything but the session with the store. */
  end(): Promise<void> {
    return (this.ended ??= this.giveBack());
  }

  private async giveBack(): Promise<void> {
    this.closed = true;
    this.ending.abort();
    try {
      await this.looking.catch(() => undefined); // it opens the file anew, and may begin a download
      await this.download?.stop();
      await this.chunks.file.close();
      if (this.download?.superfluous) {
        await this.shelf.store.drop(this.manifest.id);
      } else if (this.chunks.learnt && this.manifest.complete && this.shelf.store.disk.writable) {
        await this.shelf.store.save(this.manifest);
      }
    } catch {
      // What was read is read; what could not be noted or removed now is found out another time.
    } finally {
      this.release();
    }
  }

  /** Closes it; what was downloaded for this reader is removed from the store: it was no model. What lay there before stays. */
  async discard(): Promise<void> {
    if (!this.fresh) {
      return this.close();
    }
    try {
      await this.end();
      await this.shelf.store.remove(this.manifest.id);
    } finally {
      this.shelf.done();
    }
  }

  /** Notes that it was used now. */
  async touch(): Promise<void> {
    if (this.shelf.store.disk.writable) {
      this.manifest.used = Date.now();
      this.manifest.keys = [...new Set([...this.manifest.keys, this.origin.key])];
      await this.shelf.store.save(this.manifest).catch(() => undefined); // a full disk is no reason not to read
    }
  }

  /** Whether it has the hash that was asked for, which is computed where it is not known yet. */
  async isExpected(): Promise<boolean> {
    const { origin, manifest } = this;
    if (origin.sha256 === undefined) {
      return true;
    }
    if (manifest.sha256 === null) {
      const hash = new Sha256();
      const length = manifest.length ?? 0;
      for (let n = 0; n < chunksOf(length); n++) {
        hash.update(await this.read(n * CHUNK, sizeOf(length, n)));
      }
      manifest.sha256 = hash.digest();
    }
    return manifest.sha256 === origin.sha256;
  }

  /** Makes sure that chunk `n` is in its slot. */
  private async chunk(n: number): Promise<void> {
    const { signal } = this.origin;
    if (signal?.aborted) {
      throw aborted(signal);
    }
    this.checkOpen();
    const bytes = await this.download?.chunk(n);
    if (bytes !== undefined) {
      return this.chunks.place(n, bytes);
    }
    const { length } = this.manifest;
    if (length === null || n >= chunksOf(length) || (await this.load(n))) {
      return;
    }
    if (this.download?.failure !== undefined) {
      throw this.download.failure; // its file is closed, and perhaps gone: that is no damage
    }
    this.damaged += 1;
    if (this.damaged > FEW_DAMAGED && this.download === undefined) {
      const looking = this.downloadDamaged();
      this.looking = looking;
      if (await looking) {
        return this.chunk(n);
      }
    }
    this.chunks.place(n, await this.repaired(n));
  }

  private checkOpen(): void {
    if (this.closed) {
      throw unreadable(this.name, 'it was closed');
    }
  }

  private async load(n: number): Promise<boolean> {
    try {
      return await this.chunks.load(n);
    } catch {
      return false; // what cannot be read is damaged, whatever the disk says of it
    }
  }

  /** Finds all damaged chunks and downloads them together; false: that cannot be done now. */
  private async downloadDamaged(): Promise<boolean> {
    const { origin, manifest, shelf: { store } } = this;
    const comparable = telling(manifest) || origin.sha256 !== undefined;
    const claim = this.repairs && comparable ? await store.tryClaim(origin.key) : undefined;
    if (claim === undefined) {
      return false;
    }
    try {
      this.download = await this.repairing();
    } finally {
      void (this.download === undefined ? claim() : this.download.finished.then(claim));
    }
    return this.download !== undefined;
  }

  /** The download of all damaged chunks; undefined: the file cannot be written now. */
  private async repairing(): Promise<Download | undefined> {
    const { origin, chunks, manifest, shelf } = this;
    const { disk } = shelf.store;
    this.checkOpen();
    await chunks.file.close();
    const file = await disk.openFile(manifest.id, 'write').catch(() => undefined); // another tab may be reading it
    chunks.file = file ?? (await disk.openFile(manifest.id, 'read')) ?? chunks.file;
    if (file === undefined) {
      return undefined;
    }
    manifest.complete = false;
    const damaged: number[] = [];
    for (let n = 0; n < manifest.sha.length; n++) {
      this.checkOpen();
      if ((await chunks.take(n, sizeOf(manifest.length ?? 0, n))) === undefined) {
        damaged.push(n);
      }
    }
    this.checkOpen();
    const message = `${damaged.length} chunks of ${origin.name} in the store were damaged; they are fetched again`;
    shelf.notice('chunk_repaired', message, { name: origin.name, chunks: damaged, kept: true });
    return new Download(origin, chunks, shelf, undefined, manifest.root);
  }

  /** Fetches a damaged chunk again, which must be the one that was there. */
  private async repaired(n: number): Promise<Uint8Array<ArrayBuffer>> {
    const { origin, manifest, shelf } = this;
    if (origin.once) {
      const message = `chunk ${n} of ${origin.name} in the store is damaged, and a stream cannot be read again; give the model anew`;
      throw new KingletError('store_damaged', message, { name: origin.name, chunk: n });
    }
    const bytes = await fetchChunk(origin, manifest, n, shelf.patience, this.ending.signal);
    if ((await sha256(bytes)) !== manifest.sha[n]) {
      await this.end();
      await shelf.store.remove(manifest.id);
      throw fileChanged(origin.url);
    }
    const kept = await this.rewrite(n, bytes);
    const message = `chunk ${n} of ${origin.name} in the store was damaged; it was fetched again`;
    shelf.notice('chunk_repaired', message, { name: origin.name, chunk: n, kept });
    return bytes;
  }

  /** Writes a chunk back, where nobody else has the file open; otherwise the next load finds it damaged again. */
  private async rewrite(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { disk } = this.shelf.store;
    if (this.download !== undefined) {
      await this.chunks.put(n, bytes);
      return true;
    }
    try {
      await this.chunks.file.close();
      const file = disk.writable ? await disk.openFile(this.manifest.id, 'write') : undefined;
      try {
        await file?.write(n, bytes);
        await file?.flush();
      } finally {
        await file?.close();
      }
      return file !== undefined;
    } catch {
      return false;
    } finally {
      this.chunks.file = (await disk.openFile(this.manifest.id, 'read')) ?? this.chunks.file;
    }
  }
}
